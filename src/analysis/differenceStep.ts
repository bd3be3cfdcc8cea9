import type { WeightSlot } from "./lossTerms.ts";
import { norm } from "./vectors.ts";

/** The relative step of central differences: the cube root of 1e-6, the relative noise of gradients in f32. */
export const RELATIVE_STEP = 0.01;

/**
 * How long a vector is beside the weights: the root of the sum over parameters of (|v_p| / s_p)^2, s_p = |w_p|, or
 * sqrt(size) times the root mean square of all weights where that is more. A step t v with t = c / `relativeLength` so
 * changes the parameters by a share c of their own lengths, all together.
 *
 * That is the measure in which nets are smooth: a layer's output, and through a norm or the next layer's scale
 * everything after it, follows its weights' relative change (arXiv 2002.03432 bounds a net's change by it). It makes a
 * small step of a vector that sits on one bias or one norm's gain, and a large one of one spread over all weights.
 */
export function relativeLength(layout: readonly WeightSlot[], weights: Float64Array, vector: Float64Array): number {
  // Where all weights are 0 nothing says what is small, and 1 is taken.
  const typical = norm(weights) / Math.sqrt(weights.length) || 1;
  let sum = 0;
  for (const { offset, size } of layout) {
    const scale = Math.max(norm(weights.subarray(offset, offset + size)), Math.sqrt(size) * typical);
    sum += (norm(vector.subarray(offset, offset + size)) / scale) ** 2;
  }
  return Math.sqrt(sum);
}
