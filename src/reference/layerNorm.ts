import { mapped, twin, type Twins } from "./twin.ts";

/** Twin of shaders/layerNorm/*.wgsl in float64: arrays of shape [rows, channels]. */
export interface LayerNormCase {
  channels: number;
  eps: number;
  /** No mean is subtracted. */
  rms: boolean;
}

/** The mean (0 with `rms`) and the reciprocal deviation of each row, one after the other. */
export function layerNormStats({ channels, eps, rms }: LayerNormCase, x: ArrayLike<number>): Float64Array {
  const stats = new Float64Array((2 * x.length) / channels);
  for (let row = 0; row * channels < x.length; row++) {
    const values = Array.from({ length: channels }, (_, c) => x[row * channels + c]!);
    const mean = rms ? 0 : values.reduce((a, b) => a + b, 0) / channels;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / channels;
    stats.set([mean, 1 / Math.sqrt(variance + eps)], 2 * row);
  }
  return stats;
}

export function layerNorm(
  c: LayerNormCase,
  x: ArrayLike<number>,
  weight?: ArrayLike<number>,
  bias?: ArrayLike<number>,
): { y: Float64Array; stats: Float64Array } {
  const stats = layerNormStats(c, x);
  const y = mapped(normal(c, x, stats), (n, i) => (weight?.[i % c.channels] ?? 1) * n + (bias?.[i % c.channels] ?? 0));
  return { y, stats };
}

export function layerNormGrad(
  c: LayerNormCase,
  x: ArrayLike<number>,
  weight: ArrayLike<number> | undefined,
  stats: ArrayLike<number>,
  gradY: ArrayLike<number>,
): { gradX: Float64Array; gradWeight: Float64Array; gradBias: Float64Array } {
  const { channels, rms } = c;
  const n = normal(c, x, stats);
  const g = mapped(gradY, (value, i) => value * (weight?.[i % channels] ?? 1));
  const [gradWeight, gradBias] = [new Float64Array(channels), new Float64Array(channels)];
  const [means, slopes] = [new Float64Array(stats.length / 2), new Float64Array(stats.length / 2)];
  g.forEach((value, i) => {
    const row = Math.floor(i / channels);
    if (!rms) means[row]! += value / channels;
    slopes[row]! += (value * n[i]!) / channels;
    gradWeight[i % channels]! += gradY[i]! * n[i]!;
    gradBias[i % channels]! += gradY[i]!;
  });
  const gradX = mapped(g, (value, i) => {
    const row = Math.floor(i / channels);
    return stats[2 * row + 1]! * (value - means[row]! - n[i]! * slopes[row]!);
  });
  return { gradX, gradWeight, gradBias };
}

function normal({ channels }: LayerNormCase, x: ArrayLike<number>, stats: ArrayLike<number>): Float64Array {
  return mapped(x, (value, i) => {
    const row = Math.floor(i / channels);
    return (value - stats[2 * row]!) * stats[2 * row + 1]!;
  });
}

export const twins: Twins = {
  layerNorm: twin<"x" | "weight" | "bias", "channels" | "rms" | "affine">(({ x, weight, bias }, shape) => {
    return layerNorm(
      { channels: shape.channels, eps: 1e-5, rms: shape.rms === 1 },
      x,
      ...operands(shape, weight, bias),
    );
  }),
  layerNormGrad: twin<"x" | "weight" | "stats" | "gradY" | "gradWeight" | "gradBias", "channels" | "rms" | "affine">(
    ({ x, weight, stats, gradY, gradWeight, gradBias }, shape) => {
      const { channels, rms, affine } = shape;
      const [used] = operands(shape, weight, gradBias);
      const all = layerNormGrad({ channels, eps: 1e-5, rms: rms === 1 }, x, used, stats, gradY);
      return {
        gradX: all.gradX,
        ...(affine > 0 && { gradWeight: mapped(all.gradWeight, (sum, c) => gradWeight[c]! + sum) }),
        ...(affine > 1 && { gradBias: mapped(all.gradBias, (sum, c) => gradBias[c]! + sum) }),
      };
    },
  ),
};

/** The weight where `affine` is 1, and the bias where it is 2. */
function operands(
  { affine }: { readonly affine: number },
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
): [ArrayLike<number> | undefined, ArrayLike<number> | undefined] {
  return [affine > 0 ? weight : undefined, affine > 1 ? bias : undefined];
}
