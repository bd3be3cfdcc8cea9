import { median } from "../quantiles.ts";
import type { WeightSlot } from "./lossTerms.ts";
import { norm } from "./vectors.ts";

/** The relative step of central differences: the cube root of 1e-6, the relative noise of gradients in f32. */
export const RELATIVE_STEP = 0.01;

/**
 * What a step is measured against, parameter by parameter: the root mean square of its numbers. Biases and parameters
 * of norms begin at 0 and 1 and their size says little, so that they count as at least the median of all parameters.
 */
export function parameterScales(layout: readonly WeightSlot[], weights: Float64Array): number[] {
  const sizes = layout.map(({ offset, size }) => norm(weights.subarray(offset, offset + size)) / Math.sqrt(size));
  // Where most weights are 0 nothing says what is small, and 1 is taken.
  const typical = median(sizes) || 1;
  return sizes.map((size, i) => (layout[i]!.kind === "vector" || size === 0 ? Math.max(size, typical) : size));
}

/**
 * How long a vector is beside the weights: the root of the sum over parameters of |v_p|^2 / (n_p s_p^2), n_p numbers of
 * scale s_p. A step t v with t = c / `relativeLength` changes the parameters by a share c of their own lengths, all
 * together.
 *
 * That is the measure in which nets are smooth: a layer's output, and through norms everything after it, follows its
 * weights' relative change (arXiv 2002.03432 bounds a net's change by it). It makes a small step of a vector that sits
 * on one bias or one norm's gain, and a large one of one spread over all weights.
 */
export function relativeLength(layout: readonly WeightSlot[], scales: readonly number[], vector: Float64Array): number {
  const squares = layout.map(({ offset, size }, p) => {
    const part = vector.subarray(offset, offset + size);
    return norm(part) ** 2 / (size * scales[p]! ** 2);
  });
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
}
