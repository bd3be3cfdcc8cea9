import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import type { Tensor } from "../gpu/tensor.ts";
import samplePoseShader from "../../shaders/samplePose.wgsl";
import { requireShape } from "./shapes.ts";
import { example, output, stepExample } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d } from "./threads.ts";

/** What `samplePose` takes. */
export interface SamplePoseArgs {
  label: string;
  /** Written, f32 [N, 12], a rotation (row major, active) and a shift in Angstrom for each sample. */
  poses: Tensor;
  /** Shifts are uniform in (-shift, shift) Angstrom along each axis. */
  shift: number;
  /** Uniform on SO(3) (Haar), on the 24 rotations of the cube, or always the identity. */
  rotate: "so3" | "octahedral" | "none";
  /** Separates the uses of one seed; must differ from the stream of any noise. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
}

/**
 * Random poses for `voxelize`: position = R atom + shift.
 *
 * The pose of sample n depends on seed, stream, step.step and step.sample + n only. The shift is the same whatever
 * `rotate` is. A Haar rotation is the matrix of a unit quaternion made of four normal numbers.
 *
 * @throws VoxtwirlError "bad-shape" when poses is not [N, 12].
 */
export function samplePose(ctx: KernelContext, args: SamplePoseArgs): void {
  requireArgs("samplePose", ctx, args, "poses step", "shift stream", "rotate");
  const { label, poses, shift, rotate, stream, step } = args;
  const samples = poses.shape[0] ?? 0;
  requireShape(label, "poses", poses, [samples, 12]);
  ctx.dispatch({
    label,
    shader: samplePoseShader,
    constants: { SO3: rotate === "so3", OCTAHEDRAL: rotate === "octahedral" },
    params: { samples, stream, shift },
    bindings: { step, poses },
    workgroups: threads1d(samples),
    flops: samples * 150,
    bytes: samples * 12 * 4,
  });
}

/** What the work of a call depends on: sizes and switches. */
export interface PoseShape extends CallShape {
  readonly samples: number;
  /** 0 none, 1 the rotations of the cube, 2 all. */
  readonly rotations: number;
}

/** What there is to know of `samplePose`. */
export const samplePoseKernel: Kernel<PoseShape> = {
  name: "samplePose",
  shaders: [samplePoseShader],
  shapes: [
    { samples: 70, rotations: 2 },
    { samples: 3, rotations: 1 },
    { samples: 1, rotations: 0 },
  ],
  example({ samples, rotations }) {
    const rotate = (["none", "octahedral", "so3"] as const)[rotations] ?? "none";
    return example({
      tensors: { step: stepExample(), poses: output([samples, 12]) },
      // Products of four normal numbers over their sum of squares.
      terms: 2 ** 12,
      emit: (ctx, tensors) => samplePose(ctx, { label: "samplePose", ...tensors, shift: 0.5, rotate, stream: 5 }),
    });
  },
};
