/** Of a matrix of nine numbers, row major. */
export function determinant(matrix: ArrayLike<number>): number {
  const minor = (i: number, j: number) => matrix[3 + i]! * matrix[6 + j]! - matrix[3 + j]! * matrix[6 + i]!;
  return matrix[0]! * minor(1, 2) - matrix[1]! * minor(0, 2) + matrix[2]! * minor(0, 1);
}

/** A B, row major. */
export function product(a: readonly number[], b: readonly number[]): number[] {
  return a.map((_, at) => {
    const [i, j] = [3 * Math.floor(at / 3), at % 3];
    return a[i]! * b[j]! + a[i + 1]! * b[3 + j]! + a[i + 2]! * b[6 + j]!;
  });
}

/** R^T S, row major: for orthogonal R the matrix that takes R to S, R (R^T S) = S. */
export function relativeRotation(r: ArrayLike<number>, s: ArrayLike<number>, into = new Float64Array(9)): Float64Array {
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) into[3 * i + j] = r[i]! * s[j]! + r[3 + i]! * s[3 + j]! + r[6 + i]! * s[6 + j]!;
  }
  return into;
}
