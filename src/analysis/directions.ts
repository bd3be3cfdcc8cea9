import { requireArray, requireObject } from "../check.ts";
import { Random } from "../random.ts";
import type { LossTerms } from "./lossTerms.ts";

/**
 * A seeded random direction, normalised filter by filter (Li et al. 2018, arXiv 1712.09913): normal numbers, scaled so
 * that what belongs to one output channel of a convolution or linear layer is as long as that channel's weights. A step
 * of 1 then changes each filter by its own length, so that slices of nets of different scales can be compared. Biases
 * and parameters of norms are not moved (0). Two seeds give directions that are nearly orthogonal, not exactly.
 */
export function filterDirection(terms: Pick<LossTerms, "layout" | "weights">, seed = 0): Float64Array {
  requireObject("terms", terms, "Give LossTerms of a model.");
  const { layout, weights } = terms;
  requireArray("layout", layout, "Give the layout of LossTerms.");
  const random = new Random(seed);
  const direction = new Float64Array(weights.length);
  for (const { kind, shape, offset, size } of layout) {
    if (kind === "vector") continue;
    for (let i = offset; i < offset + size; i++) direction[i] = random.normal();
    // Output channels are the last axis of all layouts.
    const channels = shape.at(-1)!;
    for (let channel = offset; channel < offset + channels; channel++) {
      let drawn = 0;
      let own = 0;
      for (let i = channel; i < offset + size; i += channels) {
        drawn += direction[i]! ** 2;
        own += weights[i]! ** 2;
      }
      const scale = drawn > 0 ? Math.sqrt(own / drawn) : 0;
      for (let i = channel; i < offset + size; i += channels) direction[i]! *= scale;
    }
  }
  return direction;
}
