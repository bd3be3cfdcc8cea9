import type { Rotation } from "../equivariance/groups.ts";
import type { FrameLabels } from "../formats/frameLabels.ts";
import type { NumberedFrame } from "../molecules/frame.ts";
import type { Repeat } from "./repeats.ts";

/** What was predicted for a copy, not turned back. */
export interface PredictedCopy {
  /** From 1. */
  readonly copy: number;
  /** Active, row major: the copy's positions are R p. */
  readonly rotation: Rotation;
  readonly predicted: NumberedFrame;
  readonly labels: FrameLabels;
}

/** What was predicted for a copy that is no draw. */
export interface PredictedRepeat extends PredictedCopy, Repeat {}
