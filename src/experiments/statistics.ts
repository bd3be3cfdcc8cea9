/** Statistics over seeds, which are the independent units of an experiment. */

/** A mean over seeds, its standard error and 95 % interval; what fewer than two seeds do not give is NaN. */
export interface Estimate {
  readonly seeds: number;
  readonly mean: number;
  readonly stdErr: number;
  readonly low: number;
  readonly high: number;
}

/** Quantile 0.975 of Student's t with 1, 2, ... 30 degrees of freedom. */
const T975 = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131],
  ...[2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
];

/** Beyond the table by the first term of Cornish and Fisher's expansion. */
function t975(freedom: number): number {
  const z = 1.959964;
  return T975[freedom - 1] ?? z + (z ** 3 + z) / (4 * freedom);
}

/** The mean of a value for each seed, with its t interval. */
export function estimate(values: readonly number[]): Estimate {
  const seeds = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / seeds;
  if (seeds < 2) return { seeds, mean, stdErr: NaN, low: NaN, high: NaN };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const stdErr = Math.sqrt(squares / (seeds - 1) / seeds);
  const half = t975(seeds - 1) * stdErr;
  return { seeds, mean, stdErr, low: mean - half, high: mean + half };
}

/** The geometric mean of a / b, paired by seed, with the t interval of its logarithm; `stdErr` is relative. */
export function ratio(a: readonly number[], b: readonly number[]): Estimate {
  const { seeds, mean, stdErr, low, high } = estimate(a.map((value, i) => Math.log(value / b[i]!)));
  return { seeds, mean: Math.exp(mean), stdErr, low: Math.exp(low), high: Math.exp(high) };
}
