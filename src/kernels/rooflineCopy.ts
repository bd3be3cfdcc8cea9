import rooflineCopyShader from "../../shaders/rooflineCopy.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { badShape, requireSameShape } from "./shapes.ts";
import { example, input, output } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d } from "./threads.ts";

/** Elements of a thread. */
const EACH = 64;

/**
 * y = x: the ceiling of memory. y is written, shape of x; a multiple of four elements.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function rooflineCopy(ctx: KernelContext, args: { label: string; x: Tensor; y: Tensor }): void {
  requireArgs("rooflineCopy", ctx, args, "x y");
  const { label, x, y } = args;
  requireSameShape(label, { x, y });
  if (elementCount(x.shape) % 4 !== 0) throw badShape(label, "the number of elements must divide by 4", { x });
  const count = elementCount(x.shape) / 4;
  ctx.dispatch({
    label,
    shader: rooflineCopyShader,
    constants: { EACH },
    params: { count },
    bindings: { x, y },
    workgroups: threads1d(Math.ceil(count / EACH)),
    flops: 0,
    bytes: 2 * byteLength(x),
  });
}

/** What the work of a call depends on: sizes and switches. */
export interface CopyShape extends CallShape {
  readonly count: number;
}

/** What there is to know of `rooflineCopy`. */
export const rooflineCopyKernel: Kernel<CopyShape> = {
  name: "rooflineCopy",
  shaders: [rooflineCopyShader],
  shapes: [{ count: 40 }, { count: 20_000 }],
  example({ count }) {
    return example({
      tensors: { x: input([count]), y: output([count]) },
      terms: 1,
      emit: (ctx, tensors) => rooflineCopy(ctx, { label: "rooflineCopy", ...tensors }),
    });
  },
};
