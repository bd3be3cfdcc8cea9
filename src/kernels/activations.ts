import activationShader from "../../shaders/activation.wgsl";
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

/** What an activation takes. */
export interface ActivationArgs {
  label: string;
  x: Tensor;
  /** Written, shape of x. */
  y: Tensor;
}

/** What the gradient of an activation takes. */
export interface ActivationGradArgs {
  label: string;
  /** The input of the forward pass. */
  x: Tensor;
  gradY: Tensor;
  /** Written. */
  gradX: Tensor;
}

/** The branch of activation.wgsl, and operations of an element as they are counted, forward and backward. */
interface Branch {
  readonly name: "silu" | "gelu" | "sigmoid";
  readonly flops: number;
  readonly gradFlops: number;
}

const SILU: Branch = { name: "silu", flops: 4, gradFlops: 8 };
const GELU: Branch = { name: "gelu", flops: 28, gradFlops: 34 };
const SIGMOID: Branch = { name: "sigmoid", flops: 3, gradFlops: 6 };

/**
 * y = x / (1 + exp(-x)), the SiLU (Elfwing, Uchibe and Doya 2017, arXiv 1702.03118).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function silu(ctx: KernelContext, args: ActivationArgs): void {
  forward(ctx, args, SILU);
}

/**
 * gradX = gradY * s (1 + x (1 - s)), s = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function siluGrad(ctx: KernelContext, args: ActivationGradArgs): void {
  backward(ctx, args, SILU);
}

/**
 * y = x Phi(x), Phi the standard normal distribution function: the GELU (Hendrycks and Gimpel 2016, arXiv 1606.08415)
 * in its exact form, to float32's rounding.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function gelu(ctx: KernelContext, args: ActivationArgs): void {
  forward(ctx, args, GELU);
}

/**
 * gradX = gradY * (Phi(x) + x phi(x)), phi the standard normal density.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function geluGrad(ctx: KernelContext, args: ActivationGradArgs): void {
  backward(ctx, args, GELU);
}

/**
 * y = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function sigmoid(ctx: KernelContext, args: ActivationArgs): void {
  forward(ctx, args, SIGMOID);
}

/**
 * gradX = gradY * s (1 - s), s = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function sigmoidGrad(ctx: KernelContext, args: ActivationGradArgs): void {
  backward(ctx, args, SIGMOID);
}

function forward(ctx: KernelContext, args: ActivationArgs, { name, flops }: Branch): void {
  requireArgs(name, ctx, args, "x y");
  const { label, x, y } = args;
  requireSameShape(label, { x, y });
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  ctx.dispatch({
    label,
    shader: activationShader,
    constants: { ...constants, ...storage(label, { x, y }), [name.toUpperCase()]: true },
    params: { count },
    bindings: { x, y },
    workgroups,
    flops: flops * elementCount(x.shape),
    bytes: 2 * byteLength(x),
  });
}

function backward(ctx: KernelContext, args: ActivationGradArgs, { name, gradFlops }: Branch): void {
  requireArgs(`${name}Grad`, ctx, args, "x gradY gradX");
  const { label, x, gradY, gradX } = args;
  requireSameShape(label, { x, gradY, gradX });
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  ctx.dispatch({
    label,
    shader: activationShader,
    constants: { ...constants, ...storage(label, { x, gradY, gradX }), GRAD: true, [name.toUpperCase()]: true },
    params: { count },
    bindings: { x, gradY, gradX },
    workgroups,
    flops: gradFlops * elementCount(x.shape),
    bytes: 3 * byteLength(x),
  });
}

// Of units in the last place: three for an exponential, two and a half for a division.
const TERMS = 8;

function forwardKernel(branch: Branch): Kernel<ElementwiseShape> {
  return {
    name: branch.name,
    shaders: [activationShader],
    shapes: elementwiseShapes,
    example({ samples, perSample }) {
      const shape = [samples, perSample];
      return example({
        tensors: { x: activation(input(shape)), y: activation(output(shape)) },
        terms: TERMS,
        emit: (ctx, tensors) => forward(ctx, { label: branch.name, ...tensors }, branch),
      });
    },
  };
}

function backwardKernel(branch: Branch): Kernel<ElementwiseShape> {
  const name = `${branch.name}Grad`;
  return {
    name,
    shaders: [activationShader],
    shapes: elementwiseShapes,
    example({ samples, perSample }) {
      const shape = [samples, perSample];
      return example({
        tensors: { x: activation(input(shape)), gradY: activation(input(shape)), gradX: activation(output(shape)) },
        terms: TERMS,
        emit: (ctx, tensors) => backward(ctx, { label: name, ...tensors }, branch),
      });
    },
  };
}

/** What there is to know of `silu`. */
export const siluKernel = forwardKernel(SILU);
/** What there is to know of `siluGrad`. */
export const siluGradKernel = backwardKernel(SILU);
/** What there is to know of `gelu`. */
export const geluKernel = forwardKernel(GELU);
/** What there is to know of `geluGrad`. */
export const geluGradKernel = backwardKernel(GELU);
/** What there is to know of `sigmoid`. */
export const sigmoidKernel = forwardKernel(SIGMOID);
/** What there is to know of `sigmoidGrad`. */
export const sigmoidGradKernel = backwardKernel(SIGMOID);
