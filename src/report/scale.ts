import { formatCount } from "./format.ts";

/** A mark on an axis; without a label it is a minor one. */
export interface Tick {
  value: number;
  label?: string;
}

/** Maps a domain of values to a range of pixels. */
export interface Scale {
  readonly domain: readonly [number, number];
  (value: number): number;
}

/** value -> pixel, linear. */
export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const factor = (range[1] - range[0]) / (domain[1] - domain[0]);
  return Object.assign((value: number) => range[0] + (value - domain[0]) * factor, { domain });
}

/** value -> pixel, logarithmic; domain and values above zero. */
export function logScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const inner = linearScale([Math.log10(domain[0]), Math.log10(domain[1])], range);
  return Object.assign((value: number) => inner(Math.log10(value)), { domain });
}

/** Distance between ticks: the number of 1, 2, 5 times a power of ten that gives at most `count` intervals. */
export function niceStep(span: number, count: number): number {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  // The small slack keeps 0.30000000000000004 from jumping to the next nice number.
  const factor = [1, 2, 5, 10].find((f) => f * power >= raw * (1 - 1e-9))!;
  return factor * power;
}

/** Round ticks of a linear axis, at most `count` and one. */
export function linearTicks(domain: readonly [number, number], label: (value: number) => string, count = 8): Tick[] {
  const step = niceStep(domain[1] - domain[0], count);
  const [first, last] = [Math.ceil(domain[0] / step - 1e-9), Math.floor(domain[1] / step + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => {
    // Division by a whole number where there is one: 3 * 0.1 is not 0.3.
    const value = step < 1 ? (first + i) / Math.round(1 / step) : (first + i) * step;
    return { value, label: label(value) };
  });
}

/** Whole-number ticks for an axis of training steps. */
export function stepTicks(domain: readonly [number, number], count = 8): Tick[] {
  const step = Math.max(1, niceStep(domain[1] - domain[0], count));
  const ticks: Tick[] = [];
  for (let i = Math.ceil(domain[0] / step); i * step <= domain[1]; i++) {
    ticks.push({ value: i * step, label: formatCount(i * step) });
  }
  return ticks;
}

const superscript = (digits: string): string =>
  digits.replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]!);

/** 0.002 -> "2×10⁻³"; numbers from 1 to 1,000 stay plain. */
export function powerLabel(value: number): string {
  const [mantissa, exponent] = Number(value.toPrecision(3)).toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (power >= 0 && power <= 3) return String(Number(value.toPrecision(3)));
  const tail = `10${superscript(String(power))}`;
  return mantissa === "1" ? tail : `${mantissa}×${tail}`;
}

/** The smallest and largest of the positive finite values, with a little air; null when there are none. */
export function logDomain(values: Iterable<number | null | undefined>): [number, number] | null {
  let low = Infinity;
  let high = 0;
  for (const value of values) {
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === 0) return null;
  // At least a factor of three in all, so that a flat curve does not show its rounding as hills.
  const air = Math.max((high / low) ** 0.04, Math.sqrt(Math.max(1, 3 / (high / low))));
  return [low / air, high * air];
}

/**
 * Ticks of a logarithmic axis: within two and a half decades 1, 2 and 5 are labelled, over more only powers of ten
 * (every second, third, ... of them when there would be more than eight); the other multiples are minor ticks.
 */
export function logTicks(domain: readonly [number, number], label: (value: number) => string = powerLabel): Tick[] {
  const first = Math.floor(Math.log10(domain[0]));
  const last = Math.floor(Math.log10(domain[1]));
  const span = Math.log10(domain[1] / domain[0]);
  const every = Math.ceil(span / 8);
  const ticks: Tick[] = [];
  for (let exponent = first; exponent <= last; exponent++) {
    for (let digit = 1; digit <= 9; digit++) {
      const value = Number(`${digit}e${exponent}`);
      if (value < domain[0] || value > domain[1]) continue;
      const labelled = digit === 1 ? exponent % every === 0 : span <= 2.5 && (digit === 2 || digit === 5);
      if (labelled) ticks.push({ value, label: label(value) });
      else if (span <= 5 || digit === 1) ticks.push({ value });
    }
  }
  // Between 5 and 10 lies no labelled tick: a short axis there labels all it has.
  const short = ticks.filter((tick) => tick.label !== undefined).length < 2;
  return short ? ticks.map((tick) => ({ value: tick.value, label: label(tick.value) })) : ticks;
}
