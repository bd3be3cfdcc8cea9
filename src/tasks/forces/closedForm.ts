import { requireNumbers, requireObject, requireWhole } from "../../check.ts";

/** The twirled forces of EScAIP and what they lose, exactly, from what its head gives in one pose. */

/** What the head gives of one structure of n atoms with M slots each. */
export interface HeadOutput {
  /** [n, M, 3], coefficients along x, y and z. */
  readonly coefficients: ArrayLike<number>;
  /** [n] */
  readonly magnitudes: ArrayLike<number>;
  /** [n, M, 4], unit vector and distance; 0 in free slots. */
  readonly edges: ArrayLike<number>;
}

/** Forces averaged over all rotations, [n, 3], and the sum over atoms of E |f_T - mean|^2. */
export interface ClosedForm {
  readonly mean: Float64Array;
  readonly equiv: number;
}

/**
 * With delta = c - mean of c along the axes: mu_i = m_i sum_j mean(c_ij) d_ij, and L_equiv of atom i is m_i^2 sum_jk
 * (delta_ij . delta_ik) / 3 (d_ij . d_ik), for all rotations and for those of the cube alike: everything but the last
 * product with the unit vectors is invariant, and E over T of T^-1 diag(delta) T d has these moments.
 */
export function closedForm(atoms: number, output: HeadOutput): ClosedForm {
  requireWhole("atoms", atoms, 1);
  requireObject("output", output, "Give { coefficients, magnitudes, edges }.");
  const { coefficients: c, magnitudes: m, edges } = output;
  for (const [name, values] of Object.entries({ coefficients: c, magnitudes: m, edges })) requireNumbers(name, values);
  const slots = edges.length / (4 * atoms);
  const mean = new Float64Array(3 * atoms);
  let equiv = 0;
  for (let i = 0; i < atoms; i++) {
    // sum_jk (delta_j . delta_k) (d_j . d_k) is the squared norm of the matrix sum_j of delta_j d_j^T.
    const outer = new Float64Array(9);
    for (let s = i * slots; s < (i + 1) * slots; s++) {
      const even = (c[3 * s]! + c[3 * s + 1]! + c[3 * s + 2]!) / 3;
      for (let b = 0; b < 3; b++) {
        const d = edges[4 * s + b]!;
        mean[3 * i + b]! += m[i]! * even * d;
        for (let a = 0; a < 3; a++) outer[3 * a + b]! += (c[3 * s + a]! - even) * d;
      }
    }
    equiv += (m[i]! ** 2 / 3) * outer.reduce((sum, value) => sum + value * value, 0);
  }
  return { mean, equiv };
}
