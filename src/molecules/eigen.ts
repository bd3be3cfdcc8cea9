export type Vector3 = readonly [number, number, number];

type Axis = 0 | 1 | 2;
type Row = [number, number, number];
type Matrix = readonly [Row, Row, Row];

const axes: readonly Axis[] = [0, 1, 2];

/**
 * Eigenvalues, largest first, and unit eigenvectors of a symmetric 3x3 matrix (9 numbers, row-major), by cyclic Jacobi
 * rotations.
 *
 * Jacobi rather than the closed form: it keeps full precision where eigenvalues lie close together, as in
 * near-symmetric molecules.
 */
export function symmetricEigen3(matrix: ArrayLike<number>): {
  values: Vector3;
  vectors: readonly [Vector3, Vector3, Vector3];
} {
  const row = (i: Axis): Row => [matrix[3 * i]!, matrix[3 * i + 1]!, matrix[3 * i + 2]!];
  const a: Matrix = [row(0), row(1), row(2)];
  const v: Matrix = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const scale = Math.max(...a.flat().map(Math.abs));
  for (let sweep = 0; sweep < 50; sweep++) {
    if (Math.abs(a[0][1]) + Math.abs(a[0][2]) + Math.abs(a[1][2]) <= 1e-17 * scale) break;
    rotate(a, v, 0, 1);
    rotate(a, v, 0, 2);
    rotate(a, v, 1, 2);
  }
  const order: [Axis, Axis, Axis] = [0, 1, 2];
  const [x, y, z] = order.sort((i, j) => a[j][j] - a[i][i]);
  const column = (i: Axis): Vector3 => [v[0][i], v[1][i], v[2][i]];
  return { values: [a[x][x], a[y][y], a[z][z]], vectors: [column(x), column(y), column(z)] };
}

/** One Jacobi rotation in the plane (p, q) that makes a[p][q] zero; `v` collects the rotations. */
function rotate(a: Matrix, v: Matrix, p: Axis, q: Axis): void {
  if (a[p][q] === 0) return;
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const k of axes) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
  for (const k of axes) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
  for (const k of axes) [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
}
