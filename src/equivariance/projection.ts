import { VoxtwirlError } from "../errors.ts";
import { OCTAHEDRAL_ORDER, octahedralPermutation } from "./octahedral.ts";

/**
 * P w = (1/24) sum over g of g.w: the part of a convolution kernel that commutes with the rotations of the cube. A net
 * made of such kernels (with k4s2 or k2s2 going down) is exactly equivariant under them.
 *
 * @param weight [k, k, k, ...] with the three spatial axes (z, y, x) first, as all our convolution weights
 * @returns a new array; sums are made in float64
 * @throws VoxtwirlError "bad-shape" when the length is not a multiple of k^3
 */
export function projectKernel(weight: Float32Array, k: number): Float32Array {
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
  return Float32Array.from(sum, (value) => value / OCTAHEDRAL_ORDER);
}
