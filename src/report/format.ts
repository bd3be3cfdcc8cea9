/** Numbers as people read them, for the terminal and the report alike. */

/** What stands where a value is missing or not finite. */
export const MISSING = "–";

/** A whole number with thousands separated by commas: 363669 -> "363,669". */
export function formatCount(value: number | null | undefined): string {
  return typeof value !== "number" || !Number.isFinite(value) ? MISSING : COUNT.format(Math.round(value));
}

/** So many things, of which one has this name: "1 molecule", "2,000 chains". */
export function countOf(count: number, one: string): string {
  return `${formatCount(count)} ${one}${count === 1 ? "" : "s"}`;
}

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0, signDisplay: "negative" });

/** Four significant digits, in exponent form outside 0.1 to 10,000: "0.7314", "1.404e-3". At most 10 characters. */
export function formatLoss(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return MISSING;
  if (value === 0) return "0";
  const rounded = Math.abs(Number(value.toPrecision(4)));
  if (rounded >= 0.1 && rounded < 1e4) return value.toPrecision(4);
  return value.toExponential(3).replace("e+", "e");
}

/** A percentage without its sign: two decimals below 10, one above; exponent form where these would show 0.00. */
export function formatPercent(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return MISSING;
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1).replace("e+", "e");
  return value.toFixed(Math.abs(value) < 9.995 ? 2 : 1);
}

/**
 * A percentage with its standard error, rounded to the same decimals: "75.5 ± 2.3", "3.12 ± 0.21".
 * The error is left out where it is missing.
 */
export function formatPercentError(value: number | null | undefined, error: number | null | undefined): string {
  const text = formatPercent(value);
  if (text === MISSING || typeof error !== "number" || !Number.isFinite(error)) return text;
  const decimals = text.includes("e") ? -1 : (text.split(".")[1] ?? "").length;
  const errorText = decimals < 0 ? error.toExponential(1).replace("e+", "e") : error.toFixed(decimals);
  return `${text} ± ${errorText}`;
}

/** A length of time from seconds, in its two largest units: "0.4 s", "42 s", "1 min 52 s", "2 h 05 min", "3 d 04 h". */
export function formatDuration(seconds: number | null | undefined): string {
  if (typeof seconds !== "number" || !Number.isFinite(seconds) || seconds < 0) return MISSING;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number): string => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(seconds / 3600);
  return `${formatCount(Math.floor(hours / 24))} d ${two(hours % 24)} h`;
}

/** Time of one step: "8.3 ms", "130 ms", "12.4 s". */
export function formatStepTime(ms: number | null | undefined): string {
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0) return MISSING;
  if (ms >= 9999.5) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}

/** What a run in half precision says of steps whose gradients overflowed. */
export function skippedRemark(steps: number): string {
  const were = steps === 1 ? "1 step was" : `${formatCount(steps)} steps were`;
  return `${were} left out, as gradients overflowed in half precision; the loss scale was halved each time`;
}
