import { requireArgs } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { elementCount, formatShape, type Tensor } from "../gpu/tensor.ts";
import adamwShader from "../../shaders/adamw.wgsl";
import { example, input, stepExample, sum } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d, WORKGROUP } from "./threads.ts";

/** What `adamw` takes. */
export interface AdamwArgs {
  label: string;
  /** Updated in place, as are m, v and ema; all five flat f32 [n] and small enough for one binding. */
  weights: Tensor;
  grads: Tensor;
  /** Moving average of the gradient; zero before the first update. */
  m: Tensor;
  /** Moving average of the squared gradient; zero before the first update. */
  v: Tensor;
  /** Moving average of the weights; a copy of them before the first update. */
  ema: Tensor;
  /** u32 [4] of `gradNorm`: while flags[0] is not 0, nothing is touched. */
  flags: Tensor;
  /** The per-step values of shaders/shared/step.wgsl: learning rate, bias corrections and emaDecay. */
  step: Tensor;
  beta1: number;
  beta2: number;
  /** Added to the denominator; 0 is allowed: a zero denominator gives a zero step. */
  eps: number;
  /** Decoupled: each update multiplies the weights by 1 - lr * weightDecay. */
  weightDecay: number;
  /** Scales the gradient by max / (norm + 1e-6) where that is below 1, with the norm of `gradNorm`. `max` 0: off. */
  clip?: { norm: Tensor; max: number } | undefined;
  /**
   * f32 [6] of `gradNorm`: gradients are scaled down by it, its bias corrections hold, and skipped steps do nothing.
   */
  scaling?: Tensor | undefined;
}

/**
 * One AdamW update (arXiv 1711.05101, PyTorch's order) of a flat piece of the parameters, fused with the moving average
 * of the weights.
 *
 * Squared gradients below the smallest normal number (elements below about 1e-19) count as zero.
 *
 * @throws VoxtwirlError "bad-shape" when the tensors differ in shape or type, "bad-option" when a rate is out of range.
 */
export function adamw(ctx: KernelContext, args: AdamwArgs): void {
  requireArgs("adamw", ctx, args, "weights grads m v ema flags step", "beta1 beta2 eps weightDecay");
  const { label, weights, grads, m, v, ema, flags, step, beta1, beta2, eps, weightDecay, clip, scaling } = args;
  const count = elementCount(weights.shape);
  for (const tensor of [weights, grads, m, v, ema]) {
    if (tensor.dtype === "f32" && count > 0 && elementCount(tensor.shape) === count) continue;
    const shape = `${formatShape(tensor.shape)} ${tensor.dtype}`;
    throw badShape(label, `'${tensor.label}' is ${shape}, the weights are ${formatShape(weights.shape)}`);
  }
  if (flags.dtype !== "u32" || elementCount(flags.shape) !== 4) {
    throw badShape(label, `flags '${flags.label}' are ${formatShape(flags.shape)} ${flags.dtype} instead of [4] u32`);
  }
  if (scaling && (scaling.dtype !== "f32" || elementCount(scaling.shape) !== 6)) {
    throw badShape(
      label,
      `scaling '${scaling.label}' is ${formatShape(scaling.shape)} ${scaling.dtype} instead of [6] f32`,
    );
  }
  const inRange = beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1;
  if (!inRange || !(eps >= 0) || !(weightDecay >= 0) || !((clip?.max ?? 0) >= 0)) {
    throw new VoxtwirlError(
      "bad-option",
      `${label}: betas ${beta1} and ${beta2}, eps ${eps}, weight decay ${weightDecay}, clip ${clip?.max ?? 0}`,
      "Choose betas from 0 to below 1, and eps, weight decay and clip of at least 0.",
    );
  }
  const clipping = clip !== undefined && clip.max > 0;
  const update = (vec4: boolean, first: number, end: number) => {
    const elements = end - first;
    // Several elements a thread spread the cost of starting one; more than 16 would leave a large adapter idle.
    const each = Math.min(16, Math.ceil(elements / 8192));
    const threads = Math.ceil(elements / (WORKGROUP * each)) * WORKGROUP;
    const floats = vec4 ? 4 * elements : elements;
    ctx.dispatch({
      label: `${label} adamw`,
      shader: adamwShader,
      constants: { VEC4: vec4, CLIP: clipping, ...(scaling && { SCALED: true }) },
      params: {
        first,
        count: end,
        threads,
        gain1: 1 - beta1,
        gain2: 1 - beta2,
        eps,
        decay: weightDecay,
        clip: clip?.max ?? 0,
      },
      bindings: {
        flags,
        grad: grads,
        weight: weights,
        m,
        v,
        ema,
        step,
        ...(clipping && { norm: clip.norm }),
        ...(scaling && { scaling }),
      },
      workgroups: threads1d(threads),
      flops: (clipping ? 19 : 18) * floats,
      bytes: 36 * floats,
    });
  };
  const quads = Math.floor(count / 4);
  if (quads > 0) update(true, 0, quads);
  if (count > 4 * quads) update(false, 4 * quads, count);
}

function badShape(label: string, what: string): VoxtwirlError {
  const fix = "Give weights, grads, m, v and ema the same flat f32 shape, and flags as u32 [4].";
  return new VoxtwirlError("bad-shape", `${label}: ${what}`, fix);
}

/** What the work of a call depends on: sizes and switches. */
export interface AdamwShape extends CallShape {
  readonly count: number;
  readonly clip: number;
}

/** What there is to know of `adamw`. */
export const adamwKernel: Kernel<AdamwShape> = {
  name: "adamw",
  shaders: [adamwShader],
  shapes: [
    { count: 1001, clip: 0 },
    { count: 1500, clip: 1 },
    { count: 3, clip: 0 },
  ],
  example({ count, clip }) {
    const flat = [count];
    return example({
      tensors: {
        step: stepExample(),
        flags: input([4], new Uint32Array(4)),
        norm: input([1], "positive"),
        grads: input(flat),
        weights: sum(flat),
        m: sum(flat),
        v: sum(flat, "positive"),
        ema: sum(flat),
      },
      terms: 16,
      emit: (ctx, { norm, ...tensors }) =>
        adamw(ctx, {
          ...{ label: "adamw", ...tensors, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2 },
          clip: clip ? { norm, max: 0.5 } : undefined,
        }),
    });
  },
};
