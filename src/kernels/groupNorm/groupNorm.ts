import groupNormShader from "../../../shaders/groupNorm/groupNorm.wgsl";
import groupNormMergeShader from "../../../shaders/groupNorm/groupNormMerge.wgsl";
import groupNormMomentsShader from "../../../shaders/groupNorm/groupNormMoments.wgsl";
import groupNormStatsShader from "../../../shaders/groupNorm/groupNormStats.wgsl";
import groupNormWholeShader from "../../../shaders/groupNorm/groupNormWhole.wgsl";
import { requireArgs } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireSameShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { checkedLayout, merged, passParams } from "./groupNormLayout.ts";
import { groupNormShapes, groupNormVariants, type GroupNormShape } from "./groupNormVariants.ts";

/** What `groupNorm` takes. */
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
  requireArgs("groupNorm", ctx, args, "x gamma beta y stats", "groups", "silu");
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
      params: { ...passParams(layout, groups), eps },
      bindings: { x, gamma, beta, stats, y },
      workgroups: workgroups1d(samples),
      flops: (args.silu ? 11 : 7) * samples * voxels * channels,
      bytes: 2 * byteLength(x) + 2 * byteLength(gamma) + byteLength(stats),
    });
    return;
  }

  let { runs, runLength } = layout;
  let partials = ctx.scratch(`${label} moments`, [samples, runs, 2, channels]);
  ctx.dispatch({
    label: `${label} moments`,
    shader: groupNormMomentsShader,
    constants: { VEC4: layout.vec4, ...stored },
    params: passParams(layout, groups),
    bindings: { x, partials },
    workgroups: layout.workgroups,
    flops: 4 * samples * voxels * channels,
    bytes: byteLength(x) + byteLength(partials),
  });
  ({ partials, runs, runLength } = merged(ctx, `${label} moments`, layout, partials, true));
  const total = samples * groups;
  ctx.dispatch({
    label: `${label} stats`,
    shader: groupNormStatsShader,
    params: { voxels, channels, groups, runs, runLength, total, eps },
    bindings: { partials, stats },
    workgroups: threads1d(total),
    flops: 8 * samples * runs * channels,
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

/** What there is to know of `groupNorm`. */
export const groupNormKernel: Kernel<GroupNormShape> = {
  name: "groupNorm",
  shaders: [groupNormMomentsShader, groupNormStatsShader, groupNormShader, groupNormWholeShader, groupNormMergeShader],
  variants: groupNormVariants,
  shapes: groupNormShapes,
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
