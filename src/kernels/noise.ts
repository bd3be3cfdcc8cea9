import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { elementCount, type Tensor } from "../gpu/tensor.ts";
import noiseShader from "../../shaders/noise.wgsl";
import { badShape, requireSameShape } from "./shapes.ts";
import { elementwiseShapes, type ElementwiseShape } from "./elementwise.ts";
import { example, input, output, stepExample } from "./example.ts";
import type { Kernel } from "./kernel.ts";
import { threads1d } from "./threads.ts";

/** What `fillNormal` and `fillUniform` takes. */
export interface FillArgs {
  label: string;
  /** Written, f32 [N, ...]. */
  y: Tensor;
  /** Separates the uses of one seed; two uses of one stream get the same numbers. */
  stream: number;
  /** Uniform `Step`. */
  step: Tensor;
}

/**
 * y = x + sigma n with n ~ N(0, 1) on every element; x and y are f32 [N, ...].
 *
 * The four elements 4q to 4q + 3 of sample n come from Philox4x32-10 with
 * counter (q, stream, step.step, step.sample + n) and key (seedLo, seedHi). So noise belongs to seed, stream, step
 * and sample, however the samples are cut into batches.
 *
 * @throws VoxtwirlError "bad-shape" when x and y differ in shape or are empty.
 */
export function addNoise(ctx: KernelContext, args: FillArgs & { x: Tensor; sigma: number }): void {
  requireArgs("addNoise", ctx, args, "x y step", "sigma stream");
  const { label, x, y, sigma } = args;
  requireSameShape(label, { x, y });
  noise(ctx, args, { ADD: true }, { scale: sigma, offset: 0 }, { x });
}

/** y = mean + deviation n, n ~ N(0, 1), numbered as in `addNoise`. */
export function fillNormal(ctx: KernelContext, args: FillArgs & { mean: number; deviation: number }): void {
  requireArgs("fillNormal", ctx, args, "y step", "mean deviation stream");
  noise(ctx, args, {}, { scale: args.deviation, offset: args.mean }, {});
}

/** y uniform in (low, high), numbered as in `addNoise`; 2^23 different values. */
export function fillUniform(ctx: KernelContext, args: FillArgs & { low: number; high: number }): void {
  requireArgs("fillUniform", ctx, args, "y step", "low high stream");
  noise(ctx, args, { UNIFORM: true }, { scale: args.high - args.low, offset: args.low }, {});
}

function noise(
  ctx: KernelContext,
  { label, y, stream, step }: FillArgs,
  constants: Record<string, boolean>,
  { scale, offset }: { scale: number; offset: number },
  inputs: Record<string, Tensor>,
): void {
  const elements = elementCount(y.shape);
  if (y.shape.length === 0 || elements === 0) throw badShape(label, "'y' must be [N, ...] and non-empty", { y });
  const samples = y.shape[0]!;
  const perSample = elements / samples;
  const quads = Math.ceil(perSample / 4);
  ctx.dispatch({
    label,
    shader: noiseShader,
    constants: { ...constants, VEC4: perSample % 4 === 0 },
    params: { perSample, quads, samples, stream, scale, offset },
    bindings: { step, y, ...inputs },
    workgroups: threads1d(samples * quads),
    // About forty operations for a pair of normals; the generator itself is integer work.
    flops: elements * 20,
    bytes: elements * 4 * (1 + Object.keys(inputs).length),
  });
}

/** Numbers of a pair come from a logarithm, a root and a sine or cosine, each of a few units in the last place. */
const NOISE_TERMS = 2 ** 10;

/** What there is to know of `addNoise`. */
export const addNoiseKernel: Kernel<ElementwiseShape> = {
  name: "addNoise",
  shaders: [noiseShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    const shape = [samples, perSample];
    return example({
      tensors: { step: stepExample(), x: input(shape), y: output(shape) },
      terms: NOISE_TERMS,
      emit: (ctx, tensors) => addNoise(ctx, { label: "addNoise", ...tensors, sigma: 0.5, stream: 1 }),
    });
  },
};

/** What there is to know of `fillNormal`. */
export const fillNormalKernel: Kernel<ElementwiseShape> = {
  name: "fillNormal",
  shaders: [noiseShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    return example({
      tensors: { step: stepExample(), y: output([samples, perSample]) },
      terms: NOISE_TERMS,
      emit: (ctx, tensors) => fillNormal(ctx, { label: "fillNormal", ...tensors, mean: 1, deviation: 2, stream: 2 }),
    });
  },
};

/** What there is to know of `fillUniform`. */
export const fillUniformKernel: Kernel<ElementwiseShape> = {
  name: "fillUniform",
  shaders: [noiseShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    return example({
      tensors: { step: stepExample(), y: output([samples, perSample]) },
      terms: 4,
      emit: (ctx, tensors) => fillUniform(ctx, { label: "fillUniform", ...tensors, low: -1, high: 3, stream: 3 }),
    });
  },
};
