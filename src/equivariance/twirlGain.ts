import type { Random } from "../random.ts";
import { decomposeTerms, ratioOfSums, type SampleTerms, type Sampling } from "./estimators.ts";
import { addSquares, squaredError, type Loss } from "./losses.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import type { SamplePredictions } from "./sampleTerms.ts";

/** How many predictions are averaged where the gain of test-time twirling is measured. */
export const TWIRL_COUNTS: readonly number[] = [1, 2, 4, 8, 12, 24];

/** The share of the loss, in percent, that averaging K twisted predictions takes away. */
export interface TwirlGain {
  /** K */
  readonly count: number;
  /** From averages that were really made, on one half of the samples; where nothing is predicted, on all. */
  readonly percentGain: number;
  readonly percentGainStdErr: number;
  /** What percentEquiv of the other half leads one to expect. NaN where the loss is not quadratic. */
  readonly percentPredicted: number;
  readonly percentPredictedStdErr: number;
}

/**
 * The loss of the average of K predictions of one sample for each K, a mean over as many disjoint sets of K of the N
 * predictions as there are (no prediction in two of them), drawn at random.
 */
export function subsetErrors(
  loss: Loss,
  { predictions, target, rotations }: SamplePredictions,
  counts: readonly number[],
  random: Random,
): number[] {
  const elements = target.length;
  const average = new Float64Array(elements);
  // One running sum over all sets, as it always was: its last digits are part of what is printed.
  const add = (sum: number, prediction: Float64Array) =>
    loss === squaredError ? addSquares(sum, prediction, target) : sum + loss.of(prediction, target);
  const order = random.shuffle(Uint32Array.from({ length: rotations }, (_, i) => i));
  return counts.map((count) => {
    const sets = Math.floor(rotations / count);
    let error = 0;
    for (let set = 0; set < sets; set++) {
      const starts = Array.from(order.subarray(set * count, (set + 1) * count), (i) => i * elements);
      for (let e = 0; e < elements; e++) {
        let sum = 0;
        for (const start of starts) sum += predictions[start + e]!;
        average[e] = sum / count;
      }
      error = add(error, average);
    }
    return error / sets;
  });
}

/**
 * The gain of averaging K predictions, measured on every second sample, beside the gain that the other samples predict:
 * p M (K - 1) / (K (M - 1)) for K different elements of a group of M, p (1 - 1/K) for independent draws, p the share
 * of the equivariance term. On the same samples the two would be equal by algebra and show nothing. The formula holds
 * for quadratic losses alone: for other losses all samples measure, and nothing is predicted.
 *
 * @param errors of each sample, for each of `counts` (`subsetErrors`)
 * @returns nothing with fewer than four samples
 */
export function twirlGains(
  loss: Loss,
  terms: readonly SampleTerms[],
  errors: readonly (readonly number[])[],
  counts: readonly number[],
  sampling: Sampling,
): TwirlGain[] {
  if (terms.length < 4) return [];
  const predicts = loss.quadratic === true;
  const { percentEquiv, percentEquivStdErr } = predicts
    ? decomposeTerms(
        terms.filter((_, i) => i % 2 === 0),
        sampling,
      )
    : { percentEquiv: NaN, percentEquivStdErr: NaN };
  const measured = terms.flatMap(({ total }, i) => (predicts && i % 2 === 0 ? [] : [{ total, error: errors[i]! }]));
  const totals = measured.map(({ total }) => total);
  const { groupOrder = OCTAHEDRAL_ORDER } = sampling;
  return counts.map((count, k) => {
    const { value, stdErr } = ratioOfSums(
      measured.map(({ error, total }) => total - error[k]!),
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
