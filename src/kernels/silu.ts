import siluShader from "../../shaders/silu.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { elementwiseLayout, elementwiseShapes, type ElementwiseShape } from "./elementwise.ts";
import { requireSameShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { activation, example, input, output } from "./example.ts";
import type { Kernel } from "./kernel.ts";

/** Elements of a thread. */
const EACH = 8;

/**
 * y = x / (1 + exp(-x)), the SiLU (Elfwing, Uchibe and Doya 2017, arXiv 1702.03118). y is written, shape of x.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function silu(ctx: KernelContext, args: { label: string; x: Tensor; y: Tensor }): void {
  requireArgs("silu", ctx, args, "x y");
  const { label, x, y } = args;
  requireSameShape(label, { x, y });
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  ctx.dispatch({
    label,
    shader: siluShader,
    constants: { ...constants, ...storage(label, { x, y }) },
    params: { count },
    bindings: { x, y },
    workgroups,
    flops: 4 * elementCount(x.shape),
    bytes: 2 * byteLength(x),
  });
}

/** What `siluGrad` takes. */
export interface SiluGradArgs {
  label: string;
  /** The input of the forward pass. */
  x: Tensor;
  gradY: Tensor;
  /** Written. */
  gradX: Tensor;
}

/**
 * gradX = gradY * s (1 + x (1 - s)), s = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function siluGrad(ctx: KernelContext, args: SiluGradArgs): void {
  requireArgs("siluGrad", ctx, args, "x gradY gradX");
  const { label, x, gradY, gradX } = args;
  requireSameShape(label, { x, gradY, gradX });
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  ctx.dispatch({
    label,
    shader: siluShader,
    constants: { ...constants, ...storage(label, { x, gradY, gradX }), GRAD: true },
    params: { count },
    bindings: { x, gradY, gradX },
    workgroups,
    flops: 8 * elementCount(x.shape),
    bytes: 3 * byteLength(x),
  });
}

/** What there is to know of `silu`. */
export const siluKernel: Kernel<ElementwiseShape> = {
  name: "silu",
  shaders: [siluShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    const shape = [samples, perSample];
    return example({
      tensors: { x: activation(input(shape)), y: activation(output(shape)) },
      // Of units in the last place: three for the exponential, two and a half for the division.
      terms: 8,
      emit: (ctx, tensors) => silu(ctx, { label: "silu", ...tensors }),
    });
  },
};

/** What there is to know of `siluGrad`. */
export const siluGradKernel: Kernel<ElementwiseShape> = {
  name: "siluGrad",
  shaders: [siluShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    const shape = [samples, perSample];
    return example({
      tensors: { x: activation(input(shape)), gradY: activation(input(shape)), gradX: activation(output(shape)) },
      terms: 8,
      emit: (ctx, tensors) => siluGrad(ctx, { label: "siluGrad", ...tensors }),
    });
  },
};
