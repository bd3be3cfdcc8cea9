import { workgroups1d, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import code from "../../shaders/samplePose.wgsl";
import { requireShape } from "./shapes.ts";

export interface SamplePoseArgs {
  label: string;
  /** Written, f32 [N, 12]: a rotation (row major, active) and a shift in Angstrom for each sample. */
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
  const { label, poses, shift, rotate, stream, step } = args;
  const samples = poses.shape[0] ?? 0;
  requireShape(label, "poses", poses, [samples, 12]);
  ctx.dispatch({
    label,
    shader: { name: "samplePose", code },
    constants: { SO3: rotate === "so3", OCTAHEDRAL: rotate === "octahedral" },
    params: { samples, stream, shift },
    bindings: { step, poses },
    workgroups: workgroups1d(Math.ceil(samples / 64)),
    flops: samples * 150,
    bytes: samples * 12 * 4,
  });
}
