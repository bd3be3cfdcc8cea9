import { requireNumbers, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { OCTAHEDRAL_ORDER, octahedralPermutation } from "./octahedral.ts";

/**
 * P w = (1/24) sum over g of g.w: the part of a convolution kernel that commutes with the rotations of the cube. A net
 * made of such kernels (with k4s2 or k2s2 going down) is exactly equivariant under them.
 *
 * @param weight [k, k, k, ...] with the three spatial axes (z, y, x) first, as all our convolution weights
 * @returns a new array of the same precision; sums are made in float64
 * @throws VoxtwirlError "bad-shape" when the length is not a multiple of k^3, "bad-option" for a k below 1
 */
export function projectKernel<T extends FloatArray>(weight: T, k: number): T {
  requireNumbers("weight", weight);
  requireWhole("k", k, 1);
  const inner = weight.length / k ** 3;
  if (!Number.isInteger(inner) || inner < 1) {
    throw new VoxtwirlError(
      "bad-shape",
      `${weight.length} numbers are not a kernel of edge ${k}`,
      "Give [k, k, k, ci, co].",
    );
  }
  const sum = new Float64Array(weight.length);
  for (let g = 0; g < OCTAHEDRAL_ORDER; g++) {
    octahedralPermutation(k, g).forEach((from, to) => {
      for (let i = 0; i < inner; i++) sum[to * inner + i]! += weight[from * inner + i]!;
    });
  }
  const projected = zerosLike(weight);
  sum.forEach((value, i) => (projected[i] = value / OCTAHEDRAL_ORDER));
  return projected;
}

/**
 * How many free numbers P leaves of a kernel's k^3 for each pair of channels: the orbits of its positions, 1 for k = 2,
 * 4 for k = 3 and 4, by Burnside's lemma.
 */
export function projectedDimension(k: number): number {
  requireWhole("k", k, 1);
  let fixed = 0;
  for (let g = 0; g < OCTAHEDRAL_ORDER; g++) {
    fixed += octahedralPermutation(k, g).reduce((count, from, to) => count + (from === to ? 1 : 0), 0);
  }
  return fixed / OCTAHEDRAL_ORDER;
}
