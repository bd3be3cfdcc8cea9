import { twin, type Twins } from "./twin.ts";

/** Twin of src/kernels/attention/attention.ts in float64: qkv is [samples, tokens, 3, heads, channels]. */
export interface AttentionCase {
  samples: number;
  /** Samples that share extras, one after the other; 1 when left out. */
  copies?: number;
  /** 1 when left out. */
  heads?: number;
  tokens: number;
  /** Of a head. */
  channels: number;
  scale: number;
}

/** What scores depend on besides: [chains, heads, queries, keys], and [chains, keys], 0 where a key is not there. */
export interface AttentionExtras {
  readonly pairBias?: ArrayLike<number> | undefined;
  readonly mask?: ArrayLike<number> | undefined;
}

export interface AttentionResult {
  /** [samples, tokens, heads, channels] */
  y: Float64Array;
  /** [samples, heads, tokens] */
  logSumExp: Float64Array;
  /** [samples, heads, queries, keys] */
  probability: Float64Array;
}

export interface AttentionGradients {
  readonly gradQkv: Float64Array;
  readonly gradPairBias: Float64Array;
}

/** Index of channel 0 of part 0 (queries), 1 (keys) or 2 (values). */
function index(c: AttentionCase, part: number, { sample, head }: Head, token: number): number {
  const { heads = 1, tokens, channels } = c;
  return (((sample * tokens + token) * 3 + part) * heads + head) * channels;
}

interface Head {
  readonly sample: number;
  readonly head: number;
  /** Which of all heads of all samples. */
  readonly which: number;
}

function headsOf({ samples, heads = 1 }: AttentionCase): Head[] {
  return Array.from({ length: samples * heads }, (_, which) => {
    return { which, sample: Math.floor(which / heads), head: which % heads };
  });
}

/** Scores of a query; minus infinity where a key is not there. */
function scoresOf(
  c: AttentionCase,
  qkv: ArrayLike<number>,
  extras: AttentionExtras,
  at: Head,
  t: number,
): Float64Array {
  const { copies = 1, heads = 1, tokens, channels, scale } = c;
  const { pairBias, mask } = extras;
  const chain = Math.floor(at.sample / copies);
  return Float64Array.from({ length: tokens }, (_, s) => {
    if (mask && mask[chain * tokens + s] === 0) return -Infinity;
    let score = pairBias ? pairBias[((chain * heads + at.head) * tokens + t) * tokens + s]! : 0;
    for (let i = 0; i < channels; i++) {
      score += scale * qkv[index(c, 0, at, t) + i]! * qkv[index(c, 1, at, s) + i]!;
    }
    return score;
  });
}

export function attention(c: AttentionCase, qkv: ArrayLike<number>, extras: AttentionExtras = {}): AttentionResult {
  const { samples, heads = 1, tokens, channels } = c;
  const y = new Float64Array(samples * heads * tokens * channels);
  const logSumExp = new Float64Array(samples * heads * tokens);
  const probability = new Float64Array(samples * heads * tokens * tokens);
  for (const at of headsOf(c)) {
    for (let t = 0; t < tokens; t++) {
      const scores = scoresOf(c, qkv, extras, at, t);
      const top = scores.reduce((max, score) => Math.max(max, score), -Infinity);
      // A query without any key gets 0.
      if (top === -Infinity) continue;
      const lse = top + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - top), 0));
      logSumExp[at.which * tokens + t] = lse;
      const row = ((at.sample * tokens + t) * heads + at.head) * channels;
      for (let s = 0; s < tokens; s++) {
        const p = Math.exp(scores[s]! - lse);
        probability[(at.which * tokens + t) * tokens + s] = p;
        if (p === 0) continue;
        for (let i = 0; i < channels; i++) y[row + i]! += p * qkv[index(c, 2, at, s) + i]!;
      }
    }
  }
  return { y, logSumExp, probability };
}

export function attentionGrad(
  c: AttentionCase,
  qkv: ArrayLike<number>,
  gradY: ArrayLike<number>,
  extras: AttentionExtras = {},
): AttentionGradients {
  return attentionGradFrom(c, qkv, attention(c, qkv, extras), gradY, extras);
}

/** As `attentionGrad`, with outputs of the forward pass that are given. */
function attentionGradFrom(
  c: AttentionCase,
  qkv: ArrayLike<number>,
  { y, logSumExp }: { readonly y: ArrayLike<number>; readonly logSumExp: ArrayLike<number> },
  gradY: ArrayLike<number>,
  extras: AttentionExtras,
): AttentionGradients {
  const { samples, heads = 1, tokens, channels, scale } = c;
  const gradQkv = new Float64Array(qkv.length);
  const gradPairBias = new Float64Array(samples * heads * tokens * tokens);
  for (const at of headsOf(c)) {
    for (let t = 0; t < tokens; t++) {
      const row = ((at.sample * tokens + t) * heads + at.head) * channels;
      // The sum over keys of probabilities times their gradients.
      let mean = 0;
      for (let i = 0; i < channels; i++) mean += gradY[row + i]! * y[row + i]!;
      const scores = scoresOf(c, qkv, extras, at, t);
      for (let s = 0; s < tokens; s++) {
        if (scores[s] === -Infinity) continue;
        let gradProbability = 0;
        for (let i = 0; i < channels; i++) gradProbability += gradY[row + i]! * qkv[index(c, 2, at, s) + i]!;
        const probability = Math.exp(scores[s]! - logSumExp[at.which * tokens + t]!);
        const gradScore = probability * (gradProbability - mean);
        gradPairBias[(at.which * tokens + t) * tokens + s] = gradScore;
        for (let i = 0; i < channels; i++) {
          gradQkv[index(c, 0, at, t) + i]! += scale * gradScore * qkv[index(c, 1, at, s) + i]!;
          gradQkv[index(c, 1, at, s) + i]! += scale * gradScore * qkv[index(c, 0, at, t) + i]!;
          gradQkv[index(c, 2, at, s) + i]! += probability * gradY[row + i]!;
        }
      }
    }
  }
  return { gradQkv, gradPairBias };
}

type Sizes = "samples" | "copies" | "heads" | "tokens" | "channels" | "biased";

export const twins: Twins = {
  attention: twin<"qkv" | "pairBias" | "mask", Sizes>(({ qkv, ...extras }, shape) => {
    const { y, logSumExp } = attention({ ...shape, scale: shape.channels ** -0.5 }, qkv, extras);
    return { y, logSumExp };
  }),
  attentionGrad: twin<"qkv" | "y" | "logSumExp" | "gradY" | "pairBias" | "mask", Sizes>(
    ({ qkv, gradY, y, logSumExp, ...extras }, shape) => {
      const sizes = { ...shape, scale: shape.channels ** -0.5 };
      const { gradQkv, gradPairBias } = attentionGradFrom(sizes, qkv, { y, logSumExp }, gradY, extras);
      return { gradQkv, ...(shape.biased && { gradPairBias }) };
    },
  ),
};
