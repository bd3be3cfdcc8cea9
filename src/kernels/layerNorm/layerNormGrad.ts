import layerNormGradInputShader from "../../../shaders/layerNorm/layerNormGradInput.wgsl";
import layerNormGradParamsShader from "../../../shaders/layerNorm/layerNormGradParams.wgsl";
import sumPartialsShader from "../../../shaders/sumPartials.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementBytes, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output, sum } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { partialSums, rowBlocks } from "../sumRows.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import { layerNormLayout, type LayerNormRows } from "./layerNorm.ts";
import { layerNormGradVariants, layerNormShapes, teamWorkgroups, type LayerNormShape } from "./layerNormVariants.ts";

/** What `layerNormGrad` takes. */
export interface LayerNormGradArgs extends LayerNormRows {
  label: string;
  /** The input of the forward pass, [..., C]. */
  x: Tensor;
  /** [C], where the forward pass had one. */
  weight?: Tensor | undefined;
  rms: boolean;
  /** [rows, 2], from the forward pass. */
  stats: Tensor;
  gradY: Tensor;
  /** Written. */
  gradX: Tensor;
  /** Added to gradX: another gradient of the same tensor. */
  addend?: Tensor | undefined;
  /** Added to, [C]. */
  gradWeight?: Tensor | undefined;
  /** Added to, [C]. Only with gradWeight. */
  gradBias?: Tensor | undefined;
}

/**
 * The gradients of `layerNorm`. With n = (x - mean) rstd and g = gradY weight: gradX = rstd (g - mean(g) - n mean(g
 * n)), without mean(g) for RMSNorm; gradWeight += the sum over rows of gradY n, gradBias += that of gradY, in a fixed
 * order.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function layerNormGrad(ctx: KernelContext, args: LayerNormGradArgs): void {
  requireArgs("layerNormGrad", ctx, args, "x stats gradY gradX", "", "rms");
  const { label, x, weight, rms, stats, gradY, gradX, addend, gradWeight, gradBias, columns, groups } = args;
  requireSameShape(label, { x, gradY, gradX, ...(addend && { addend }) });
  const layout = layerNormLayout(label, { x, weight, bias: gradBias, rms, columns, groups });
  const { channels, rows, shape, vec4, params } = layout;
  requireShape(label, "stats", stats, [rows, 2]);
  if (gradWeight) requireShape(label, "gradWeight", gradWeight, [channels]);
  if (gradBias && !gradWeight) {
    throw badShape(label, "gradBias needs gradWeight: both are summed in one pass", { gradBias });
  }
  const elements = rows * channels;
  const bytes = elementBytes(x) * elements;
  const { variant, call } = choose(ctx.caps, layerNormGradVariants, shape, x.dtype);
  ctx.dispatch({
    label,
    call,
    shader: layerNormGradInputShader,
    constants: {
      ...variant.constants,
      WORKGROUP,
      RMS: rms,
      HAS_WEIGHT: weight !== undefined,
      ADDEND: addend !== undefined,
      VEC4: vec4,
      ...storage(label, { x, gradY, gradX, ...(addend && { addend }) }),
    },
    params: { ...params, count: channels },
    bindings: { x, stats, gradY, gradX, ...(weight && { weight }), ...(addend && { addend }) },
    workgroups: teamWorkgroups(rows, variant),
    flops: (9 + (weight ? 1 : 0) + (addend ? 1 : 0)) * elements,
    bytes: (addend ? 4 : 3) * bytes + byteLength(stats) + (weight ? byteLength(weight) : 0),
  });
  if (!gradWeight) return;
  const { blocks, rowsPerBlock } = rowBlocks(rows);
  const sums = partialSums(ctx, `${label} params`, [gradWeight, ...(gradBias ? [gradBias] : [])], blocks);
  ctx.dispatch({
    label: `${label} params`,
    shader: layerNormGradParamsShader,
    constants: { WORKGROUP, HAS_BIAS: gradBias !== undefined, VEC4: vec4, ...storage(label, { x, gradY }) },
    params: { ...params, blocks, rowsPerBlock },
    bindings: { x, stats, gradY, partial: sums.partial },
    workgroups: threads1d(blocks * params.columns!),
    flops: 5 * elements,
    bytes: 2 * bytes + byteLength(stats) + byteLength(sums.partial),
  });
  sums.add();
}

/** What there is to know of `layerNormGrad`. */
export const layerNormGradKernel: Kernel<LayerNormShape> = {
  name: "layerNormGrad",
  shaders: [layerNormGradInputShader, layerNormGradParamsShader, sumPartialsShader],
  variants: layerNormGradVariants,
  shapes: layerNormShapes,
  example({ rows, channels, rms, affine }) {
    const shape = [rows, channels];
    return example({
      tensors: {
        x: activation(input(shape)),
        ...(affine > 0 && { weight: input([channels], "around 1") }),
        stats: input([rows, 2], "around 1"),
        gradY: activation(input(shape)),
        gradX: activation(output(shape)),
        ...(affine > 0 && { gradWeight: sum([channels]) }),
        ...(affine > 1 && { gradBias: sum([channels]) }),
      },
      terms: Math.max(rows, channels),
      emit: (ctx, tensors) => layerNormGrad(ctx, { label: "layerNormGrad", ...tensors, rms: rms === 1 }),
    });
  },
};
