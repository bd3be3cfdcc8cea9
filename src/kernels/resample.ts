import { workgroups1d, type Dispatch, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import code from "../../shaders/resample.wgsl";
import adjointCode from "../../shaders/resampleAdjoint.wgsl";
import { channelBlocks, cubeShape } from "./cube.ts";
import { requireSameShape, requireShape } from "./shapes.ts";

/** Trilinear (8 neighbours) or Catmull-Rom (64 neighbours, Keys' cubic convolution with a = -1/2). */
export type ResampleMethod = "trilinear" | "catmullRom";

export interface ResampleArgs {
  label: string;
  /** f32 [N, D, D, D, C]. */
  x: Tensor;
  /** f32 [N, 9]: rotation matrices, row major, active, orthogonal. */
  rotations: Tensor;
  /** Written, the shape of x. */
  y: Tensor;
  method: ResampleMethod;
}

/**
 * Rotates the content of grids: y(p) = x(R^-1 p), p from the grid's centre (D-1)/2, values outside the grid are 0.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function resample(ctx: KernelContext, { label, x, rotations, y, method }: ResampleArgs): void {
  requireSameShape(label, { x, y });
  const dispatch = describe(label, x, rotations, method);
  ctx.dispatch({ ...dispatch, shader: { name: "resample", code }, bindings: { rotations, x, y } });
}

/**
 * The transpose of `resample` for the same rotations: gradX = A^T gradY. Not the rotation by the inverse, which
 * interpolates anew. Gathered in a fixed order, so bitwise repeatable.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function resampleAdjoint(
  ctx: KernelContext,
  args: { label: string; rotations: Tensor; gradY: Tensor; gradX: Tensor; method: ResampleMethod },
): void {
  const { label, rotations, gradY, gradX, method } = args;
  requireSameShape(label, { gradY, gradX });
  const dispatch = describe(label, gradY, rotations, method);
  ctx.dispatch({
    ...dispatch,
    shader: { name: "resampleAdjoint", code: adjointCode },
    bindings: { rotations, gradY, gradX },
  });
}

function describe(
  label: string,
  grids: Tensor,
  rotations: Tensor,
  method: ResampleMethod,
): Omit<Dispatch, "shader" | "bindings"> {
  const { samples, size, channels } = cubeShape(label, "x", grids);
  requireShape(label, "rotations", rotations, [samples, 9]);
  const cubic = method === "catmullRom";
  const taps = cubic ? 4 : 2;
  const { block, blocks } = channelBlocks(channels);
  const voxels = samples * size ** 3;
  return {
    label,
    constants: { TAPS: taps, CATMULL_ROM: cubic, CHANNELS: block },
    params: { samples, size, channels, blocks },
    workgroups: workgroups1d(Math.ceil((voxels * blocks) / 64)),
    flops: 2 * taps ** 3 * voxels * channels,
    bytes: 8 * voxels * channels,
  };
}
