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
  const { lr, beta1, beta2, eps, weightDecay, emaDecay, clip } = options;
  const scale = clip && clip.max > 0 ? Math.min(1, clip.max / (clip.norm + 1e-6)) : 1;
  for (let i = 0; i < grads.length; i++) {
    const g = grads[i]! * scale;
    let weight = state.weights[i]! * (1 - lr * weightDecay);
    const m = beta1 * state.m[i]! + (1 - beta1) * g;
    const v = beta2 * state.v[i]! + (1 - beta2) * g * g;
    const denominator = Math.sqrt(v / (1 - beta2 ** t)) + eps;
    if (denominator !== 0) weight -= (lr * (m / (1 - beta1 ** t))) / denominator;
    state.weights[i] = weight;
    state.m[i] = m;
    state.v[i] = v;
    state.ema[i] = emaDecay * state.ema[i]! + (1 - emaDecay) * weight;
  }
}
