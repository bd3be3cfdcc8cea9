import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import rotateOctahedralShader from "../../../shaders/rotation/rotateOctahedral.wgsl";
import { cubeShape, largestDivisor } from "../cube.ts";
import { example, input, output } from "../example.ts";
import { badShape, requireShape } from "../shapes.ts";
import { choose, onLavapipe, type CallShape, type Kernel, type VariantChoice } from "../kernel.ts";
import { threads1d } from "../threads.ts";

/** What `rotateOctahedral` takes. */
export interface RotateOctahedralArgs {
  label: string;
  /** f32 [N, D, D, D, C]. */
  x: Tensor;
  /** u32 [R], or [N] with `perSample`: elements of the group as numbered in src/equivariance/octahedral.ts. */
  rotations: Tensor;
  /** Written, f32 [N * R, D, D, D, C] (sample-major, then rotation), or [N, D, D, D, C] with `perSample`. */
  y: Tensor;
  /** One rotation for each sample, y[n] = T_{rotations[n]} x[n], instead of all R for every sample. */
  perSample?: boolean;
  /** Rotates by the inverse elements. */
  inverse?: boolean;
}

/** What the work of a call depends on: sizes and switches. */
export interface RotateShape extends CallShape {
  readonly samples: number;
  readonly size: number;
  readonly channels: number;
  /** Rotations of each sample. */
  readonly each: number;
  readonly perSample: number;
}

/** Each voxel read once and written to all its places, or each place reading its voxel. */
const rotateOctahedralVariants: VariantChoice<RotateShape> = {
  kernel: "rotateOctahedral",
  of: () => [
    { name: "scatter", constants: { scatter: 1 } },
    { name: "gather", constants: { scatter: 0 } },
  ],
  table: [
    onLavapipe("scatter", "4.6 ms against 8.9 for gathering"),
    { adapter: "any", variant: "gather", why: "writes side by side, reads from the cache" },
  ],
  describe: ({ samples, size, channels, each, perSample }) =>
    `${samples}x${each} of ${size}^3x${channels}${perSample ? ", by sample" : ""}`,
};

/**
 * y[n R + r] = T_{rotations[r]} x[n] with (T x)(p) = x(R^-1 p) about the grid's centre: a permutation of voxels,
 * bitwise exact. An element of 24 or above is not checked on the GPU.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together.
 */
export function rotateOctahedral(ctx: KernelContext, args: RotateOctahedralArgs): void {
  requireArgs("rotateOctahedral", ctx, args, "x rotations y");
  const { label, x, rotations, y, perSample = false, inverse = false } = args;
  const { samples, size, channels } = cubeShape(label, "x", x);
  if (rotations.shape.length !== 1 || rotations.shape[0] === 0) {
    throw badShape(label, "'rotations' must be a non-empty list", { rotations });
  }
  if (perSample) requireShape(label, "rotations", rotations, [samples]);
  const each = perSample ? 1 : rotations.shape[0]!;
  const grids = samples * each;
  requireShape(label, "y", y, [grids, size, size, size, channels]);
  const shape = { samples, size, channels, each, perSample: perSample ? 1 : 0 };
  const { variant, call } = choose(ctx.caps, rotateOctahedralVariants, shape, x.dtype);
  const scatter = variant.constants.scatter === 1;
  const run = largestDivisor(size, 16);
  const vec4 = !scatter && channels % 4 === 0;
  const voxels = size ** 3;
  ctx.dispatch({
    label,
    call,
    shader: rotateOctahedralShader,
    constants: { PER_SAMPLE: perSample, INVERSE: inverse, VEC4: vec4, SCATTER: scatter, ...(scatter && { RUN: run }) },
    params: { grids, each, size, channels: vec4 ? channels / 4 : channels },
    bindings: { rotations, x, y },
    workgroups: threads1d(scatter ? (samples * voxels * channels) / run : grids * voxels),
    flops: 0,
    bytes: 4 * voxels * channels * (samples + grids),
  });
}

/** What there is to know of `rotateOctahedral`. */
export const rotateOctahedralKernel: Kernel<RotateShape> = {
  name: "rotateOctahedral",
  shaders: [rotateOctahedralShader],
  variants: rotateOctahedralVariants,
  shapes: [
    { samples: 2, size: 9, channels: 8, each: 5, perSample: 0 },
    { samples: 3, size: 8, channels: 5, each: 1, perSample: 1 },
    { samples: 1, size: 1, channels: 1, each: 1, perSample: 0 },
  ],
  example({ samples, size, channels, each, perSample }) {
    const grids = (count: number) => [count, size, size, size, channels];
    return example({
      tensors: {
        x: input(grids(samples)),
        rotations: input([perSample ? samples : each], "elements"),
        y: output(grids(samples * each)),
      },
      terms: 1,
      emit: (ctx, tensors) =>
        rotateOctahedral(ctx, { label: "rotateOctahedral", ...tensors, perSample: perSample === 1 }),
    });
  },
};
