import type { NumberedFrame } from "../molecules/frame.ts";
import type { PredictedCopy, PredictedRepeat } from "./predictedCopy.ts";

/** Something that is wrong with predictions. */
export interface RotatedFault {
  /**
   * "missing" copies; "reordered": after those of a later frame, so that they are passed over; "doubled"; "foreign":
   * no copy of any frame; "labels": predictions that are the labels, to the last digit.
   */
  readonly kind: "missing" | "reordered" | "doubled" | "foreign" | "labels";
  /** Number of the original frame; none where it is not known. */
  readonly frame?: number;
  /** Number of the predicted frame; none where none is there. */
  readonly predicted?: number;
  readonly message: string;
}

/** A frame and the predictions for its copies. */
export interface RotatedStructure {
  readonly original: NumberedFrame;
  /** Copies the frame should have. */
  readonly expected: number;
  /** Name of the group that the rotations are drawn from, where the file says it. */
  readonly group?: string | undefined;
  /** How many elements that has, where it is known by the file alone. */
  readonly order?: number | undefined;
  /** Those that are there, by `copy`. */
  readonly copies: readonly PredictedCopy[];
  /** Predictions for copies that are no draws: see `RotateFramesOptions.repeats` and `nearAxes`. */
  readonly repeats: readonly PredictedRepeat[];
}
