import type { Random } from "../random.ts";
import { decomposeSums, ratioOfSums, totalError, type SampleSums, type Sampling } from "./estimators.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";

/** How many predictions are averaged where the gain of test-time twirling is measured. */
export const TWIRL_COUNTS: readonly number[] = [1, 2, 4, 8, 12, 24];

/** The share of the loss, in percent, that averaging K twisted predictions takes away. */
export interface TwirlGain {
  /** K */
  readonly count: number;
  /** On one half of the samples, from averages that were really made. */
  readonly percentGain: number;
  readonly percentGainStdErr: number;
  /** What percentEquiv of the other half leads one to expect. */
  readonly percentPredicted: number;
  readonly percentPredictedStdErr: number;
}

/**
 * |average of K predictions - y|^2 of one sample for each K, a mean over as many disjoint sets of K of the N
 * predictions as there are (no prediction in two of them), drawn at random.
 */
export function subsetErrors(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  rotations: number,
  counts: readonly number[],
  random: Random,
): number[] {
  const elements = target.length;
  const order = random.shuffle(Uint32Array.from({ length: rotations }, (_, i) => i));
  return counts.map((count) => {
    const sets = Math.floor(rotations / count);
    let error = 0;
    for (let set = 0; set < sets; set++) {
      const starts = Array.from(order.subarray(set * count, (set + 1) * count), (i) => i * elements);
      for (let e = 0; e < elements; e++) {
        let sum = 0;
        for (const start of starts) sum += predictions[start + e]!;
        error += (sum / count - target[e]!) ** 2;
      }
    }
    return error / sets;
  });
}

/**
 * The gain of averaging K predictions, measured on every second sample, beside the gain that the other samples predict:
 * p M (K - 1) / (K (M - 1)) for K different elements of a group of M, p (1 - 1/K) for independent draws, p the share
 * of the equivariance term. On the same samples the two would be equal by algebra and show nothing.
 *
 * @param errors of each sample, for each of `counts` (`subsetErrors`)
 * @returns nothing with fewer than four samples
 */
export function twirlGains(
  sums: readonly SampleSums[],
  errors: readonly (readonly number[])[],
  counts: readonly number[],
  sampling: Sampling,
): TwirlGain[] {
  if (sums.length < 4) return [];
  const { rotations, groupOrder = OCTAHEDRAL_ORDER } = sampling;
  const { percentEquiv, percentEquivStdErr } = decomposeSums(
    sums.filter((_, i) => i % 2 === 0),
    sampling,
  );
  const others = sums.flatMap((sample, i) =>
    i % 2 === 1 ? [{ total: totalError(sample, rotations), error: errors[i]! }] : [],
  );
  const totals = others.map(({ total }) => total);
  return counts.map((count, k) => {
    const { value, stdErr } = ratioOfSums(
      others.map(({ error, total }) => total - error[k]!),
      totals,
    );
    const finite = Number.isFinite(groupOrder) ? groupOrder / (groupOrder - 1) : 1;
    const factor = finite * (1 - 1 / count);
    return {
      count,
      percentGain: 100 * value,
      percentGainStdErr: 100 * stdErr,
      percentPredicted: factor * percentEquiv,
      percentPredictedStdErr: factor * percentEquivStdErr,
    };
  });
}
