import type { Decomposition } from "../equivariance/estimators.ts";
import type { Rotation } from "../equivariance/groups.ts";
import type { LossParts } from "./degreeTally.ts";
import type { Floor, NearAxis } from "./floor.ts";
import type { Verdict } from "./verdict.ts";

/** Where predictions for a copy are farthest from their mean over the copies. */
export interface WorstCopy {
  /** Number of the original frame. */
  readonly frame: number;
  /** From 1; null for what is of the whole frame. */
  readonly atom: number | null;
  readonly copy: number;
  readonly rotation: Rotation;
  /** Of the rotation, in degrees; of -R where R is a reflection. */
  readonly angle: number;
}

/** Copies whose rotation's angle is in a range: [from, to) in degrees, the last with 180. */
export interface AngleBin {
  readonly from: number;
  readonly to: number;
  readonly copies: number;
  /** Root of the mean squared error; null without copies or without labels. */
  readonly rmse: number | null;
  /** Root of the mean squared distance from the mean over copies, freed of the bias of that; null without copies. */
  readonly spreadRms: number | null;
}

/**
 * What averaging K predictions takes away: of the squared error what is expected under independent rotations; of other
 * losses, for which no formula holds, what averages of disjoint sets of K predictions took away.
 */
export interface FrameGain {
  /** K */
  readonly count: number;
  /** Predictions for each structure in place of one. */
  readonly cost: number;
  /** In percent of lossTotal: percentEquiv (1 - 1/K). NaN of other losses than the squared error. */
  readonly percentPredicted: number;
  readonly percentPredictedStdErr: number;
  /** In percent of lossTotal, measured; NaN of the squared error. */
  readonly percentGain: number;
  readonly percentGainStdErr: number;
  /** Root of what is left of the mean squared error. */
  readonly rmse: number;
  /** What is left of spreadRms. */
  readonly spreadRms: number;
}

/**
 * The decomposition of one term, in its unit and the square of it: losses are sums over structures and their numbers by
 * how many numbers these are. Without labels all but lossEquiv and what spreads is NaN, and lossEquiv too where the
 * loss has no exact split. Roots, spreads, verdicts and parts by degree and parity are of the squared error, whatever
 * the loss.
 */
export interface FrameTermResult extends Decomposition, LossParts {
  /** Null where it is not known. */
  readonly unit: string | null;
  /** Structures that the losses are of. */
  readonly structures: number;
  readonly labelled: boolean;
  /** 95 % interval of percentEquiv; null without labels, with fewer than two structures, or where the loss is 0. */
  readonly percentEquivInterval: readonly [low: number, high: number] | null;
  /** Root of the mean squared error: of lossTotal, unless it is of another loss. */
  readonly rmse: number;
  /** The same of the twirled prediction. NaN where the estimate of its mean squared error is below 0. */
  readonly rmseMean: number;
  /** Root of the mean squared distance from the twirled prediction. */
  readonly spreadRms: number;
  /** Largest distance from the mean over copies: of a number, a vector, or a tensor by Frobenius' norm. */
  readonly spreadMax: number;
  readonly worst: WorstCopy | null;
  /**
   * Size of what is predicted: root mean square of the means over copies; of energies the standard deviation over
   * structures, less what the elements tell.
   */
  readonly signalRms: number;
  readonly byAngle: readonly AngleBin[];
  readonly gains: readonly FrameGain[];
  /** Below what spreadRms says nothing. */
  readonly floor: Floor;
  /** By axis, where there are predictions for poses near to them. */
  readonly nearAxes: readonly NearAxis[];
  readonly verdicts: readonly Verdict[];
}
