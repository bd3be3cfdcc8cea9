export type Vector3 = readonly [number, number, number];

/** The same of a 3x3 matrix (9 numbers). */
export function symmetricEigen3(matrix: ArrayLike<number>): {
  values: Vector3;
  vectors: readonly [Vector3, Vector3, Vector3];
} {
  return symmetricEigen(matrix, 3) as unknown as ReturnType<typeof symmetricEigen3>;
}

/**
 * Eigenvalues, largest first, and unit eigenvectors of a symmetric n x n matrix (row-major), by cyclic Jacobi
 * rotations.
 *
 * Jacobi rather than a closed form for 3x3: it keeps full precision where eigenvalues lie close together, as in
 * near-symmetric molecules.
 */
export function symmetricEigen(matrix: ArrayLike<number>, n: number): { values: number[]; vectors: number[][] } {
  const all = Array.from({ length: n }, (_, i) => i);
  const a = all.map((i) => all.map((j) => matrix[n * i + j]!));
  const v = all.map((i) => all.map((j) => (i === j ? 1 : 0)));
  const scale = a.flat().reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let sweep = 0; sweep < 50; sweep++) {
    let beside = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) beside += Math.abs(a[p]![q]!);
    if (beside <= 1e-17 * scale) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q);
  }
  const order = all.sort((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => v.map((row) => row[i]!)) };
}

/** One Jacobi rotation in the plane (p, q) that makes a[p][q] zero; `v` collects the rotations. */
function rotate(a: number[][], v: number[][], p: number, q: number): void {
  const [ap, aq] = [a[p]!, a[q]!];
  const beside = ap[q]!;
  if (beside === 0) return;
  const theta = (aq[q]! - ap[p]!) / (2 * beside);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of a) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  for (let k = 0; k < ap.length; k++) [ap[k], aq[k]] = [c * ap[k]! - s * aq[k]!, s * ap[k]! + c * aq[k]!];
  for (const row of v) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
}
