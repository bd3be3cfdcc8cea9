import type { RotationGroup } from "../equivariance/groups.ts";

/** The options of `voxtwirl rotate`, checked. */
export interface RotateChoice {
  readonly data: string;
  readonly out: string;
  readonly group: RotationGroup;
  /** Copies of each frame or grid. */
  readonly twirl: number;
  readonly seed: number;
  readonly center: boolean;
  readonly repeats: boolean;
  readonly nearAxes: boolean;
  readonly keep: readonly string[];
  readonly strict: boolean;
  readonly json: boolean;
}
