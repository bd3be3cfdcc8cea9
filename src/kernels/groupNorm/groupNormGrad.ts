import groupNormGradInputShader from "../../../shaders/groupNorm/groupNormGradInput.wgsl";
import groupNormGradParamsShader from "../../../shaders/groupNorm/groupNormGradParams.wgsl";
import groupNormGradSumsShader from "../../../shaders/groupNorm/groupNormGradSums.wgsl";
import groupNormMergeShader from "../../../shaders/groupNorm/groupNormMerge.wgsl";
import groupNormWholeGradShader from "../../../shaders/groupNorm/groupNormWholeGrad.wgsl";
import sumPartialsShader from "../../../shaders/sumPartials.wgsl";
import { requireArgs } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output, sum } from "../example.ts";
import type { Kernel } from "../kernel.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { partialSums } from "../sumRows.ts";
import { threads1d } from "../threads.ts";
import { checkedLayout, merged, passParams } from "./groupNormLayout.ts";
import { groupNormGradVariants, groupNormShapes, type GroupNormShape } from "./groupNormVariants.ts";

/** What `groupNormGrad` takes. */
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
  requireArgs("groupNormGrad", ctx, args, "x gamma beta stats gradY gradX gradGamma gradBeta", "groups", "silu");
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
      params: passParams(layout, groups),
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
  const sums = ctx.scratch(`${label} sums`, [samples, layout.runs, 2, channels]);
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
  const { partials, runs } = merged(ctx, `${label} sums`, layout, sums, false);
  const means = ctx.scratch(`${label} means`, [samples, groups, 2]);
  ctx.dispatch({
    label: `${label} params`,
    shader: groupNormGradParamsShader,
    params: { samples, voxels, channels, groups, runs },
    bindings: { partials, gamma, means, gradGamma, gradBeta },
    workgroups: threads1d(samples * groups + channels),
    flops: 4 * samples * channels * (runs + 1) + 2 * samples * groups + 2 * channels,
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

/** What there is to know of `groupNormGrad`. */
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
  shapes: groupNormShapes,
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
