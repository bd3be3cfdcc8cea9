// What conv3dGradWeight dispatches on adapters of given capabilities, without a device.
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch, KernelContext } from "../../src/gpu/dispatch.ts";
import type { DType } from "../../src/gpu/tensor.ts";
import { dispatchConv3dGradWeight } from "../../src/kernels/conv3d/conv3dGradWeight.ts";
import {
  gradWeightSubgroupMatrixTiles,
  type GradWeightSubgroupMatrixTile,
} from "../../src/kernels/conv3d/conv3dGradWeightSubgroupMatrixTiles.ts";
import { problemOf, shapesOf, type Case, type Kinds } from "./conv3dCases.ts";

export const HALF: Kinds = ["f16", "f16"];

export function tilesOf(caps: GpuCaps, c: Case): GradWeightSubgroupMatrixTile[] {
  const { sizes, stride, pad } = problemOf(c);
  return gradWeightSubgroupMatrixTiles(caps, sizes, stride, pad);
}

/** What is dispatched for tensors stored so. */
export function dispatchesOf(caps: GpuCaps, c: Case, [ofX, ofY]: Kinds): Dispatch[] {
  const { weightShape, yShape } = shapesOf(c);
  let id = 0;
  const tensor = (label: string, shape: readonly number[], dtype: DType = "f32") => ({ id: id++, label, shape, dtype });
  const dispatches: Dispatch[] = [];
  const ctx: KernelContext = { caps, dispatch: (d) => dispatches.push(d), clear: () => undefined, scratch: tensor };
  dispatchConv3dGradWeight(ctx, {
    ...{ label: "gradWeight", x: tensor("x", c.x, ofX), gradY: tensor("gradY", yShape, ofY) },
    ...{ gradWeight: tensor("gradWeight", weightShape), stride: c.stride, pad: c.padding, transposed: false },
  });
  return dispatches;
}
