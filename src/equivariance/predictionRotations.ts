import type { Rotation } from "./groups.ts";
import type { Representation } from "./representations.ts";

/** The rotations T_i of raw predictions f(T_i x), and how they act on these. */
export interface PredictionRotations {
  /** [N, 3, 3] for all samples alike or [samples, N, 3, 3]: active, row major, x y z. */
  readonly matrices: ArrayLike<number>;
  /**
   * What predictions and targets are. Grids are rotated by rotations of the cube alone; vectors, tensors and scalars
   * under "so3" by any.
   */
  readonly output: Representation;
  /** What to call the matrices in an error. */
  readonly name?: string;
}

/** Those rotations, checked. */
export interface GivenRotations {
  /** Of all samples alike, or of one sample after another. */
  readonly rotations: readonly Rotation[];
  readonly output: Representation;
  /**
   * Name of the group: "full-octahedral" also where "octahedral" was asked for and every sample has all 48, that of a
   * quadrature also where "so3" was asked for and the rotations are its.
   */
  readonly source: string;
  /** Elements of the group, Infinity for independent draws. */
  readonly order: number;
  /** Of each prediction, where the group has such. */
  readonly weights?: readonly number[];
  /** Under how many rotations at most a prediction is compared with its target, to find another reading. */
  readonly compared: number;
}
