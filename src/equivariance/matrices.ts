/** Of a matrix of nine numbers, row major. */
export function determinant(matrix: ArrayLike<number>): number {
  const [a, b, c, d, e, f, g, h, i] = Array.from(matrix) as [number, ...number[]];
  return a * (e! * i! - f! * h!) - b! * (d! * i! - f! * g!) + c! * (d! * h! - e! * g!);
}
