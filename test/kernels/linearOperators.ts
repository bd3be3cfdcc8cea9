import { expectClose, randomArray } from "../harness.ts";
import type { Array64 } from "../../src/reference/conv3d.ts";
import { roundedTo, storedTolerance, type Stored } from "./half.ts";
import { centralDifferences, EPS } from "./differences.ts";

/** Element-wise absolute values: a twin of a sum of products, fed with them, gives the sum of |a||b|. */
export function abs(tensor: Array64): { shape: readonly number[]; data: Float64Array } {
  return { shape: tensor.shape, data: Float64Array.from(tensor.data, Math.abs) };
}

/** 4 sqrt(terms) eps sum |a||b|: tolerances of f32 sums of `terms` products; `absolute` holds the sums of |a||b|. */
export function rounding(terms: number, absolute: ArrayLike<number>): Float64Array {
  return Float64Array.from(absolute, (value) => 4 * Math.sqrt(terms + 4) * EPS * value + 1e-30);
}

/** Checks a gradient of a twin; exact but for rounding, as the functions here are linear in each argument. */
export function expectCentralDifferences(
  f: (at: ArrayLike<number>) => number,
  at: ArrayLike<number>,
  gradient: ArrayLike<number>,
): void {
  expectClose(gradient, centralDifferences(f, at, 0.5), 1e-10, "central differences");
}

/** An operand of a kernel, from a fixed seed. */
export function operand(shape: readonly number[], seed: number, dtype: Stored = "f32") {
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, dtype, data: roundedTo(dtype, randomArray(count, seed)) };
}

const known = new WeakMap<object, Map<string, unknown>>();

/** Makes a thing of a case once in a test file: twins of large shapes take longer than kernels. */
export function once<T>(of: object, key: string, make: () => T): T {
  const things = known.get(of) ?? new Map<string, unknown>();
  known.set(of, things);
  if (!things.has(key)) things.set(key, make());
  return things.get(key) as T;
}

/** Makes a thing when it is first asked for. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly thing: T } | undefined;
  return () => (made ??= { thing: make() }).thing;
}

/** What a twin gives, and how far results in f32 may be off. */
export type Expected = readonly [exact: ArrayLike<number>, tolerance: ArrayLike<number>];

/** Compares results with what is expected of those names; `storedAs` has those that are not f32. */
export function expectResults(
  results: Readonly<Record<string, ArrayLike<number>>>,
  expected: Readonly<Record<string, () => Expected>>,
  storedAs: Readonly<Record<string, Stored>>,
): void {
  for (const [name, result] of Object.entries(results)) {
    const [exact, tolerance] = expected[name]!();
    expectClose(result, exact, storedTolerance(storedAs[name] ?? "f32", exact, tolerance), name);
  }
}
