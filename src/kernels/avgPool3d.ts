import avgPool3dShader from "../../shaders/avgPool3d.wgsl";
import { requireArgs } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { tapPairs } from "./conv3d/conv3dShape.ts";
import { activation, example, input, output } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { badShape, requireShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { threads1d } from "./threads.ts";

/** Windows of a mean, alike along all axes. */
export interface AvgPool3dOptions {
  label: string;
  /** Voxels along the edge of a window. */
  kernel: number;
  /** From a window to the next. */
  stride: number;
  /** Zeros around the grid; at most half a window. They count in the mean. */
  padding: number;
}

/**
 * The shape [N, Do, Ho, Wo, C] of a pooled grid, o = floor((i + 2 padding - kernel) / stride) + 1 an axis.
 *
 * @throws VoxtwirlError "bad-shape" where the grid is no [N, D, H, W, C] or has no window, "bad-option" for a kernel or
 *   stride that is no whole number from 1, or a padding beyond half a kernel
 */
export function avgPool3dShape(x: Tensor, { label, kernel, stride, padding }: AvgPool3dOptions): number[] {
  const whole = [kernel, stride, padding].every(Number.isInteger);
  if (!whole || kernel < 1 || stride < 1 || padding < 0 || 2 * padding > kernel) {
    const windows = `windows of ${kernel} every ${stride} voxels with a padding of ${padding}`;
    throw new VoxtwirlError(
      "bad-option",
      `${label}: ${windows} are not possible`,
      "Give whole numbers from 1, and a padding of at most half a window.",
    );
  }
  const [samples = 0, depth = 0, height = 0, width = 0, channels = 0] = x.shape;
  const size = [depth, height, width].map((n) => Math.floor((n + 2 * padding - kernel) / stride) + 1);
  if (x.shape.length !== 5 || elementCount(x.shape) === 0 || size.some((n) => n < 1)) {
    throw badShape(label, `'x' must be [N, D, H, W, C] with room for a window of ${kernel}`, { x });
  }
  return [samples, ...size, channels];
}

/**
 * y = the mean of x over windows of voxels, channels-last: x [N, D, H, W, C], y of `avgPool3dShape`. As PyTorch's
 * AvgPool3d: what lies in the padding counts as zeros, and a window that does not fit is left out.
 *
 * @throws VoxtwirlError "bad-shape" where y has another shape; as `avgPool3dShape`
 */
export function avgPool3d(ctx: KernelContext, args: AvgPool3dOptions & { x: Tensor; y: Tensor }): void {
  requireArgs("avgPool3d", ctx, args, "x y", "kernel stride padding");
  requireShape(args.label, "y", args.y, avgPool3dShape(args.x, args));
  pool(ctx, args, args.x, args.y, { GRAD: false });
}

/**
 * The gradient of `avgPool3d` with respect to its input: gradX [N, D, H, W, C] is written from gradY.
 *
 * @throws VoxtwirlError as `avgPool3d`
 */
export function avgPool3dGrad(ctx: KernelContext, args: AvgPool3dOptions & { gradY: Tensor; gradX: Tensor }): void {
  requireArgs("avgPool3dGrad", ctx, args, "gradY gradX", "kernel stride padding");
  requireShape(args.label, "gradY", args.gradY, avgPool3dShape(args.gradX, args));
  pool(ctx, args, args.gradX, args.gradY, { GRAD: true });
}

/** `whole` and `pooled` are read and written, or with GRAD written and read. */
function pool(
  ctx: KernelContext,
  { label, kernel, stride, padding }: AvgPool3dOptions,
  whole: Tensor,
  pooled: Tensor,
  { GRAD }: { GRAD: boolean },
): void {
  const [samples, inD, inH, inW, channels] = whole.shape as [number, number, number, number, number];
  const [, outD, outH, outW] = pooled.shape as [number, number, number, number];
  const vec4 = channels % 4 === 0;
  const written = GRAD ? whole : pooled;
  const total = elementCount(written.shape) / (vec4 ? 4 : 1);
  const axes = [
    [inD, outD],
    [inH, outH],
    [inW, outW],
  ] as const;
  const pairs = axes.reduce((product, [i, o]) => product * tapPairs(i, o, kernel, stride, padding), 1);
  ctx.dispatch({
    label,
    shader: avgPool3dShader,
    constants: { KERNEL: kernel, STRIDE: stride, VEC4: vec4, GRAD, ...storage(label, { whole, pooled }) },
    params: {
      ...{ inD, inH, inW, outD, outH, outW },
      ...{ channels: vec4 ? channels / 4 : channels, pad: padding, total },
    },
    bindings: GRAD ? { gradY: pooled, gradX: whole } : { x: whole, y: pooled },
    workgroups: threads1d(total),
    // A sum for each voxel of each window, and a product for each mean.
    flops: samples * channels * pairs + elementCount(written.shape),
    bytes: byteLength(whole) + byteLength(pooled),
  });
}

/** What the work of a call depends on: sizes and switches. */
export interface PoolShape extends CallShape {
  readonly samples: number;
  readonly depth: number;
  readonly size: number;
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

const shapes: readonly PoolShape[] = [
  { samples: 2, depth: 4, size: 7, channels: 5, kernel: 2, stride: 2, padding: 0 },
  { samples: 1, depth: 5, size: 6, channels: 8, kernel: 3, stride: 1, padding: 1 },
  { samples: 3, depth: 6, size: 5, channels: 3, kernel: 2, stride: 3, padding: 1 },
  { samples: 1, depth: 1, size: 1, channels: 1, kernel: 1, stride: 1, padding: 0 },
];

const grids = ({ samples, depth, size, channels, kernel, stride, padding }: PoolShape) => {
  const out = (n: number) => Math.floor((n + 2 * padding - kernel) / stride) + 1;
  return {
    whole: [samples, depth, size, size, channels],
    pooled: [samples, out(depth), out(size), out(size), channels],
  };
};

/** What there is to know of `avgPool3d`. */
export const avgPool3dKernel: Kernel<PoolShape> = {
  name: "avgPool3d",
  shaders: [avgPool3dShader],
  shapes,
  example(shape) {
    const { whole, pooled } = grids(shape);
    const { kernel, stride, padding } = shape;
    return example({
      tensors: { x: activation(input(whole)), y: activation(output(pooled)) },
      terms: kernel ** 3,
      emit: (ctx, tensors) => avgPool3d(ctx, { label: "avgPool3d", ...tensors, kernel, stride, padding }),
    });
  },
};

/** What there is to know of `avgPool3dGrad`. */
export const avgPool3dGradKernel: Kernel<PoolShape> = {
  name: "avgPool3dGrad",
  shaders: [avgPool3dShader],
  shapes,
  example(shape) {
    const { whole, pooled } = grids(shape);
    const { kernel, stride, padding } = shape;
    return example({
      tensors: { gradY: activation(input(pooled)), gradX: activation(output(whole)) },
      terms: kernel ** 3,
      emit: (ctx, tensors) => avgPool3dGrad(ctx, { label: "avgPool3dGrad", ...tensors, kernel, stride, padding }),
    });
  },
};
