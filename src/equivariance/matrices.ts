/** Of a matrix of nine numbers, row major. */
export function determinant(matrix: ArrayLike<number>): number {
  const [a, b, c, d, e, f, g, h, i] = Array.from(matrix) as [number, ...number[]];
  return a * (e! * i! - f! * h!) - b! * (d! * i! - f! * g!) + c! * (d! * h! - e! * g!);
}

/** A B, row major. */
export function product(a: readonly number[], b: readonly number[]): number[] {
  return a.map((_, at) => {
    const [i, j] = [3 * Math.floor(at / 3), at % 3];
    return a[i]! * b[j]! + a[i + 1]! * b[3 + j]! + a[i + 2]! * b[6 + j]!;
  });
}

/** R^T S, row major: for orthogonal R the matrix that takes R to S, R (R^T S) = S. */
export function relativeRotation(r: readonly number[], s: readonly number[]): number[] {
  return r.map((_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    return r[i]! * s[j]! + r[3 + i]! * s[3 + j]! + r[6 + i]! * s[6 + j]!;
  });
}
