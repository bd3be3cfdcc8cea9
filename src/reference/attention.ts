import { twin, type Twins } from "./twin.ts";

/** Twin of src/kernels/attention/attention.ts in float64: qkv is [samples, tokens, 3 * channels]. */
export interface AttentionCase {
  samples: number;
  tokens: number;
  channels: number;
  scale: number;
}

export interface AttentionResult {
  y: Float64Array;
  logSumExp: Float64Array;
  /** [samples, queries, keys] */
  probability: Float64Array;
}

/** Index of a channel of part 0 (queries), 1 (keys) or 2 (values). */
function index(c: AttentionCase, part: number, sample: number, token: number, channel: number): number {
  return (sample * c.tokens + token) * 3 * c.channels + part * c.channels + channel;
}

export function attention(c: AttentionCase, qkv: ArrayLike<number>): AttentionResult {
  const { samples, tokens, channels, scale } = c;
  const y = new Float64Array(samples * tokens * channels);
  const logSumExp = new Float64Array(samples * tokens);
  const probability = new Float64Array(samples * tokens * tokens);
  for (let n = 0; n < samples; n++) {
    for (let t = 0; t < tokens; t++) {
      const scores = new Float64Array(tokens);
      for (let s = 0; s < tokens; s++) {
        for (let i = 0; i < channels; i++) {
          scores[s]! += scale * qkv[index(c, 0, n, t, i)]! * qkv[index(c, 1, n, s, i)]!;
        }
      }
      const top = scores.reduce((max, score) => Math.max(max, score), -Infinity);
      const lse = top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0));
      logSumExp[n * tokens + t] = lse;
      for (let s = 0; s < tokens; s++) {
        const p = Math.exp(scores[s]! - lse);
        probability[(n * tokens + t) * tokens + s] = p;
        for (let i = 0; i < channels; i++) y[(n * tokens + t) * channels + i]! += p * qkv[index(c, 2, n, s, i)]!;
      }
    }
  }
  return { y, logSumExp, probability };
}

export function attentionGrad(c: AttentionCase, qkv: ArrayLike<number>, gradY: ArrayLike<number>): Float64Array {
  return attentionGradFrom(c, qkv, attention(c, qkv), gradY);
}

/** As `attentionGrad`, with outputs of the forward pass that are given. */
function attentionGradFrom(
  c: AttentionCase,
  qkv: ArrayLike<number>,
  { y, logSumExp }: { readonly y: ArrayLike<number>; readonly logSumExp: ArrayLike<number> },
  gradY: ArrayLike<number>,
): Float64Array {
  const { samples, tokens, channels, scale } = c;
  const gradQkv = new Float64Array(qkv.length);
  for (let n = 0; n < samples; n++) {
    for (let t = 0; t < tokens; t++) {
      const row = (n * tokens + t) * channels;
      // The sum over keys of probabilities times their gradients.
      let mean = 0;
      for (let i = 0; i < channels; i++) mean += gradY[row + i]! * y[row + i]!;
      for (let s = 0; s < tokens; s++) {
        let score = 0;
        let gradProbability = 0;
        for (let i = 0; i < channels; i++) {
          score += scale * qkv[index(c, 0, n, t, i)]! * qkv[index(c, 1, n, s, i)]!;
          gradProbability += gradY[row + i]! * qkv[index(c, 2, n, s, i)]!;
        }
        const probability = Math.exp(score - logSumExp[n * tokens + t]!);
        const gradScore = probability * (gradProbability - mean) * scale;
        for (let i = 0; i < channels; i++) {
          gradQkv[index(c, 0, n, t, i)]! += gradScore * qkv[index(c, 1, n, s, i)]!;
          gradQkv[index(c, 1, n, s, i)]! += gradScore * qkv[index(c, 0, n, t, i)]!;
          gradQkv[index(c, 2, n, s, i)]! += probability * gradY[row + i]!;
        }
      }
    }
  }
  return gradQkv;
}

type Sizes = "samples" | "tokens" | "channels";

export const twins: Twins = {
  attention: twin<"qkv", Sizes>(({ qkv }, shape) => {
    const { y, logSumExp } = attention({ ...shape, scale: shape.channels ** -0.5 }, qkv);
    return { y, logSumExp };
  }),
  attentionGrad: twin<"qkv" | "y" | "logSumExp" | "gradY", Sizes>(({ qkv, gradY, ...forward }, shape) => {
    return { gradQkv: attentionGradFrom({ ...shape, scale: shape.channels ** -0.5 }, qkv, forward, gradY) };
  }),
};
