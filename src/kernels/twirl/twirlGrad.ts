import { requireArgs } from "../../check.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { VoxtwirlError } from "../../errors.ts";
import twirlGradShader from "../../../shaders/twirl/twirlGrad.wgsl";
import { cubeShape } from "../cube.ts";
import { example, input, output } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { requireSameShape, requireShape } from "../shapes.ts";
import { threads1d } from "../threads.ts";
import { requirePredictions } from "./requirePredictions.ts";

/** A loss that is a sum over numbers of l(f - y): (f - y)^2, |f - y|, or Huber's (src/equivariance/losses.ts). */
export type ElementwiseLoss =
  { readonly kind: "squared" } | { readonly kind: "absolute" } | { readonly kind: "huber"; readonly delta: number };

/** What `twirlGrad` takes. */
export interface TwirlGradArgs {
  label: string;
  /** f32 [N * K, D, D, D, C], sample-major: predictions[n K + k] = f(T_k x_n), the order of `rotateOctahedral`. */
  predictions: Tensor;
  /** u32 [K], elements of the group as numbered in src/equivariance/octahedral.ts. */
  rotations: Tensor;
  /** f32 [N, D, D, D, C], the mean of all twisted predictions of a sample, from `twirlMerge`. */
  mean: Tensor;
  /** f32 [N, D, D, D, C]; 0 where it is not given. */
  target?: Tensor | undefined;
  /** f32 [2], what f - y and f - m are multiplied by. */
  weights: Tensor;
  /** The squared error by default; others take a target. */
  loss?: ElementwiseLoss | undefined;
  /** Written, f32 like the predictions. */
  gradPredictions: Tensor;
}

/**
 * Gradients of the twirled loss and its terms by the raw predictions: with f_k = T_k^-1 predictions[n K + k] and their
 * mean m, T_k (weights[0] (f_k - y) + weights[1] (f_k - m)). The sum over k and elements of |f_k - y|^2 has the
 * gradient 2 (f_k - y), that of |f_k - m|^2 has 2 (f_k - m), since m is their mean; so the weights choose the term.
 *
 * With another loss, of slope d = l', T_k (weights[0] d(f_k - y) + weights[1] (d(f_k - y) - d(m - y))): the sum over k
 * of l(f_k - y) has the gradient d(f_k - y), and K l(m - y) has d(m - y).
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit together or a loss has no target.
 */
export function twirlGrad(ctx: KernelContext, args: TwirlGradArgs): void {
  requireArgs("twirlGrad", ctx, args, "predictions rotations mean weights gradPredictions", "", "target");
  const { label, predictions, rotations, mean, target, weights, gradPredictions } = args;
  const { loss = SQUARED } = args;
  const cube = cubeShape(label, "mean", mean);
  const k = requirePredictions(label, predictions, rotations, cube);
  requireSameShape(label, { predictions, gradPredictions });
  if (target) requireSameShape(label, { mean, target });
  else if (loss.kind !== "squared") {
    throw new VoxtwirlError("bad-shape", `${label}: the loss ${loss.kind} has no target`, "Give a target.");
  }
  requireShape(label, "weights", weights, [2]);
  const others = { absolute: loss.kind === "absolute", huber: loss.kind === "huber" };
  const { samples, size, channels } = cube;
  const vec4 = channels % 4 === 0;
  const voxels = samples * size ** 3;
  ctx.dispatch({
    label,
    shader: twirlGradShader,
    constants: { VEC4: vec4, TARGET: target !== undefined, ABSOLUTE: others.absolute, HUBER: others.huber },
    params: {
      ...{ grids: samples * k, rotations: k, size, channels: vec4 ? channels / 4 : channels },
      ...(loss.kind === "huber" && { delta: loss.delta }),
    },
    bindings: {
      ...{ rotations, weights, predictions, mean, gradPredictions },
      ...(target && { targetGrid: target }),
    },
    workgroups: threads1d(voxels * k),
    flops: (loss.kind !== "squared" ? 8 : target ? 5 : 4) * voxels * k * channels,
    bytes: 4 * voxels * channels * (2 * k + (target ? 2 : 1)),
  });
}

const SQUARED: ElementwiseLoss = { kind: "squared" };

/** What the work of a call depends on. */
export interface TwirlGradShape extends CallShape {
  readonly samples: number;
  readonly size: number;
  readonly channels: number;
  readonly rotations: number;
  readonly targeted: number;
  /** A place in `EXAMPLE_LOSSES`. */
  readonly loss: number;
}

/** The losses of examples. */
export const EXAMPLE_LOSSES: readonly ElementwiseLoss[] = [
  { kind: "squared" },
  { kind: "absolute" },
  { kind: "huber", delta: 0.5 },
];

/** What there is to know of `twirlGrad`. */
export const twirlGradKernel: Kernel<TwirlGradShape> = {
  name: "twirlGrad",
  shaders: [twirlGradShader],
  shapes: [
    { samples: 2, size: 5, channels: 8, rotations: 5, targeted: 1, loss: 0 },
    { samples: 2, size: 4, channels: 5, rotations: 3, targeted: 0, loss: 0 },
    { samples: 1, size: 1, channels: 1, rotations: 1, targeted: 1, loss: 0 },
    { samples: 2, size: 4, channels: 5, rotations: 3, targeted: 1, loss: 1 },
    { samples: 1, size: 5, channels: 8, rotations: 3, targeted: 1, loss: 2 },
  ],
  example({ samples, size, channels, rotations: k, targeted, loss }) {
    const grids = (count: number) => [count, size, size, size, channels];
    return example({
      tensors: {
        predictions: input(grids(samples * k)),
        rotations: input([k], "elements"),
        mean: input(grids(samples)),
        ...(targeted ? { target: input(grids(samples)) } : {}),
        weights: input([2]),
        gradPredictions: output(grids(samples * k)),
      },
      terms: 4,
      emit: (ctx, tensors) => twirlGrad(ctx, { label: "twirlGrad", ...tensors, loss: EXAMPLE_LOSSES[loss] }),
    });
  },
};
