import { expectClose } from "../harness.ts";
import type { Array64 } from "../../src/reference/conv3d.ts";

/** Unit roundoff of f32. */
const EPSILON = 2 ** -24;

/** Element-wise absolute values: a twin of a sum of products, fed with them, gives the sum of |a||b|. */
export function abs(tensor: Array64): { shape: readonly number[]; data: Float64Array } {
  return { shape: tensor.shape, data: Float64Array.from(tensor.data, Math.abs) };
}

/** 4 sqrt(terms) eps sum |a||b|: tolerances of f32 sums of `terms` products; `absolute` holds the sums of |a||b|. */
export function rounding(terms: number, absolute: ArrayLike<number>): Float64Array {
  return Float64Array.from(absolute, (value) => 4 * Math.sqrt(terms + 4) * EPSILON * value + 1e-30);
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Checks a gradient of a twin; exact but for rounding, as the functions here are linear in each argument. */
export function expectCentralDifferences(
  f: (at: ArrayLike<number>) => number,
  at: ArrayLike<number>,
  gradient: ArrayLike<number>,
): void {
  const step = 0.5;
  const differences = Float64Array.from(at, (_, i) => {
    const moved = (by: number) => Float64Array.from(at, (value, j) => (j === i ? value + by : value));
    return (f(moved(step)) - f(moved(-step))) / (2 * step);
  });
  expectClose(gradient, differences, 1e-10, "central differences");
}
