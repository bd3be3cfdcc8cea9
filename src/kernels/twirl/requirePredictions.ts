import type { Tensor } from "../../gpu/tensor.ts";
import type { CubeShape } from "../cube.ts";
import { badShape, requireShape } from "../shapes.ts";

/** The number of rotations, once predictions are found to be that many for each sample. */
export function requirePredictions(label: string, predictions: Tensor, rotations: Tensor, cube: CubeShape): number {
  const { samples, size, channels } = cube;
  const k = rotations.shape[0] ?? 0;
  if (rotations.shape.length !== 1 || k === 0) {
    throw badShape(label, "'rotations' must be a non-empty list", { rotations });
  }
  requireShape(label, "predictions", predictions, [samples * k, size, size, size, channels]);
  return k;
}
