import type { Rotation } from "../equivariance/groups.ts";

/** One prediction of a structure, beside the others. */
export interface StructureCopy {
  readonly copy: number;
  readonly rotation: Rotation;
  /** Of the rotation, in degrees; of -R where R is a reflection. */
  readonly angle: number;
  /** Mean squared error of a number; NaN without a label. */
  readonly loss: number;
  /** Mean squared distance of a number from the mean over copies, freed of the bias of that. */
  readonly spread: number;
}

/** What one structure adds to a term of the squared error, whatever the loss: means over its numbers. */
export interface StructureTerm {
  /** As it is called in the result. */
  readonly term: string;
  /** Number of the original frame. */
  readonly frame: number;
  /** Numbers of a prediction. */
  readonly numbers: number;
  /** NaN without a label, as lossMean. */
  readonly lossTotal: number;
  readonly lossMean: number;
  readonly lossEquiv: number;
  /** The mean over copies, turned back. */
  readonly mean: Float64Array;
  readonly copies: readonly StructureCopy[];
}
