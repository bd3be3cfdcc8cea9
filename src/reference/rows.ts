/** The values as one type of array: loops over either of two types take several times as long. */
export function float64(values: ArrayLike<number>): Float64Array {
  return values instanceof Float64Array ? values : new Float64Array(values);
}

/** to[at + i] += factor * from[start + i] for `count` values. */
export function addScaled(
  [to, at]: readonly [Float64Array, number],
  [from, start]: readonly [Float64Array, number],
  count: number,
  factor: number,
): void {
  for (let i = 0; i < count; i++) to[at + i]! += factor * from[start + i]!;
}

/** The sum of a[at + i] * b[start + i] over `count` values. */
export function product(
  [a, at]: readonly [Float64Array, number],
  [b, start]: readonly [Float64Array, number],
  count: number,
): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += a[at + i]! * b[start + i]!;
  return sum;
}
