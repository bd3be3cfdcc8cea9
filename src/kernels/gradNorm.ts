import { requireArgs, requireArray, requireTensor } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { elementCount, formatShape, type Tensor } from "../gpu/tensor.ts";
import gradNormSumShader from "../../shaders/gradNormSum.wgsl";
import gradNormFlagShader from "../../shaders/gradNormFlag.wgsl";
import gradNormShader from "../../shaders/gradNorm.wgsl";
import { example, input, output, stepExample, sum } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d, WORKGROUP } from "./threads.ts";

/** What `gradNorm` takes. */
export interface GradNormArgs {
  label: string;
  /** The whole gradient in flat f32 pieces, each small enough for one binding. */
  grads: readonly Tensor[];
  /** f32 [1], read: the loss of this step. */
  loss: Tensor;
  /** f32 [1], written: the square root of the sum of squares over all pieces. */
  norm: Tensor;
  /** u32 [4], read and written; see below. */
  flags: Tensor;
  /** The per-step values of shaders/shared/step.wgsl. */
  step: Tensor;
  /** Gradients were scaled up by `squaredError`; see below. */
  scaling?: GradScaling | undefined;
}

/** The state of loss scaling, and the decays that undo its effect on the moments. */
export interface GradScaling {
  /** f32 [6], read and written: `Scaling` of shaders/shared/scaling.wgsl. */
  state: Tensor;
  /** Rates of the optimiser, whose bias corrections count the steps that are not left out. */
  beta1: number;
  beta2: number;
}

/** Threads of the one workgroup that adds the partial sums. */
const SUM_WORKGROUP = 256;

/** Good steps after which the scale is doubled, and where it stays: gradients are not to leave f32's range either. */
const GROWTH_INTERVAL = 2000;
const LARGEST_SCALE = 2 ** 24;

/**
 * Threads of a piece: about as many as fill an adapter, each with 16 to 256 elements. More threads lengthen the second
 * pass, fewer leave the first to too few.
 */
function shares(elements: number): number {
  const each = Math.min(256, Math.max(16, Math.ceil(elements / 8192)));
  return Math.ceil(elements / (WORKGROUP * each)) * WORKGROUP;
}

/**
 * The global gradient norm, and the flag that stops updates.
 *
 * The sum has a fixed order that depends on shapes only, so it is bitwise repeatable. Squares of elements over
 * 1.8e19 overflow. If the norm or the loss is not finite and flags[0] is 0, then flags becomes
 * [step.step + 1, 1 if the loss is not finite, 1 if the norm is not, unchanged]. Once set the flag stays: only the host
 * clears it. `adamw` does nothing while it is set.
 *
 * With `scaling` the norm is that of the gradients before they were scaled up. If it is not finite though the loss is,
 * and the scale is above 1, no flag is set: the step is skipped (flags[3] is 1, else 0) and the scale halved. 2,000
 * steps in a row that are not skipped double it, up to 2^24.
 *
 * @throws VoxtwirlError "bad-shape" when there is no piece, an empty one, or another shape or type than said above.
 */
export function gradNorm(ctx: KernelContext, args: GradNormArgs): void {
  requireArgs("gradNorm", ctx, args, "loss norm flags step", "", "grads");
  const { label, grads, loss, norm, flags, step, scaling } = args;
  requireArray(`${label}: grads`, grads, "Give the pieces of the gradient: [tensor, ...].");
  check(label, "loss", loss, "f32", 1);
  check(label, "norm", norm, "f32", 1);
  check(label, "flags", flags, "u32", 4);
  if (scaling) check(label, "scaling", scaling.state, "f32", 6);
  if (grads.length === 0) throw badShape(label, "there is no gradient to take the norm of");
  for (const grad of grads) check(label, "grads", grad, "f32");

  const pieces = grads.map((grad) => {
    const count = elementCount(grad.shape);
    const vec4 = count % 4 === 0;
    const elements = vec4 ? count / 4 : count;
    return { grad, count, vec4, elements, threads: shares(elements) };
  });
  const total = pieces.reduce((sum, { threads }) => sum + threads, 0);
  const partial = ctx.scratch(`${label} partial`, [total]);
  let base = 0;
  for (const { grad, count, vec4, elements, threads } of pieces) {
    ctx.dispatch({
      label: `${label} squares`,
      shader: gradNormShader,
      constants: { VEC4: vec4 },
      params: { count: elements, threads, base },
      bindings: { grad, partial },
      workgroups: threads1d(threads),
      flops: 2 * count,
      bytes: 4 * (count + threads),
    });
    base += threads;
  }
  ctx.dispatch({
    label: `${label} sum`,
    shader: gradNormSumShader,
    constants: { WORKGROUP: SUM_WORKGROUP, ...(scaling && { SCALED: true }) },
    params: { count: total },
    bindings: { partial, norm, ...(scaling && { scaling: scaling.state }) },
    workgroups: [1, 1, 1],
    flops: total,
    bytes: 4 * (total + 1),
  });
  ctx.dispatch({
    label: `${label} flag`,
    shader: gradNormFlagShader,
    constants: { WORKGROUP: 1, ...(scaling && { SCALED: true }) },
    ...(scaling && {
      params: { gain1: 1 - scaling.beta1, gain2: 1 - scaling.beta2, growth: GROWTH_INTERVAL, largest: LARGEST_SCALE },
    }),
    bindings: { loss, norm, flags, step, ...(scaling && { scaling: scaling.state }) },
    workgroups: [1, 1, 1],
    flops: 0,
    bytes: 40,
  });
}

function check(label: string, name: string, tensor: Tensor, dtype: string, count?: number): void {
  requireTensor(`${label}: ${name}`, tensor);
  const actual = elementCount(tensor.shape);
  if (tensor.dtype === dtype && (count === undefined ? actual > 0 : actual === count)) return;
  const found = `'${tensor.label}' is ${formatShape(tensor.shape)} ${tensor.dtype}`;
  throw badShape(label, `${name} must hold ${count ?? "some"} ${dtype} values, but ${found}`);
}

function badShape(label: string, what: string): VoxtwirlError {
  const fix = "Give flat f32 gradients, f32 [1] for loss and norm, u32 [4] for flags.";
  return new VoxtwirlError("bad-shape", `${label}: ${what}`, fix);
}

/** What the work of a call depends on: sizes and switches. */
export interface GradNormShape extends CallShape {
  readonly first: number;
  readonly second: number;
}

/** What there is to know of `gradNorm`. */
export const gradNormKernel: Kernel<GradNormShape> = {
  name: "gradNorm",
  shaders: [gradNormShader, gradNormSumShader, gradNormFlagShader],
  shapes: [
    { first: 20_000, second: 1001 },
    { first: 1, second: 4 },
  ],
  example({ first, second }) {
    return example({
      tensors: {
        step: stepExample(),
        first: input([first]),
        second: input([second]),
        loss: input([1]),
        norm: output([1]),
        flags: sum([4], new Uint32Array(4)),
      },
      terms: first + second,
      emit: (ctx, { first, second, ...tensors }) =>
        gradNorm(ctx, { label: "gradNorm", ...tensors, grads: [first, second] }),
    });
  },
};
