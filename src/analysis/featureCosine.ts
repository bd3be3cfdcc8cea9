import { requireTyped } from "../check.ts";
import type { FloatArray } from "../equivariance/numbers.ts";
import { VoxtwirlError } from "../errors.ts";

/** How alike two arrays of features are. */
export interface FeatureCosine {
  /** <a, b> / (|a| |b|) over all numbers; NaN where an array is zero. */
  readonly cosine: number;
  /**
   * The same after each channel's mean over the array was taken from it, so that what all positions share does not
   * count. NaN where nothing varies but by rounding.
   */
  readonly centred: number;
}

/** Variance below this share of the mean square is f32's rounding. */
const ROUNDING = 1e-12;

/**
 * The cosine of two arrays of features and their centred cosine; sums are made in float64, in two passes.
 *
 * @param a [..., C]
 * @param b as many numbers
 * @param channels C
 * @throws VoxtwirlError "bad-shape" where the lengths differ or are no multiple of C, "not-finite"
 */
export function featureCosine(a: FloatArray, b: FloatArray, channels: number): FeatureCosine {
  requireTyped("a", a);
  requireTyped("b", b);
  if (a.length !== b.length || !(channels >= 1) || a.length === 0 || a.length % channels !== 0) {
    throw new VoxtwirlError(
      "bad-shape",
      `features of ${a.length} and ${b.length} numbers in ${channels} channels`,
      "Give two arrays [..., C] of one shape.",
    );
  }
  const [meanA, meanB] = [channelMeans(a, channels), channelMeans(b, channels)];
  // Plain variables: this is the inner loop over every number of every layer.
  let [ab, aa, bb] = [0, 0, 0];
  let [centredAb, centredAa, centredBb] = [0, 0, 0];
  for (let at = 0; at < a.length; at += channels) {
    for (let c = 0; c < channels; c++) {
      const x = a[at + c]!;
      const y = b[at + c]!;
      ab += x * y;
      aa += x * x;
      bb += y * y;
      const dx = x - meanA[c]!;
      const dy = y - meanB[c]!;
      centredAb += dx * dy;
      centredAa += dx * dx;
      centredBb += dy * dy;
    }
  }
  if (!Number.isFinite(aa) || !Number.isFinite(bb)) {
    throw new VoxtwirlError("not-finite", "a feature is not a finite number", "Use an earlier checkpoint.");
  }
  const varies = centredAa > ROUNDING * aa && centredBb > ROUNDING * bb;
  // Exactly 1 for equal arrays: the square root of a square is exact.
  return { cosine: ab / Math.sqrt(aa * bb), centred: varies ? centredAb / Math.sqrt(centredAa * centredBb) : NaN };
}

function channelMeans(values: FloatArray, channels: number): Float64Array {
  const means = new Float64Array(channels);
  for (let at = 0; at < values.length; at += channels) {
    for (let c = 0; c < channels; c++) means[c]! += values[at + c]!;
  }
  return means.map((sum) => (sum * channels) / values.length);
}
