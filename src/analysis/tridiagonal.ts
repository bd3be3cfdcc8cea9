/** Eigenvalues, largest first, and what unit eigenvectors have as component i: `vectors[k][i]`. */
export interface Eigensystem {
  readonly values: number[];
  readonly vectors: number[][];
}

/**
 * The eigenvalues of a symmetric tridiagonal matrix and their eigenvectors, by implicit QR steps with Wilkinson's shift
 * (Golub and Van Loan, Matrix Computations, 4th ed., algorithms 8.3.2 and 8.3.3).
 *
 * @param diagonal n numbers
 * @param beside the n - 1 numbers beside the diagonal
 */
export function tridiagonalEigen(diagonal: readonly number[], beside: readonly number[]): Eigensystem {
  const n = diagonal.length;
  const a = [...diagonal];
  const b = [...beside];
  // Row k of these is eigenvector k in the making.
  const rows = a.map((_, k) => a.map((_, i) => (i === k ? 1 : 0)));
  let last = n - 1;
  while (last > 0) {
    for (let i = 0; i < last; i++) {
      if (Math.abs(b[i]!) <= Number.EPSILON * (Math.abs(a[i]!) + Math.abs(a[i + 1]!))) b[i] = 0;
    }
    if (b[last - 1] === 0) {
      last--;
      continue;
    }
    let first = last - 1;
    while (first > 0 && b[first - 1] !== 0) first--;
    qrStep(a, b, rows, first, last);
  }
  const order = a.map((_, k) => k).sort((i, j) => a[j]! - a[i]!);
  return { values: order.map((k) => a[k]!), vectors: order.map((k) => rows[k]!) };
}

/** One step on the unreduced block from `first` to `last`, whose bulge is chased down by plane rotations. */
function qrStep(a: number[], b: number[], rows: number[][], first: number, last: number): void {
  const half = (a[last - 1]! - a[last]!) / 2;
  const corner = b[last - 1]!;
  const shift = a[last]! - corner ** 2 / (half + (half < 0 ? -1 : 1) * Math.hypot(half, corner));
  let x = a[first]! - shift;
  let z = b[first]!;
  for (let k = first; k < last; k++) {
    const length = Math.hypot(x, z);
    const [c, s] = length === 0 ? [1, 0] : [x / length, z / length];
    if (k > first) b[k - 1] = length;
    const [above, below, side] = [a[k]!, a[k + 1]!, b[k]!];
    a[k] = c * c * above + 2 * c * s * side + s * s * below;
    a[k + 1] = s * s * above - 2 * c * s * side + c * c * below;
    b[k] = c * s * (below - above) + (c * c - s * s) * side;
    if (k + 1 < last) {
      x = b[k]!;
      z = s * b[k + 1]!;
      b[k + 1]! *= c;
    }
    rotate(rows[k]!, rows[k + 1]!, c, s);
  }
}

function rotate(upper: number[], lower: number[], c: number, s: number): void {
  for (let i = 0; i < upper.length; i++) {
    const [u, l] = [upper[i]!, lower[i]!];
    upper[i] = c * u + s * l;
    lower[i] = c * l - s * u;
  }
}
