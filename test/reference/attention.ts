/** Twin of src/kernels/attention.ts in float64: qkv is [samples, tokens, 3 * channels]. */
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
  const { samples, tokens, channels, scale } = c;
  const { probability } = attention(c, qkv);
  const gradQkv = new Float64Array(qkv.length);
  for (let n = 0; n < samples; n++) {
    for (let t = 0; t < tokens; t++) {
      const row = (n * tokens + t) * tokens;
      const gradProbability = new Float64Array(tokens);
      let mean = 0;
      for (let s = 0; s < tokens; s++) {
        for (let i = 0; i < channels; i++) {
          const g = gradY[(n * tokens + t) * channels + i]!;
          gradProbability[s]! += g * qkv[index(c, 2, n, s, i)]!;
          gradQkv[index(c, 2, n, s, i)]! += probability[row + s]! * g;
        }
        mean += probability[row + s]! * gradProbability[s]!;
      }
      for (let s = 0; s < tokens; s++) {
        const gradScore = probability[row + s]! * (gradProbability[s]! - mean) * scale;
        for (let i = 0; i < channels; i++) {
          gradQkv[index(c, 0, n, t, i)]! += gradScore * qkv[index(c, 1, n, s, i)]!;
          gradQkv[index(c, 1, n, s, i)]! += gradScore * qkv[index(c, 0, n, t, i)]!;
        }
      }
    }
  }
  return gradQkv;
}
