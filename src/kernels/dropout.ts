import dropoutShader from "../../shaders/dropout.wgsl";
import { requireArgs } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { elementwiseShapes, type ElementwiseShape } from "./elementwise.ts";
import { requireSameShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { activation, example, input, output, stepExample } from "./example.ts";
import type { Kernel } from "./kernel.ts";
import { threads1d } from "./threads.ts";

/** Groups of four elements that a thread takes. */
const EACH = 2;

/** What `dropout` takes. */
export interface DropoutArgs {
  label: string;
  /** [N, ...] */
  x: Tensor;
  /** Written. */
  y: Tensor;
  /** Share of elements set to zero, 0 <= rate < 1. */
  rate: number;
  /** u32, unique to this layer and to any other consumer of random words. */
  stream: number;
  /** The uniform of shaders/shared/step.wgsl: its seed, step and first sample choose the mask. */
  step: Tensor;
}

/**
 * y = x / (1 - rate) with probability 1 - rate, else 0, independently for each element; the mask is a function of seed,
 * step, stream, sample (step.sample + n) and element in it. The same call on gradY, with the same stream, is the
 * gradient.
 *
 * @throws VoxtwirlError "bad-shape", "bad-option"
 */
export function dropout(ctx: KernelContext, args: DropoutArgs): void {
  requireArgs("dropout", ctx, args, "x y step", "rate stream");
  const { label, x, y, rate, stream, step } = args;
  requireSameShape(label, { x, y });
  const threshold = dropoutThreshold(label, rate);
  const count = elementCount(x.shape);
  const samples = x.shape[0] ?? 1;
  const perSample = count / samples;
  const quads = Math.ceil(perSample / 4);
  ctx.dispatch({
    label,
    shader: dropoutShader,
    constants: { EACH, VEC4: perSample % 4 === 0, ...storage(label, { x, y }) },
    params: { samples, perSample, quads, stream, threshold, scale: 1 / (1 - rate) },
    bindings: { step, x, y },
    workgroups: threads1d(Math.ceil((samples * quads) / EACH)),
    flops: count,
    bytes: 2 * byteLength(x),
  });
}

/**
 * Random words below this are dropped.
 *
 * @throws VoxtwirlError "bad-option" for a rate that is none
 */
export function dropoutThreshold(label: string, rate: number): number {
  if (!(rate >= 0 && rate < 1)) {
    throw new VoxtwirlError("bad-option", `${label}: the dropout rate is ${rate}`, "Give a rate from 0 to below 1.");
  }
  return Math.min(Math.round(rate * 2 ** 32), 0xffffffff);
}

/** Of the example. */
const RATE = 0.3;
const STREAM = 4;

/** What there is to know of `dropout`. */
export const dropoutKernel: Kernel<ElementwiseShape> = {
  name: "dropout",
  shaders: [dropoutShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    const shape = [samples, perSample];
    return example({
      tensors: { step: stepExample(), x: activation(input(shape)), y: activation(output(shape)) },
      terms: 1,
      emit: (ctx, tensors) => dropout(ctx, { label: "dropout", ...tensors, rate: RATE, stream: STREAM }),
    });
  },
};
