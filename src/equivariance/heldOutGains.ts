/** What averaging all predictions gains, predicted from one half of the samples and measured on the other. */
import { Random } from "../random.ts";
import { decomposeTerms, ratioOfSums, type SampleTerms, type Sampling } from "./estimators.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import { interval95, type Interval } from "./studentT.ts";

/** One way round. Shares of the loss in percent; intervals are of 95 %. */
export interface HeldOutGain {
  /** K: all predictions of a sample, and so the work of averaging them. */
  readonly count: number;
  readonly predictingSamples: number;
  readonly measuringSamples: number;
  /** From percentEquiv of one half. */
  readonly percentPredicted: number;
  readonly percentPredictedInterval: Interval;
  /** From averages of all predictions, on the other half. */
  readonly percentMeasured: number;
  readonly percentMeasuredInterval: Interval;
}

/**
 * The samples are split into two halves at random, and each predicts once and measures once. Averaging K predictions
 * takes p M (K - 1) / (K (M - 1)) of the loss away, p the share of the equivariance term, for K different elements of a
 * group of M: p itself for all of them, whatever the loss; with fewer it is exact for quadratic losses and holds to
 * leading order in 1/K - 1/M for others. For independent draws it is p (1 - 1/K). Intervals are Student's t,
 * of samples that are independent; with two or three in a half they are wide.
 *
 * @param averageErrors of each sample, the loss of the average of all its predictions
 * @returns nothing with fewer than four samples
 */
export function heldOutGains(
  terms: readonly SampleTerms[],
  averageErrors: readonly number[],
  sampling: Sampling,
  seed = 0,
): HeldOutGain[] {
  if (terms.length < 4) return [];
  const { rotations: count, groupOrder = OCTAHEDRAL_ORDER } = sampling;
  const finite = Number.isFinite(groupOrder) ? groupOrder / (groupOrder - 1) : 1;
  const factor = finite * (1 - 1 / count);
  const order = new Random(seed).shuffle(Uint32Array.from(terms, (_, i) => i));
  const halves = [order.slice(0, Math.floor(order.length / 2)), order.slice(Math.floor(order.length / 2))] as const;
  return [halves, [halves[1], halves[0]] as const].map(([predicting, measuring]) => {
    const expected = decomposeTerms(
      Array.from(predicting, (i) => terms[i]!),
      sampling,
    );
    const totals = Array.from(measuring, (i) => terms[i]!.total);
    const measured = ratioOfSums(
      Array.from(measuring, (i, at) => totals[at]! - averageErrors[i]!),
      totals,
    );
    const percentPredicted = factor * expected.percentEquiv;
    return {
      count,
      predictingSamples: predicting.length,
      measuringSamples: measuring.length,
      percentPredicted,
      percentPredictedInterval: interval95(percentPredicted, factor * expected.percentEquivStdErr, predicting.length),
      percentMeasured: 100 * measured.value,
      percentMeasuredInterval: interval95(100 * measured.value, 100 * measured.stdErr, measuring.length),
    };
  });
}
