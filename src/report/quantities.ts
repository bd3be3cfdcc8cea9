import { MISSING } from "./format.ts";

/** Three significant digits and all those before the point: 0.0421, 3.14, 27.0, 1234 -> "1,234". */
export function formatSignificant(value: number | null | undefined): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return MISSING;
  return value === 0 ? "0" : SIGNIFICANT.format(value);
}

const DIGITS = { maximumSignificantDigits: 3, maximumFractionDigits: 0, roundingPriority: "morePrecision" } as const;
const SIGNIFICANT = new Intl.NumberFormat("en", { ...DIGITS, minimumSignificantDigits: 3 });
const TICK = new Intl.NumberFormat("en", DIGITS);

/** A time from milliseconds, three significant digits: "12.3 µs", "4.56 ms", "1,230 ms", "12.3 s". */
export function formatMilliseconds(ms: number | null | undefined): string {
  if (typeof ms !== "number" || !Number.isFinite(ms)) return MISSING;
  const size = Math.abs(Number(ms.toPrecision(3)));
  if (size >= 10_000) return `${formatSignificant(ms / 1000)} s`;
  return size < 0.1 && size > 0 ? `${formatSignificant(ms * 1000)} µs` : `${formatSignificant(ms)} ms`;
}

/** A round number of an axis as it is: 0.02, 5, 200, "10,000". */
export function formatTick(value: number): string {
  return TICK.format(value);
}
