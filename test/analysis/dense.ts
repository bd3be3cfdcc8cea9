// Whole matrices, made and taken apart by means of their own: the oracles of what knows products alone.
import type { LossTerms, Term } from "../../src/analysis/lossTerms.ts";
import type { SymmetricOperator } from "../../src/analysis/operator.ts";

/** Rows of a square matrix. */
export type Matrix = readonly Float64Array[];

/** Columns A e_i, made symmetric. */
export async function denseOf(size: number, multiply: (v: Float64Array) => Promise<Float64Array>): Promise<Matrix> {
  const rows: Float64Array[] = [];
  for (let i = 0; i < size; i++) {
    const axis = new Float64Array(size);
    axis[i] = 1;
    rows.push(await multiply(axis));
  }
  return rows.map((row, i) => row.map((value, j) => (value + rows[j]![i]!) / 2));
}

/** The Hessian of a term from its exact gradient, by central differences extrapolated to order four. */
export async function denseHessian(terms: LossTerms, term: Term, step = 1e-3): Promise<Matrix> {
  const at = async (axis: Float64Array, factor: number) =>
    terms.gradient(
      term,
      terms.weights.map((w, i) => w + factor * axis[i]!),
    );
  const difference = async (axis: Float64Array, h: number) => {
    const behind = await at(axis, -h);
    return (await at(axis, h)).map((value, i) => (value - behind[i]!) / (2 * h));
  };
  return denseOf(terms.weights.length, async (axis) => {
    const coarse = await difference(axis, 2 * step);
    return (await difference(axis, step)).map((value, i) => (4 * value - coarse[i]!) / 3);
  });
}

/** Counts its products. */
export function denseOperator(matrix: Matrix): SymmetricOperator & { readonly products: number } {
  let products = 0;
  return {
    size: matrix.length,
    gradientsPerProduct: 0,
    get products() {
      return products;
    },
    multiply: async (vector) => {
      products++;
      return Float64Array.from(matrix, (row) => row.reduce((sum, value, j) => sum + value * vector[j]!, 0));
    },
  };
}

/** All eigenvalues of a symmetric matrix, largest first, by cyclic Jacobi rotations. */
export function jacobiEigenvalues(matrix: Matrix): number[] {
  const a = matrix.map((row) => Float64Array.from(row));
  const n = a.length;
  const size = Math.sqrt(a.reduce((sum, row) => sum + row.reduce((all, value) => all + value ** 2, 0), 0));
  for (let sweep = 0; sweep < 30; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p]![q]!) <= 1e-15 * size) continue;
        rotated = true;
        jacobiRotation(a, p, q);
      }
    }
    if (!rotated) break;
  }
  return a.map((row, i) => row[i]!).sort((x, y) => y - x);
}

function jacobiRotation(a: Float64Array[], p: number, q: number): void {
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of a) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  const [up, low] = [a[p]!, a[q]!];
  for (let k = 0; k < a.length; k++) [up[k], low[k]] = [c * up[k]! - s * low[k]!, s * up[k]! + c * low[k]!];
}
