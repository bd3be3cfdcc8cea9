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
  if (a.length !== b.length || !(channels >= 1) || a.length === 0 || a.length % channels !== 0) {
    throw new VoxtwirlError(
      "bad-shape",
      `features of ${a.length} and ${b.length} numbers in ${channels} channels`,
      "Give two arrays [..., C] of one shape.",
    );
  }
  const [meanA, meanB] = [channelMeans(a, channels), channelMeans(b, channels)];
  const [raw, centred] = [
    [0, 0, 0],
    [0, 0, 0],
  ] as [Products, Products];
  for (let at = 0; at < a.length; at += channels) {
    for (let c = 0; c < channels; c++) {
      const [x, y] = [a[at + c]!, b[at + c]!];
      addProducts(raw, x, y);
      addProducts(centred, x - meanA[c]!, y - meanB[c]!);
    }
  }
  if (!raw.every(Number.isFinite)) {
    throw new VoxtwirlError("not-finite", "a feature is not a finite number", "Use an earlier checkpoint.");
  }
  const varies = centred[1] > ROUNDING * raw[1] && centred[2] > ROUNDING * raw[2];
  return { cosine: cosineOf(raw), centred: varies ? cosineOf(centred) : NaN };
}

/** <a, b>, <a, a> and <b, b>. */
type Products = [number, number, number];

function addProducts(sums: Products, x: number, y: number): void {
  sums[0] += x * y;
  sums[1] += x * x;
  sums[2] += y * y;
}

/** Exactly 1 for equal arrays: the square root of a square is exact. */
function cosineOf([ab, aa, bb]: Products): number {
  return ab / Math.sqrt(aa * bb);
}

function channelMeans(values: FloatArray, channels: number): Float64Array {
  const means = new Float64Array(channels);
  for (let at = 0; at < values.length; at += channels) {
    for (let c = 0; c < channels; c++) means[c]! += values[at + c]!;
  }
  return means.map((sum) => (sum * channels) / values.length);
}
