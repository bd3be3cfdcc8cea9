import { ratioOfSums, type Decomposition, type SampleTerms } from "../equivariance/estimators.ts";
import { TWIRL_COUNTS } from "../equivariance/twirlGain.ts";
import type { FrameGain } from "./termResult.ts";

/** A structure's loss, and that of averages of its predictions. */
export interface AveragedSample extends Pick<SampleTerms, "total"> {
  /** For each of `TWIRL_COUNTS` up to how many predictions there are (`subsetErrors`); none where they have weights. */
  readonly errors: readonly number[];
}

/** What averaging K predictions takes away of the squared error, by the formula for independent rotations. */
export function predictedGains(squares: Decomposition): FrameGain[] {
  return TWIRL_COUNTS.map((count) => {
    const factor = 1 - 1 / count;
    return {
      count,
      cost: count,
      percentPredicted: factor * squares.percentEquiv,
      percentPredictedStdErr: factor * squares.percentEquivStdErr,
      ...{ percentGain: NaN, percentGainStdErr: NaN },
      ...rootsLeft(squares, count),
    };
  });
}

/** What averaging K predictions took away of another loss, for all K that each structure has predictions for. */
export function measuredGains(samples: readonly AveragedSample[], squares: Decomposition): FrameGain[] {
  const totals = samples.map(({ total }) => total);
  const most = Math.min(...samples.map(({ errors }) => errors.length));
  return TWIRL_COUNTS.slice(0, most).map((count, k) => {
    const { value, stdErr } = ratioOfSums(
      samples.map(({ errors, total }) => total - errors[k]!),
      totals,
    );
    return {
      count,
      cost: count,
      ...{ percentPredicted: NaN, percentPredictedStdErr: NaN },
      percentGain: 100 * value,
      percentGainStdErr: 100 * stdErr,
      ...rootsLeft(squares, count),
    };
  });
}

/** In percent, as predicted or measured, for people. */
export function takenAway({ percentPredicted, percentGain }: FrameGain): number {
  const percent = Number.isNaN(percentGain) ? percentPredicted : percentGain;
  // What is zero by algebra shows as such, not as its rounding.
  return Math.abs(percent) < 1e-9 ? 0 : percent;
}

/** The standard error of `takenAway`. */
export function takenAwayStdErr({ percentPredictedStdErr, percentGain, percentGainStdErr }: FrameGain): number {
  return Number.isNaN(percentGain) ? percentPredictedStdErr : percentGainStdErr;
}

function rootsLeft({ lossTotal, lossEquiv }: Decomposition, count: number): Pick<FrameGain, "rmse" | "spreadRms"> {
  return {
    rmse: Math.sqrt(lossTotal - (1 - 1 / count) * lossEquiv),
    spreadRms: Math.sqrt(lossEquiv / count),
  };
}
