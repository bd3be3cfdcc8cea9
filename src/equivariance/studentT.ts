/** Intervals of means of few values. */

/** Lower and upper end. */
export type Interval = readonly [low: number, high: number];

/** The 97.5 % points of Student's t with 1 to 10 degrees of freedom, from its distribution function. */
const POINTS = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281];

/**
 * The 97.5 % point of Student's t: beyond 10 degrees of freedom by its expansion about the normal distribution's z
 * (Abramowitz and Stegun, 26.7.5), to 1e-4.
 */
export function studentT975(freedom: number): number {
  if (freedom <= POINTS.length) return POINTS[freedom - 1] ?? NaN;
  const z = 1.959963985;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

/** The interval that holds a mean of `samples` values in 95 of 100 cases, where these are about normal. */
export function interval95(value: number, stdErr: number, samples: number): Interval {
  const half = studentT975(samples - 1) * stdErr;
  return [value - half, value + half];
}
