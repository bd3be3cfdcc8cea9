import activationShader from "../../shaders/activation.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { ACTIVATIONS, activationConstant, type Activation } from "./activationKinds.ts";
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

/**
 * y = x / (1 + exp(-x)), the SiLU (Elfwing, Uchibe and Doya 2017, arXiv 1702.03118).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function silu(ctx: KernelContext, args: ActivationArgs): void {
  forward(ctx, args, "silu");
}

/**
 * gradX = gradY * s (1 + x (1 - s)), s = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function siluGrad(ctx: KernelContext, args: ActivationGradArgs): void {
  backward(ctx, args, "silu");
}

/**
 * y = x Phi(x), Phi the standard normal distribution function: the GELU (Hendrycks and Gimpel 2016, arXiv 1606.08415)
 * in its exact form, to float32's rounding.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function gelu(ctx: KernelContext, args: ActivationArgs): void {
  forward(ctx, args, "gelu");
}

/**
 * gradX = gradY * (Phi(x) + x phi(x)), phi the standard normal density.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function geluGrad(ctx: KernelContext, args: ActivationGradArgs): void {
  backward(ctx, args, "gelu");
}

/**
 * y = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function sigmoid(ctx: KernelContext, args: ActivationArgs): void {
  forward(ctx, args, "sigmoid");
}

/**
 * gradX = gradY * s (1 - s), s = 1 / (1 + exp(-x)).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function sigmoidGrad(ctx: KernelContext, args: ActivationGradArgs): void {
  backward(ctx, args, "sigmoid");
}

function forward(ctx: KernelContext, args: ActivationArgs, name: Activation): void {
  requireArgs(name, ctx, args, "x y");
  const { label, x, y } = args;
  requireSameShape(label, { x, y });
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  ctx.dispatch({
    label,
    shader: activationShader,
    constants: { ...constants, ...storage(label, { x, y }), ...activationConstant(name) },
    params: { count },
    bindings: { x, y },
    workgroups,
    flops: ACTIVATIONS[name].flops * elementCount(x.shape),
    bytes: 2 * byteLength(x),
  });
}

function backward(ctx: KernelContext, args: ActivationGradArgs, name: Activation): void {
  requireArgs(`${name}Grad`, ctx, args, "x gradY gradX");
  const { label, x, gradY, gradX } = args;
  requireSameShape(label, { x, gradY, gradX });
  const { constants, count, workgroups } = elementwiseLayout(x, EACH);
  ctx.dispatch({
    label,
    shader: activationShader,
    constants: { ...constants, ...storage(label, { x, gradY, gradX }), GRAD: true, ...activationConstant(name) },
    params: { count },
    bindings: { x, gradY, gradX },
    workgroups,
    flops: ACTIVATIONS[name].gradFlops * elementCount(x.shape),
    bytes: 3 * byteLength(x),
  });
}

// Of units in the last place: three for an exponential, two and a half for a division.
const TERMS = 8;

function forwardKernel(name: Activation): Kernel<ElementwiseShape> {
  return {
    name,
    shaders: [activationShader],
    shapes: elementwiseShapes,
    example({ samples, perSample }) {
      const shape = [samples, perSample];
      return example({
        tensors: { x: activation(input(shape)), y: activation(output(shape)) },
        terms: TERMS,
        emit: (ctx, tensors) => forward(ctx, { label: name, ...tensors }, name),
      });
    },
  };
}

function backwardKernel(activationName: Activation): Kernel<ElementwiseShape> {
  const name = `${activationName}Grad`;
  return {
    name,
    shaders: [activationShader],
    shapes: elementwiseShapes,
    example({ samples, perSample }) {
      const shape = [samples, perSample];
      return example({
        tensors: { x: activation(input(shape)), gradY: activation(input(shape)), gradX: activation(output(shape)) },
        terms: TERMS,
        emit: (ctx, tensors) => backward(ctx, { label: name, ...tensors }, activationName),
      });
    },
  };
}

/** What there is to know of `silu`. */
export const siluKernel = forwardKernel("silu");
/** What there is to know of `siluGrad`. */
export const siluGradKernel = backwardKernel("silu");
/** What there is to know of `gelu`. */
export const geluKernel = forwardKernel("gelu");
/** What there is to know of `geluGrad`. */
export const geluGradKernel = backwardKernel("gelu");
/** What there is to know of `sigmoid`. */
export const sigmoidKernel = forwardKernel("sigmoid");
/** What there is to know of `sigmoidGrad`. */
export const sigmoidGradKernel = backwardKernel("sigmoid");
