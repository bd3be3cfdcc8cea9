import { stepOf, twin, type Twins } from "./twin.ts";

export interface AdamwState {
  weights: Float64Array;
  m: Float64Array;
  v: Float64Array;
  ema: Float64Array;
}

export interface AdamwOptions {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  emaDecay: number;
  clip?: { norm: number; max: number };
}

/** Float64 twin of src/kernels/adamw.ts: update number `t`, from 1, in place, as PyTorch writes it. */
export function adamw(state: AdamwState, grads: ArrayLike<number>, t: number, options: AdamwOptions): void {
  const corrections = { correction1: 1 - options.beta1 ** t, correction2: 1 - options.beta2 ** t };
  adamwUpdate(state, grads, corrections, options);
}

function adamwUpdate(
  state: AdamwState,
  grads: ArrayLike<number>,
  { correction1, correction2 }: { readonly correction1: number; readonly correction2: number },
  options: AdamwOptions,
): void {
  const { lr, beta1, beta2, eps, weightDecay, emaDecay, clip } = options;
  const scale = clip && clip.max > 0 ? Math.min(1, clip.max / (clip.norm + 1e-6)) : 1;
  for (let i = 0; i < grads.length; i++) {
    const g = grads[i]! * scale;
    let weight = state.weights[i]! * (1 - lr * weightDecay);
    const m = beta1 * state.m[i]! + (1 - beta1) * g;
    const v = beta2 * state.v[i]! + (1 - beta2) * g * g;
    const denominator = Math.sqrt(v / correction2) + eps;
    if (denominator !== 0) weight -= (lr * (m / correction1)) / denominator;
    state.weights[i] = weight;
    state.m[i] = m;
    state.v[i] = v;
    state.ema[i] = emaDecay * state.ema[i]! + (1 - emaDecay) * weight;
  }
}

type Tensors = "step" | "norm" | "grads" | "weights" | "m" | "v" | "ema";

export const twins: Twins = {
  adamw: twin<Tensors, "count" | "clip">(({ step, norm, grads, ...tensors }, { clip }) => {
    const { lr, correction1, correction2, emaDecay } = stepOf(step);
    const { weights, m, v, ema } = tensors;
    const state = {
      weights: Float64Array.from(weights),
      m: Float64Array.from(m),
      v: Float64Array.from(v),
      ema: Float64Array.from(ema),
    };
    const rates = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2 };
    // The uniform holds 1 - beta^t, of whatever t.
    const corrections = { correction1, correction2 };
    adamwUpdate(state, grads, corrections, {
      ...{ lr, emaDecay, ...rates },
      ...(clip ? { clip: { norm: norm[0]!, max: 0.5 } } : {}),
    });
    return { ...state };
  }),
};
