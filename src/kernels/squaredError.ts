import squaredErrorShader from "../../shaders/squaredError.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { elementwiseLayout, elementwiseShapes, type ElementwiseShape } from "./elementwise.ts";
import { requireSameShape, requireShape } from "./shapes.ts";
import { example, input, output, sum } from "./example.ts";
import type { Kernel } from "./kernel.ts";
import { addSum, SUM_SCALAR_SHADER } from "./sumScalar.ts";
import { WORKGROUP } from "./threads.ts";

/** Elements that one thread adds up: rounding grows with it, the number of partial sums falls. */
const EACH = 64;

/** What `squaredError` takes. */
export interface SquaredErrorArgs {
  label: string;
  prediction: Tensor;
  target: Tensor;
  /** Written: 2 * scale * (prediction - target). */
  gradPrediction: Tensor;
  /** [1], added to: lossScale * sum of (prediction - target)^2. */
  loss: Tensor;
  scale: number;
  lossScale: number;
  /** f32 [6] of `gradNorm`: gradPrediction, and with it all gradients, is multiplied by its scale as well. */
  scaling?: Tensor | undefined;
}

/**
 * Squared error and its gradient in one pass. For the mean over a batch of M elements in all (micro-batches added up),
 * scale = lossScale = 1 / M.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function squaredError(ctx: KernelContext, args: SquaredErrorArgs): void {
  requireArgs("squaredError", ctx, args, "prediction target gradPrediction loss", "scale lossScale");
  const { label, prediction, target, gradPrediction, loss, scale, lossScale, scaling } = args;
  requireSameShape(label, { prediction, target, gradPrediction });
  requireShape(label, "loss", loss, [1]);
  if (scaling) requireShape(label, "scaling", scaling, [6]);
  const { constants, count, workgroups } = elementwiseLayout(prediction, EACH);
  const groups = Math.ceil(count / (WORKGROUP * EACH));
  const partials = ctx.scratch(`${label} partials`, [groups * WORKGROUP]);
  ctx.dispatch({
    label,
    shader: squaredErrorShader,
    constants: { ...constants, ERROR: true, ...(scaling && { SCALED: true }) },
    params: { count, workgroups: groups, gradScale: 2 * scale },
    bindings: { prediction, targets: target, gradPrediction, partials, ...(scaling && { scaling }) },
    workgroups,
    flops: 4 * elementCount(prediction.shape),
    bytes: 3 * byteLength(prediction) + byteLength(partials),
  });
  addSum(ctx, label, partials, loss, lossScale);
}

/**
 * out += scale * sum of x^2; out has shape [1].
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function sumOfSquares(ctx: KernelContext, args: { label: string; x: Tensor; out: Tensor; scale: number }): void {
  requireArgs("sumOfSquares", ctx, args, "x out", "scale");
  const { label, x, out, scale } = args;
  requireShape(label, "out", out, [1]);
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  const groups = Math.ceil(count / (WORKGROUP * EACH));
  const partials = ctx.scratch(`${label} partials`, [groups * WORKGROUP]);
  ctx.dispatch({
    label,
    shader: squaredErrorShader,
    constants,
    params: { count, workgroups: groups },
    bindings: { x, partials },
    workgroups,
    flops: 2 * elementCount(x.shape),
    bytes: byteLength(x) + byteLength(partials),
  });
  addSum(ctx, label, partials, out, scale);
}

/** What there is to know of `squaredError`. */
export const squaredErrorKernel: Kernel<ElementwiseShape> = {
  name: "squaredError",
  shaders: [squaredErrorShader, SUM_SCALAR_SHADER],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    const shape = [samples, perSample];
    return example({
      tensors: { prediction: input(shape), target: input(shape), gradPrediction: output(shape), loss: sum([1]) },
      terms: samples * perSample,
      emit: (ctx, tensors) => squaredError(ctx, { label: "squaredError", ...tensors, scale: 0.5, lossScale: 1e-3 }),
    });
  },
};

/** What there is to know of `sumOfSquares`. */
export const sumOfSquaresKernel: Kernel<ElementwiseShape> = {
  name: "sumOfSquares",
  shaders: [squaredErrorShader, SUM_SCALAR_SHADER],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    return example({
      tensors: { x: input([samples, perSample]), out: sum([1]) },
      terms: samples * perSample,
      emit: (ctx, tensors) => sumOfSquares(ctx, { label: "sumOfSquares", ...tensors, scale: 1e-3 }),
    });
  },
};
