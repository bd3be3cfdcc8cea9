import layerNormShader from "../../../shaders/layerNorm/layerNorm.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { WORKGROUP } from "../threads.ts";
import { layerNormShapes, layerNormVariants, teamWorkgroups, type LayerNormShape } from "./layerNormVariants.ts";

/** What `layerNorm` takes; rows are all axes of x but the last. */
export interface LayerNormArgs {
  label: string;
  /** [..., C] */
  x: Tensor;
  /** [C]; without it 1. */
  weight?: Tensor | undefined;
  /** [C]; without it 0. Only with a weight. */
  bias?: Tensor | undefined;
  /** Root mean square norm: no mean is subtracted. */
  rms: boolean;
  eps: number;
  /** Written, shape of x. */
  y: Tensor;
  /** Written, [rows, 2] of (mean, 1 / deviation): what `layerNormGrad` needs; the mean is 0 with `rms`. */
  stats: Tensor;
}

/**
 * y = weight (x - mean) / sqrt(variance + eps) + bias over the last axis (layer norm: Ba, Kiros and Hinton 2016, arXiv
 * 1607.06450), variance with divisor C; with `rms` y = weight x / sqrt(mean of x^2 + eps) + bias (RMSNorm: Zhang and
 * Sennrich 2019, arXiv 1910.07467).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function layerNorm(ctx: KernelContext, args: LayerNormArgs): void {
  requireArgs("layerNorm", ctx, args, "x y stats", "eps", "rms");
  const { label, x, weight, bias, rms, eps, y, stats } = args;
  requireSameShape(label, { x, y });
  const { channels, rows, shape, vec4 } = layerNormLayout(label, args);
  requireShape(label, "stats", stats, [rows, 2]);
  const { variant, call } = choose(ctx.caps, layerNormVariants, shape, x.dtype);
  ctx.dispatch({
    label,
    call,
    shader: layerNormShader,
    constants: {
      ...variant.constants,
      WORKGROUP,
      RMS: rms,
      HAS_WEIGHT: weight !== undefined,
      HAS_BIAS: bias !== undefined,
      VEC4: vec4,
      ...storage(label, { x, y }),
    },
    params: { rows, columns: vec4 ? channels / 4 : channels, count: channels, eps },
    bindings: { x, y, stats, ...(weight && { weight }), ...(bias && { bias }) },
    workgroups: teamWorkgroups(rows, variant),
    flops: ((rms ? 4 : 6) + shape.affine) * elementCount(x.shape),
    bytes: 2 * byteLength(x) + byteLength(stats) + shape.affine * 4 * channels,
  });
}

/** Sizes of a call, checked. */
export function layerNormLayout(
  label: string,
  { x, weight, bias, rms }: Pick<LayerNormArgs, "x" | "weight" | "bias" | "rms">,
): { channels: number; rows: number; shape: LayerNormShape; vec4: boolean } {
  const channels = x.shape[x.shape.length - 1]!;
  if (weight) requireShape(label, "weight", weight, [channels]);
  if (bias) requireShape(label, "bias", bias, [channels]);
  if (bias && !weight) throw badShape(label, "a bias needs a weight", { x, bias });
  const rows = elementCount(x.shape) / channels;
  const affine = weight ? (bias ? 2 : 1) : 0;
  return { channels, rows, shape: { rows, channels, rms: rms ? 1 : 0, affine }, vec4: channels % 4 === 0 };
}

/** What there is to know of `layerNorm`. */
export const layerNormKernel: Kernel<LayerNormShape> = {
  name: "layerNorm",
  shaders: [layerNormShader],
  variants: layerNormVariants,
  shapes: layerNormShapes,
  example({ rows, channels, rms, affine }) {
    return example({
      tensors: {
        x: activation(input([rows, channels])),
        ...(affine > 0 && { weight: input([channels], "around 1") }),
        ...(affine > 1 && { bias: input([channels]) }),
        y: activation(output([rows, channels])),
        stats: output([rows, 2]),
      },
      terms: channels,
      emit: (ctx, tensors) => layerNorm(ctx, { label: "layerNorm", ...tensors, rms: rms === 1, eps: 1e-5 }),
    });
  },
};
