import layerNormShader from "../../../shaders/layerNorm/layerNorm.wgsl";
import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementBytes, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { activation, example, input, output } from "../example.ts";
import { choose, type Kernel } from "../kernel.ts";
import { badShape, requireSameShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { WORKGROUP } from "../threads.ts";
import { layerNormShapes, layerNormVariants, teamWorkgroups, type LayerNormShape } from "./layerNormVariants.ts";

/** Which rows of a tensor [..., W] are normalised: whole ones where nothing is said. */
export interface LayerNormRows {
  /** Only these channels, from the first to before the second; others are neither read nor written. */
  columns?: readonly [from: number, to: number] | undefined;
  /** They are so many rows side by side, such as heads; 1 when left out. C is what one has. */
  groups?: number | undefined;
}

/** What `layerNorm` takes; rows are all axes of x but the last. */
export interface LayerNormArgs extends LayerNormRows {
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
  const { channels, rows, shape, vec4, params } = layerNormLayout(label, args);
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
    params: { ...params, count: channels, eps },
    bindings: { x, y, stats, ...(weight && { weight }), ...(bias && { bias }) },
    workgroups: teamWorkgroups(rows, variant),
    flops: ((rms ? 4 : 6) + shape.affine) * rows * channels,
    bytes: 2 * elementBytes(x) * rows * channels + byteLength(stats) + shape.affine * 4 * channels,
  });
}

/** Sizes of a call, checked. */
export function layerNormLayout(
  label: string,
  { x, weight, bias, rms, columns, groups = 1 }: Pick<LayerNormArgs, "x" | "weight" | "bias" | "rms"> & LayerNormRows,
): { channels: number; rows: number; shape: LayerNormShape; vec4: boolean; params: Record<string, number> } {
  const width = x.shape[x.shape.length - 1]!;
  const [from, to] = columns ?? [0, width];
  const channels = (to - from) / groups;
  if (!(from >= 0 && to <= width && channels > 0 && Number.isInteger(from) && Number.isInteger(channels))) {
    throw badShape(label, `no ${groups} groups of channels lie from ${from} to ${to}`, { x });
  }
  if (weight) requireShape(label, "weight", weight, [channels]);
  if (bias) requireShape(label, "bias", bias, [channels]);
  if (bias && !weight) throw badShape(label, "a bias needs a weight", { x, bias });
  const rows = (elementCount(x.shape) / width) * groups;
  const affine = weight ? (bias ? 2 : 1) : 0;
  const vec4 = [channels, width, from].every((count) => count % 4 === 0);
  const each = vec4 ? 4 : 1;
  return {
    ...{ channels, rows, vec4 },
    shape: { rows, channels, rms: rms ? 1 : 0, affine },
    params: { rows, columns: channels / each, groups, pitch: width / each, offset: from / each },
  };
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
