import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import resampleShader from "../../../shaders/rotation/resample.wgsl";
import resampleGradShader from "../../../shaders/rotation/resampleGrad.wgsl";
import { channelBlocks, cubeShape } from "../cube.ts";
import { hasLanes } from "../lanes.ts";
import { example, input, output } from "../example.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { choose, onLavapipe, type CallShape, type Kernel, type VariantChoice } from "../kernel.ts";
import { threads1d } from "../threads.ts";

/** Trilinear (8 neighbours) or Catmull-Rom (64 neighbours, Keys' cubic convolution with a = -1/2). */
export type ResampleMethod = "trilinear" | "catmullRom";

/** What `resample` takes. */
export interface ResampleArgs {
  label: string;
  /** f32 [N, D, D, D, C]. */
  x: Tensor;
  /** f32 [N, 9], rotation matrices, row major, active, orthogonal. */
  rotations: Tensor;
  /** Written, the shape of x. */
  y: Tensor;
  method: ResampleMethod;
}

/** What the work of a call depends on: sizes and switches. */
export interface ResampleShape extends CallShape {
  readonly samples: number;
  readonly size: number;
  readonly channels: number;
  /** Catmull-Rom instead of trilinear. */
  readonly cubic: number;
}

const WORKGROUPS = [64, 128, 256];

/**
 * A thread makes all channels of a voxel and shares the weights among them, or one: neighbours then lie side by side.
 */
const resampleVariants: VariantChoice<ResampleShape> = {
  kernel: "resample",
  of: (caps) =>
    WORKGROUPS.filter((n) => n <= caps.maxWorkgroupInvocations).flatMap((WORKGROUP) => [
      { name: `voxel w${WORKGROUP}`, constants: { whole: 1, WORKGROUP } },
      { name: `channel w${WORKGROUP}`, constants: { whole: 0, WORKGROUP } },
    ]),
  table: [
    onLavapipe("voxel w128", "R32 11 ms against 34 to 44 for one channel a thread"),
    { adapter: "any", variant: "channel w64", why: "neighbouring threads on neighbouring memory" },
  ],
  describe: ({ samples, size, channels, cubic }) => `${samples}x${size}^3x${channels}${cubic ? ", catmull-rom" : ""}`,
};

/**
 * Rotates the content of grids: y(p) = x(R^-1 p), p from the grid's centre (D-1)/2, values outside the grid are 0.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function resample(ctx: KernelContext, args: ResampleArgs): void {
  requireArgs("resample", ctx, args, "x rotations y", "", "method");
  const { label, x, rotations, y, method } = args;
  requireSameShape(label, { x, y });
  const { cube, constants, cost } = describe(label, x, rotations, method);
  const { samples, size, channels } = cube;
  const shape = { ...cube, cubic: method === "catmullRom" ? 1 : 0 };
  const { variant, call } = choose(ctx.caps, resampleVariants, shape, x.dtype);
  const vec4 = channels % 4 === 0;
  const reals = vec4 ? channels / 4 : channels;
  const each = variant.constants.whole ? reals : 1;
  const workgroup = variant.constants.WORKGROUP!;
  const blocks = reals / each;
  // Lanes of a subgroup have one sample's rotation in common, wherever in the workgroup they are.
  const lanes = hasLanes(ctx.caps) && (size ** 3 * blocks) % workgroup === 0;
  ctx.dispatch({
    label,
    call,
    shader: resampleShader,
    constants: { ...constants, VEC4: vec4, WORKGROUP: workgroup, LANES: lanes },
    params: { samples, size, channels: reals, blocks, each },
    bindings: { rotations, x, y },
    workgroups: threads1d(samples * size ** 3 * blocks, workgroup),
    ...cost,
  });
}

/**
 * The transpose of `resample` for the same rotations: gradX = A^T gradY. Not the rotation by the inverse, which
 * interpolates anew. Gathered in a fixed order, so bitwise repeatable.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function resampleGrad(
  ctx: KernelContext,
  args: { label: string; rotations: Tensor; gradY: Tensor; gradX: Tensor; method: ResampleMethod },
): void {
  requireArgs("resampleGrad", ctx, args, "rotations gradY gradX", "", "method");
  const { label, rotations, gradY, gradX, method } = args;
  requireSameShape(label, { gradY, gradX });
  const {
    cube: { samples, size, channels },
    constants,
    cost,
  } = describe(label, gradY, rotations, method);
  const vec4 = channels % 4 === 0;
  const reals = vec4 ? channels / 4 : channels;
  const { block, blocks } = channelBlocks(reals, vec4 ? 2 : 8);
  ctx.dispatch({
    label,
    shader: resampleGradShader,
    constants: { ...constants, CHANNELS: block, VEC4: vec4 },
    params: { samples, size, channels: reals, blocks },
    bindings: { rotations, gradY, gradX },
    workgroups: threads1d(samples * size ** 3 * blocks),
    ...cost,
  });
}

function describe(label: string, grids: Tensor, rotations: Tensor, method: ResampleMethod) {
  const cube = cubeShape(label, "x", grids);
  requireShape(label, "rotations", rotations, [cube.samples, 9]);
  const cubic = method === "catmullRom";
  const taps = cubic ? 4 : 2;
  const elements = cube.samples * cube.size ** 3 * cube.channels;
  return {
    cube,
    constants: { TAPS: taps, CATMULL_ROM: cubic },
    cost: { flops: 2 * taps ** 3 * elements, bytes: 8 * elements },
  };
}

const shapes: readonly ResampleShape[] = [0, 1].flatMap((cubic) => [
  { samples: 2, size: 9, channels: 12, cubic },
  { samples: 1, size: 6, channels: 5, cubic },
]);

const methodOf = ({ cubic }: ResampleShape): ResampleMethod => (cubic ? "catmullRom" : "trilinear");

/** What there is to know of `resample`. */
export const resampleKernel: Kernel<ResampleShape> = {
  name: "resample",
  shaders: [resampleShader],
  variants: resampleVariants,
  shapes,
  example(shape) {
    const grids = [shape.samples, shape.size, shape.size, shape.size, shape.channels];
    return example({
      tensors: { x: input(grids), rotations: input([shape.samples, 9], "matrices"), y: output(grids) },
      // Coordinates of up to half the grid's size are rounded, and the weights' slopes pass that on.
      terms: (shape.cubic ? 64 : 8) * shape.size,
      emit: (ctx, tensors) => resample(ctx, { label: "resample", ...tensors, method: methodOf(shape) }),
    });
  },
};

/** What there is to know of `resampleGrad`. */
export const resampleGradKernel: Kernel<ResampleShape> = {
  name: "resampleGrad",
  shaders: [resampleGradShader],
  shapes,
  example(shape) {
    const grids = [shape.samples, shape.size, shape.size, shape.size, shape.channels];
    return example({
      tensors: { gradY: input(grids), rotations: input([shape.samples, 9], "matrices"), gradX: output(grids) },
      terms: (shape.cubic ? 64 : 8) * shape.size,
      emit: (ctx, tensors) => resampleGrad(ctx, { label: "resampleGrad", ...tensors, method: methodOf(shape) }),
    });
  },
};
