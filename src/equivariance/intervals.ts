import { ratioOfSums } from "./estimators.ts";

/** A ratio of sums over samples, with its standard error and interval; NaN where they cannot be told. */
export interface RatioInterval {
  readonly value: number;
  readonly stdErr: number;
  readonly low: number;
  readonly high: number;
}

/** (sum of above) / (sum of below) with the interval of Student's t at `level` by the linearised standard error. */
export function ratioInterval(above: readonly number[], below: readonly number[], level = 0.95): RatioInterval {
  const { value, stdErr } = ratioOfSums(above, below);
  const half = studentT(above.length - 1, level) * stdErr;
  return { value, stdErr, low: value - half, high: value + half };
}

/** The two-sided quantile: that of a normal distribution (Abramowitz and Stegun 26.2.23), then 26.7.5. */
function studentT(freedom: number, level: number): number {
  const u = Math.sqrt(-2 * Math.log((1 - level) / 2));
  const z =
    u - (2.515517 + 0.802853 * u + 0.010328 * u ** 2) / (1 + 1.432788 * u + 0.189269 * u ** 2 + 0.001308 * u ** 3);
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}
