/**
 * Eigenvalues, largest first, and unit eigenvectors of a symmetric 3x3 matrix (9 numbers, row-major), by cyclic Jacobi
 * rotations.
 *
 * Jacobi rather than the closed form: it keeps full precision where eigenvalues lie close together, as in
 * near-symmetric molecules.
 */
export function symmetricEigen3(matrix: ArrayLike<number>): { values: number[]; vectors: number[][] } {
  const a = [0, 1, 2].map((i) => [matrix[3 * i], matrix[3 * i + 1], matrix[3 * i + 2]]);
  const v = [0, 1, 2].map((i) => [0, 1, 2].map((j) => Number(i === j)));
  const scale = Math.max(...a.flat().map(Math.abs));
  for (let sweep = 0; sweep < 50; sweep++) {
    if (Math.abs(a[0][1]) + Math.abs(a[0][2]) + Math.abs(a[1][2]) <= 1e-17 * scale) break;
    rotate(a, v, 0, 1);
    rotate(a, v, 0, 2);
    rotate(a, v, 1, 2);
  }
  const order = [0, 1, 2].sort((i, j) => a[j][j] - a[i][i]);
  return { values: order.map((i) => a[i][i]), vectors: order.map((i) => [v[0][i], v[1][i], v[2][i]]) };
}

/** One Jacobi rotation in the plane (p, q) that makes a[p][q] zero; `v` collects the rotations. */
function rotate(a: number[][], v: number[][], p: number, q: number): void {
  if (a[p][q] === 0) return;
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (let k = 0; k < 3; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
  for (let k = 0; k < 3; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
  for (let k = 0; k < 3; k++) [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
}
