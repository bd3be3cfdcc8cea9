import groupNormMergeShader from "../../../shaders/groupNorm/groupNormMerge.wgsl";
import type { Dispatch, KernelCall, KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { choose, type VariantChoice } from "../kernel.ts";
import { badShape, requireShape, voxelShape, type VoxelShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";
import type { GroupNormShape } from "./groupNormVariants.ts";

/** Runs of voxels that one thread merges. */
const FAN = 64;

/** How the passes over the voxels are cut into threads: each takes one column of a run of voxels. */
export interface Layout {
  shape: VoxelShape;
  /** Channels are a multiple of four, and a column is four of them. */
  vec4: boolean;
  columns: number;
  /** Voxels of a run, the last of a sample shorter, and how many runs a sample has. */
  runLength: number;
  runs: number;
  workgroups: Dispatch["workgroups"];
  call: KernelCall;
  /** Invocations, where a workgroup makes a sample alone. */
  workgroup: number | undefined;
}

export function checkedLayout(
  ctx: KernelContext,
  args: { label: string; x: Tensor; gamma: Tensor; beta: Tensor; stats: Tensor; groups: number; silu: boolean },
  variants: VariantChoice<GroupNormShape>,
): Layout {
  const { label, x, gamma, beta, stats, groups, silu } = args;
  const shape = voxelShape(label, "x", x);
  const { samples, voxels, channels } = shape;
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw badShape(label, `${groups} groups do not divide ${channels} channels`, { x });
  }
  requireShape(label, "gamma", gamma, [channels]);
  requireShape(label, "beta", beta, [channels]);
  requireShape(label, "stats", stats, [samples, groups, 2]);
  const vec4 = channels % 4 === 0;
  const columns = vec4 ? channels / 4 : channels;
  const { variant, call } = choose(
    ctx.caps,
    variants,
    { samples, voxels, channels, groups, silu: silu ? 1 : 0 },
    x.dtype,
  );
  const workgroup = variant.constants.WORKGROUP;
  const runLength = variant.constants.runLength ?? Math.ceil(voxels / Math.floor(workgroup! / columns));
  const runs = Math.ceil(voxels / runLength);
  const workgroups = threads1d(samples * runs * columns);
  return { shape, vec4, columns, runLength, runs, workgroups, call, workgroup };
}

/** `Params` of shaders/shared/groupNormParams.wgsl. */
export function passParams({ shape, columns, runs, runLength }: Layout, groups: number): Record<string, number> {
  const { samples, voxels, channels } = shape;
  return { samples, voxels, columns, runs, runLength, groups, groupWidth: channels / groups };
}

/** Merges partial results until no more than FAN a channel are left. */
export function merged(
  ctx: KernelContext,
  label: string,
  layout: Layout,
  first: Tensor,
  isMoments: boolean,
): { partials: Tensor; runs: number; runLength: number } {
  const {
    shape: { samples, voxels, channels },
    columns,
    vec4,
  } = layout;
  let { runs, runLength } = layout;
  let partials = first;
  while (runs > FAN) {
    const mergedRuns = Math.ceil(runs / FAN);
    const sums = ctx.scratch(`${label} merged`, [samples, mergedRuns, 2, channels]);
    const total = samples * mergedRuns * columns;
    ctx.dispatch({
      label: `${label} merge`,
      shader: groupNormMergeShader,
      constants: { VEC4: vec4, MOMENTS: isMoments, FAN },
      params: { voxels, columns, runs, mergedRuns, runLength, total },
      bindings: { partials, merged: sums },
      workgroups: threads1d(total),
      flops: (isMoments ? 8 : 2) * samples * runs * channels,
      bytes: byteLength(partials) + byteLength(sums),
    });
    partials = sums;
    runs = mergedRuns;
    runLength *= FAN;
  }
  return { partials, runs, runLength };
}
