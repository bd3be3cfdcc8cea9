import addShader from "../../shaders/add.wgsl";
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

/** What `add` and `subtract` take. */
export interface AddArgs {
  label: string;
  a: Tensor;
  /** Another tensor than a, of its shape. */
  b: Tensor;
  /** Written; neither a nor b. */
  y: Tensor;
}

/**
 * y = a + b.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function add(ctx: KernelContext, args: AddArgs): void {
  dispatch(ctx, "add", args);
}

/**
 * y = a - b.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function subtract(ctx: KernelContext, args: AddArgs): void {
  dispatch(ctx, "subtract", args);
}

function dispatch(ctx: KernelContext, name: "add" | "subtract", args: AddArgs): void {
  requireArgs(name, ctx, args, "a b y");
  const { label, a, b, y } = args;
  requireSameShape(label, { a, b, y });
  const { constants, count, workgroups } = elementwiseLayout(a, EACH);
  ctx.dispatch({
    label,
    shader: addShader,
    constants: { ...constants, ...storage(label, { a, b, y }), SUBTRACT: name === "subtract" },
    params: { count },
    bindings: { a, b, y },
    workgroups,
    flops: elementCount(a.shape),
    bytes: 3 * byteLength(a),
  });
}

const kernel = (name: string, emit: typeof add): Kernel<ElementwiseShape> => ({
  name,
  shaders: [addShader],
  shapes: elementwiseShapes,
  example({ samples, perSample }) {
    const shape = [samples, perSample];
    return example({
      tensors: { a: activation(input(shape)), b: activation(input(shape)), y: activation(output(shape)) },
      terms: 1,
      emit: (ctx, tensors) => emit(ctx, { label: name, ...tensors }),
    });
  },
});

/** What there is to know of `add`. */
export const addKernel = kernel("add", add);

/** What there is to know of `subtract`. */
export const subtractKernel = kernel("subtract", subtract);
