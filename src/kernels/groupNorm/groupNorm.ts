import groupNormShader from "../../../shaders/groupNorm/groupNorm.wgsl";
import groupNormGradInputShader from "../../../shaders/groupNorm/groupNormGradInput.wgsl";
import groupNormGradParamsShader from "../../../shaders/groupNorm/groupNormGradParams.wgsl";
import groupNormGradSumsShader from "../../../shaders/groupNorm/groupNormGradSums.wgsl";
import groupNormMergeShader from "../../../shaders/groupNorm/groupNormMerge.wgsl";
import groupNormMomentsShader from "../../../shaders/groupNorm/groupNormMoments.wgsl";
import groupNormStatsShader from "../../../shaders/groupNorm/groupNormStats.wgsl";
import groupNormWholeShader from "../../../shaders/groupNorm/groupNormWhole.wgsl";
import groupNormWholeGradShader from "../../../shaders/groupNorm/groupNormWholeGrad.wgsl";
import sumPartialsShader from "../../../shaders/sumPartials.wgsl";
import { VoxtwirlError } from "../../errors.ts";
import { workgroups1d, type Dispatch, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { groupNormVariants, groupNormGradVariants, type GroupNormShape } from "./groupNormVariants.ts";
import { badShape, requireSameShape, requireShape, voxelShape, type VoxelShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { partialSums } from "../sumRows.ts";
import { activation, example, input, output, sum } from "../example.ts";
import { choose, type Kernel, type VariantChoice } from "../kernel.ts";
import { threads1d } from "../threads.ts";

/** Runs of voxels that one thread merges. */
const FAN = 64;

export interface GroupNormArgs {
  label: string;
  /** [N, ..., C] */
  x: Tensor;
  /** [C] */
  gamma: Tensor;
  /** [C] */
  beta: Tensor;
  /** Divides C. */
  groups: number;
  /** Added to the variance before the root; PyTorch's default, 1e-5, when left out. */
  eps?: number;
  /** Apply SiLU to the result. */
  silu: boolean;
  /** Written, shape of x. */
  y: Tensor;
  /** [N, groups, 2]; written: mean and 1 / sqrt(variance + eps), which the gradient needs. */
  stats: Tensor;
}

/**
 * Group normalisation (Wu and He 2018, arXiv 1803.08494) with PyTorch's conventions, optionally followed by SiLU:
 * y = gamma * (x - mean) / sqrt(variance + eps) + beta over each sample's groups of C / groups successive channels and
 * all voxels, the variance with divisor (count).
 *
 * @throws VoxtwirlError "bad-shape", "bad-option"
 */
export function groupNorm(ctx: KernelContext, args: GroupNormArgs): void {
  const { label, x, gamma, beta, y, stats, groups, eps = 1e-5 } = args;
  const layout = checkedLayout(ctx, args, groupNormVariants);
  requireSameShape(label, { x, y });
  const stored = storage(label, { x, y });
  if (!(eps >= 0)) throw new VoxtwirlError("bad-option", `${label}: eps is ${eps}`, "Give an eps of 0 or more.");
  const { samples, voxels, channels } = layout.shape;
  if (layout.workgroup) {
    ctx.dispatch({
      label,
      call: layout.call,
      shader: groupNormWholeShader,
      constants: { VEC4: layout.vec4, SILU: args.silu, WORKGROUP: layout.workgroup, ...stored },
      params: { ...wholeParams(layout, groups), eps },
      bindings: { x, gamma, beta, stats, y },
      workgroups: workgroups1d(samples),
      flops: (args.silu ? 11 : 7) * samples * voxels * channels,
      bytes: 2 * byteLength(x) + 2 * byteLength(gamma) + byteLength(stats),
    });
    return;
  }

  let { streams, run } = layout;
  let partials = ctx.scratch(`${label} moments`, [samples, streams, 2, channels]);
  ctx.dispatch({
    label: `${label} moments`,
    shader: groupNormMomentsShader,
    constants: { VEC4: layout.vec4, ...stored },
    params: { voxels, columns: layout.columns, streams, run, total: layout.threads },
    bindings: { x, partials },
    workgroups: layout.workgroups,
    flops: 4 * samples * voxels * channels,
    bytes: byteLength(x) + byteLength(partials),
  });
  ({ partials, streams, run } = merged(ctx, `${label} moments`, layout, partials, true));
  const total = samples * groups;
  ctx.dispatch({
    label: `${label} stats`,
    shader: groupNormStatsShader,
    params: { voxels, channels, groups, streams, run, total, eps },
    bindings: { partials, stats },
    workgroups: threads1d(total),
    flops: 8 * samples * streams * channels,
    bytes: byteLength(partials) + byteLength(stats),
  });
  ctx.dispatch({
    label,
    call: layout.call,
    shader: groupNormShader,
    constants: { VEC4: layout.vec4, SILU: args.silu, ...stored },
    params: passParams(layout, groups),
    bindings: { x, gamma, beta, stats, y },
    workgroups: layout.workgroups,
    flops: (args.silu ? 7 : 3) * samples * voxels * channels,
    bytes: 2 * byteLength(x) + 2 * byteLength(gamma) + byteLength(stats),
  });
}

export interface GroupNormGradArgs {
  label: string;
  /** The input of the forward pass, [N, ..., C]. */
  x: Tensor;
  gamma: Tensor;
  beta: Tensor;
  /** What the forward pass wrote. */
  stats: Tensor;
  gradY: Tensor;
  groups: number;
  /** As in the forward pass. */
  silu: boolean;
  /** Written, shape of x. */
  gradX: Tensor;
  /** [C], added to. */
  gradGamma: Tensor;
  /** [C], added to. */
  gradBeta: Tensor;
  /** Shape of x; added into gradX. */
  addend?: Tensor;
}

/**
 * Gradients of `groupNorm`. The normalised values are computed anew from x and stats.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option"
 */
export function groupNormGrad(ctx: KernelContext, args: GroupNormGradArgs): void {
  const { label, x, gamma, beta, stats, gradY, groups, gradX, gradGamma, gradBeta, addend } = args;
  const layout = checkedLayout(ctx, args, groupNormGradVariants);
  const grids = { x, gradY, gradX, ...(addend && { addend }) };
  requireSameShape(label, grids);
  const { samples, voxels, channels } = layout.shape;
  requireShape(label, "gradGamma", gradGamma, [channels]);
  requireShape(label, "gradBeta", gradBeta, [channels]);

  const constants = { VEC4: layout.vec4, SILU: args.silu, ...storage(label, grids) };
  const elements = samples * voxels * channels;
  if (layout.workgroup) {
    const parameterSums = partialSums(ctx, `${label} params`, [gradBeta, gradGamma], samples);
    ctx.dispatch({
      label,
      call: layout.call,
      shader: groupNormWholeGradShader,
      constants: { ...constants, ADDEND: addend !== undefined, WORKGROUP: layout.workgroup },
      params: wholeParams(layout, groups),
      bindings: {
        x,
        gradY,
        stats,
        gamma,
        sums: parameterSums.partial,
        gradX,
        ...(args.silu && { beta }),
        ...(addend && { addend }),
      },
      workgroups: workgroups1d(samples),
      flops: ((args.silu ? 19 : 9) + (addend ? 1 : 0)) * elements,
      bytes:
        (addend ? 4 : 3) * byteLength(x) +
        byteLength(stats) +
        (args.silu ? 2 : 1) * byteLength(gamma) +
        byteLength(parameterSums.partial),
    });
    parameterSums.add();
    return;
  }
  const sums = ctx.scratch(`${label} sums`, [samples, layout.streams, 2, channels]);
  ctx.dispatch({
    label: `${label} sums`,
    shader: groupNormGradSumsShader,
    constants,
    params: passParams(layout, groups),
    bindings: { x, gradY, stats, partials: sums, ...(args.silu && { gamma, beta }) },
    workgroups: layout.workgroups,
    flops: (args.silu ? 15 : 5) * elements,
    bytes: 2 * byteLength(x) + byteLength(stats) + byteLength(sums) + (args.silu ? 2 * byteLength(gamma) : 0),
  });
  const { partials, streams } = merged(ctx, `${label} sums`, layout, sums, false);
  const means = ctx.scratch(`${label} means`, [samples, groups, 2]);
  ctx.dispatch({
    label: `${label} params`,
    shader: groupNormGradParamsShader,
    params: { samples, voxels, channels, groups, streams },
    bindings: { partials, gamma, means, gradGamma, gradBeta },
    workgroups: threads1d(samples * groups + channels),
    flops: 4 * samples * channels * (streams + 1) + 2 * samples * groups + 2 * channels,
    bytes: byteLength(partials) + 5 * byteLength(gamma) + byteLength(means),
  });
  ctx.dispatch({
    label: `${label} gradInput`,
    call: layout.call,
    shader: groupNormGradInputShader,
    constants: { ...constants, ADDEND: addend !== undefined },
    params: passParams(layout, groups),
    bindings: {
      x,
      gradY,
      stats,
      means,
      gamma,
      gradX,
      ...(args.silu && { beta }),
      ...(addend && { addend }),
    },
    workgroups: layout.workgroups,
    flops: ((args.silu ? 16 : 6) + (addend ? 1 : 0)) * elements,
    bytes: (addend ? 4 : 3) * byteLength(x) + 2 * byteLength(stats) + (args.silu ? 2 : 1) * byteLength(gamma),
  });
}

/** How the passes over the voxels are cut into threads: each takes one column of `run` voxels of a sample. */
interface Layout {
  shape: VoxelShape;
  /** Channels are a multiple of four, and a column is four of them. */
  vec4: boolean;
  columns: number;
  run: number;
  streams: number;
  threads: number;
  workgroups: Dispatch["workgroups"];
  call: KernelCall;
  /** Invocations, where a workgroup makes a sample alone. */
  workgroup: number | undefined;
}

function checkedLayout(
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
  const run = variant.constants.run ?? Math.ceil(voxels / Math.floor(workgroup! / columns));
  const streams = Math.ceil(voxels / run);
  const threads = samples * streams * columns;
  const workgroups = threads1d(threads);
  return { shape, vec4, columns, run, streams, threads, workgroups, call, workgroup };
}

function wholeParams({ shape: { samples, voxels, channels }, columns, streams, run }: Layout, groups: number) {
  return { samples, voxels, columns, streams, run, groups, groupWidth: channels / groups };
}

function passParams(layout: Layout, groups: number): Record<string, number> {
  const { voxels, channels } = layout.shape;
  return {
    voxels,
    columns: layout.columns,
    streams: layout.streams,
    run: layout.run,
    total: layout.threads,
    groups,
    groupWidth: channels / groups,
  };
}

/** Merges partial results until no more than FAN a channel are left. */
function merged(
  ctx: KernelContext,
  label: string,
  layout: Layout,
  first: Tensor,
  isMoments: boolean,
): { partials: Tensor; streams: number; run: number } {
  const {
    shape: { samples, voxels, channels },
    columns,
    vec4,
  } = layout;
  let { streams, run } = layout;
  let partials = first;
  while (streams > FAN) {
    const mergedStreams = Math.ceil(streams / FAN);
    const target = ctx.scratch(`${label} merged`, [samples, mergedStreams, 2, channels]);
    const total = samples * mergedStreams * columns;
    ctx.dispatch({
      label: `${label} merge`,
      shader: groupNormMergeShader,
      constants: { VEC4: vec4, MOMENTS: isMoments, FAN },
      params: { voxels, columns, streams, mergedStreams, run, total },
      bindings: { partials, merged: target },
      workgroups: threads1d(total),
      flops: (isMoments ? 8 : 2) * samples * streams * channels,
      bytes: byteLength(partials) + byteLength(target),
    });
    partials = target;
    streams = mergedStreams;
    run *= FAN;
  }
  return { partials, streams, run };
}

const shapes: readonly GroupNormShape[] = [
  { samples: 3, voxels: 343, channels: 12, groups: 4, silu: 1 },
  { samples: 2, voxels: 64, channels: 15, groups: 5, silu: 0 },
  { samples: 1, voxels: 5000, channels: 24, groups: 3, silu: 1 },
  { samples: 1, voxels: 1, channels: 2, groups: 1, silu: 0 },
];

export const groupNormKernel: Kernel<GroupNormShape> = {
  name: "groupNorm",
  shaders: [groupNormMomentsShader, groupNormStatsShader, groupNormShader, groupNormWholeShader, groupNormMergeShader],
  variants: groupNormVariants,
  shapes,
  example({ samples, voxels, channels, groups, silu }) {
    const [x, c] = [[samples, voxels, channels], [channels]];
    return example({
      tensors: {
        x: activation(input(x)),
        gamma: input(c, "around 1"),
        beta: input(c),
        y: activation(output(x)),
        stats: output([samples, groups, 2]),
      },
      terms: (voxels * channels) / groups,
      emit: (ctx, tensors) => groupNorm(ctx, { label: "groupNorm", ...tensors, groups, silu: silu === 1 }),
    });
  },
};

export const groupNormGradKernel: Kernel<GroupNormShape> = {
  name: "groupNormGrad",
  shaders: [
    groupNormGradSumsShader,
    groupNormGradParamsShader,
    groupNormGradInputShader,
    groupNormWholeGradShader,
    sumPartialsShader,
    groupNormMergeShader,
  ],
  variants: groupNormGradVariants,
  shapes,
  example({ samples, voxels, channels, groups, silu }) {
    const [x, c] = [[samples, voxels, channels], [channels]];
    return example({
      tensors: {
        x: activation(input(x)),
        gamma: input(c, "around 1"),
        beta: input(c),
        stats: input([samples, groups, 2], "positive"),
        gradY: activation(input(x)),
        gradX: activation(output(x)),
        gradGamma: sum(c),
        gradBeta: sum(c),
      },
      terms: samples * voxels * channels,
      emit: (ctx, tensors) => groupNormGrad(ctx, { label: "groupNormGrad", ...tensors, groups, silu: silu === 1 }),
    });
  },
};
