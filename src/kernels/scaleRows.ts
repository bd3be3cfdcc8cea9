import scaleRowsShader from "../../shaders/scaleRows.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { example, input, output, sum } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { badShape, requireSameShape, requireShape } from "./shapes.ts";
import { threads1d } from "./threads.ts";

/** What `scaleRows` takes. */
export interface ScaleRowsArgs {
  label: string;
  /** f32 [R, C] */
  x: Tensor;
  /** f32 [R] */
  weight: Tensor;
  /** Written, f32 [R, C]. */
  y: Tensor;
}

/** What `scaleRowsGrad` takes. */
export interface ScaleRowsGradArgs {
  label: string;
  x: Tensor;
  weight: Tensor;
  gradY: Tensor;
  /** Added to, as is the next: the gradients of parameters. */
  gradX: Tensor;
  gradWeight: Tensor;
}

/**
 * y[r, c] = weight[r] x[r, c]: a norm's weights, taken into the matrix that follows it.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function scaleRows(ctx: KernelContext, args: ScaleRowsArgs): void {
  requireArgs("scaleRows", ctx, args, "x weight y");
  const { label, x, weight, y } = args;
  const params = layout(label, x, weight);
  requireSameShape(label, { x, y });
  ctx.dispatch({
    label,
    shader: scaleRowsShader,
    constants: {},
    params,
    bindings: { x, weight, y },
    workgroups: threads1d(elementCount(x.shape)),
    flops: elementCount(x.shape),
    bytes: 2 * byteLength(x) + byteLength(weight),
  });
}

/**
 * gradX += weight gradY, gradWeight[r] += the sum over c of x gradY.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function scaleRowsGrad(ctx: KernelContext, args: ScaleRowsGradArgs): void {
  requireArgs("scaleRowsGrad", ctx, args, "x weight gradY gradX gradWeight");
  const { label, x, weight, gradY, gradX, gradWeight } = args;
  const params = layout(label, x, weight);
  requireSameShape(label, { x, gradY, gradX });
  requireSameShape(label, { weight, gradWeight });
  ctx.dispatch({
    label,
    shader: scaleRowsShader,
    constants: { GRAD: true },
    params,
    bindings: { x, weight, gradY, gradX, gradWeight },
    workgroups: threads1d(params.rows),
    flops: 4 * elementCount(x.shape),
    bytes: 4 * byteLength(x) + 3 * byteLength(weight),
  });
}

function layout(label: string, x: Tensor, weight: Tensor) {
  if (x.shape.length !== 2) throw badShape(label, "x must be [R, C]", { x });
  const [rows, columns] = x.shape as [number, number];
  requireShape(label, "weight", weight, [rows]);
  return { rows, columns };
}

/** What the work of a call depends on. */
export interface ScaleRowsShape extends CallShape {
  readonly rows: number;
  readonly columns: number;
}

const shapes: readonly ScaleRowsShape[] = [
  { rows: 70, columns: 5 },
  { rows: 1, columns: 1 },
];

/** What there is to know of `scaleRows`. */
export const scaleRowsKernel: Kernel<ScaleRowsShape> = {
  name: "scaleRows",
  shaders: [scaleRowsShader],
  shapes,
  example({ rows, columns }) {
    return example({
      tensors: { x: input([rows, columns]), weight: input([rows], "around 1"), y: output([rows, columns]) },
      terms: 1,
      emit: (ctx, tensors) => scaleRows(ctx, { label: "scaleRows", ...tensors }),
    });
  },
};

/** What there is to know of `scaleRowsGrad`. */
export const scaleRowsGradKernel: Kernel<ScaleRowsShape> = {
  name: "scaleRowsGrad",
  shaders: [scaleRowsShader],
  shapes,
  example({ rows, columns }) {
    const matrix = [rows, columns];
    return example({
      tensors: {
        ...{ x: input(matrix), weight: input([rows], "around 1"), gradY: input(matrix) },
        ...{ gradX: sum(matrix), gradWeight: sum([rows]) },
      },
      terms: columns,
      emit: (ctx, tensors) => scaleRowsGrad(ctx, { label: "scaleRowsGrad", ...tensors }),
    });
  },
};
