import swigluShader from "../../shaders/swiglu.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { activation, example, input, output } from "./example.ts";
import type { Kernel } from "./kernel.ts";
import { badShape, requireSameShape, requireShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { threads1d } from "./threads.ts";

/** Elements of a thread. */
const EACH = 8;

/** What `swiglu` takes. */
export interface SwigluArgs {
  label: string;
  /** [..., 2 C], of each row a, then g. */
  x: Tensor;
  /** [..., C], written. */
  y: Tensor;
}

/** What `swigluGrad` takes. */
export interface SwigluGradArgs {
  label: string;
  /** The input of the forward pass. */
  x: Tensor;
  gradY: Tensor;
  /** Shape of x, written. */
  gradX: Tensor;
}

/** @throws VoxtwirlError "bad-shape" for a last axis that is odd or empty */
export function swigluShape(label: string, x: Tensor): number[] {
  const width = x.shape[x.shape.length - 1];
  if (width === undefined || width % 2 !== 0 || elementCount(x.shape) === 0) {
    throw badShape(label, "x must be [..., 2 C] and non-empty", { x });
  }
  return [...x.shape.slice(0, -1), width / 2];
}

/**
 * y = a * g / (1 + exp(-g)), SwiGLU without its matrices (Shazeer 2020, arXiv 2002.05202).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function swiglu(ctx: KernelContext, args: SwigluArgs): void {
  requireArgs("swiglu", ctx, args, "x y");
  const { label, x, y } = args;
  requireShape(label, "y", y, swigluShape(label, x));
  dispatch(ctx, label, { x, y }, y, 5);
}

/**
 * gradA = gradY * silu(g), gradG = gradY * a * silu'(g).
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function swigluGrad(ctx: KernelContext, args: SwigluGradArgs): void {
  requireArgs("swigluGrad", ctx, args, "x gradY gradX");
  const { label, x, gradY, gradX } = args;
  requireShape(label, "gradY", gradY, swigluShape(label, x));
  requireSameShape(label, { x, gradX });
  dispatch(ctx, label, { x, gradY, gradX }, gradY, 14);
}

function dispatch(
  ctx: KernelContext,
  label: string,
  bindings: Readonly<Record<string, Tensor>>,
  narrow: Tensor,
  flops: number,
): void {
  const columns = narrow.shape[narrow.shape.length - 1]!;
  const vec4 = columns % 4 === 0;
  const count = elementCount(narrow.shape) / (vec4 ? 4 : 1);
  ctx.dispatch({
    label,
    shader: swigluShader,
    constants: { VEC4: vec4, EACH, ...storage(label, bindings), ...("gradX" in bindings && { GRAD: true }) },
    params: { count, columns: vec4 ? columns / 4 : columns },
    bindings,
    workgroups: threads1d(Math.ceil(count / EACH)),
    flops: flops * elementCount(narrow.shape),
    bytes: Object.values(bindings).reduce((sum, tensor) => sum + byteLength(tensor), 0),
  });
}

/** What the work of a call depends on. */
export interface SwigluShape extends Record<string, number> {
  rows: number;
  /** Of y. */
  columns: number;
}

const shapes: readonly SwigluShape[] = [
  { rows: 37, columns: 12 },
  { rows: 1, columns: 1 },
  { rows: 300, columns: 7 },
];
// Of units in the last place: three for an exponential, two and a half for a division.
const TERMS = 8;

/** What there is to know of `swiglu`. */
export const swigluKernel: Kernel<SwigluShape> = {
  name: "swiglu",
  shaders: [swigluShader],
  shapes,
  example({ rows, columns }) {
    return example({
      tensors: { x: activation(input([rows, 2 * columns])), y: activation(output([rows, columns])) },
      terms: TERMS,
      emit: (ctx, tensors) => swiglu(ctx, { label: "swiglu", ...tensors }),
    });
  },
};

/** What there is to know of `swigluGrad`. */
export const swigluGradKernel: Kernel<SwigluShape> = {
  name: "swigluGrad",
  shaders: [swigluShader],
  shapes,
  example({ rows, columns }) {
    return example({
      tensors: {
        x: activation(input([rows, 2 * columns])),
        gradY: activation(input([rows, columns])),
        gradX: activation(output([rows, 2 * columns])),
      },
      terms: TERMS,
      emit: (ctx, tensors) => swigluGrad(ctx, { label: "swigluGrad", ...tensors }),
    });
  },
};
