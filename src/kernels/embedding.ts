import embeddingShader from "../../shaders/embedding.wgsl";
import { requireArgs } from "../check.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { requireWords } from "./edges/edgeLists.ts";
import { activation, example, input, output, sum } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { badShape, requireShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { threads1d } from "./threads.ts";

/** What `embedding` takes. */
export interface EmbeddingArgs {
  label: string;
  /** u32, N of them: rows of the table. One beyond the last gives zeros. */
  indices: Tensor;
  /** f32 [R, C] */
  table: Tensor;
  /** Written, [N, C]. */
  y: Tensor;
}

/**
 * y[n] = table[indices[n]].
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function embedding(ctx: KernelContext, args: EmbeddingArgs): void {
  requireArgs("embedding", ctx, args, "indices table y");
  const { label, indices, table, y } = args;
  const { params, vec4 } = layout(label, indices, table, y);
  ctx.dispatch({
    label,
    shader: embeddingShader,
    constants: { VEC4: vec4, ...storage(label, { y }) },
    params,
    bindings: { indices, table, y },
    workgroups: threads1d(params.count * params.columns),
    flops: 0,
    bytes: byteLength(indices) + byteLength(y) + Math.min(byteLength(table), elementCount(y.shape) * 4),
  });
}

/**
 * gradTable[r] += the sum of gradY[n] over the n whose index is r, in their order.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function embeddingGrad(
  ctx: KernelContext,
  args: { label: string; indices: Tensor; gradY: Tensor; gradTable: Tensor },
): void {
  requireArgs("embeddingGrad", ctx, args, "indices gradY gradTable");
  const { label, indices, gradY, gradTable } = args;
  const { params, vec4 } = layout(label, indices, gradTable, gradY);
  ctx.dispatch({
    label,
    shader: embeddingShader,
    constants: { GRAD: true, VEC4: vec4, ...storage(label, { gradY }) },
    params,
    bindings: { indices, gradY, gradTable },
    workgroups: threads1d(params.rows * params.columns),
    flops: elementCount(gradY.shape),
    bytes: byteLength(indices) + byteLength(gradY) + 2 * byteLength(gradTable),
  });
}

function layout(label: string, indices: Tensor, table: Tensor, y: Tensor) {
  if (table.shape.length !== 2) throw badShape(label, "a table must be [rows, columns]", { table });
  const [rows, columns] = table.shape as [number, number];
  const count = elementCount(indices.shape);
  requireWords(label, "indices", indices, count);
  requireShape(label, "y", y, [count, columns]);
  const vec4 = columns % 4 === 0;
  return { params: { count, rows, columns: vec4 ? columns / 4 : columns }, vec4 };
}

/** What the work of a call depends on. */
export interface EmbeddingShape extends CallShape {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

const shapes: readonly EmbeddingShape[] = [
  { count: 70, rows: 11, columns: 20 },
  { count: 5, rows: 3, columns: 3 },
  { count: 1, rows: 1, columns: 1 },
];

/** The last row's is beyond the table where there is more than one. */
const exampleIndices = ({ count, rows }: EmbeddingShape) =>
  input(
    [count],
    Uint32Array.from({ length: count }, (_, n) => (n > 0 && n === count - 1 ? rows : (3 * n) % rows)),
  );

/** What there is to know of `embedding`. */
export const embeddingKernel: Kernel<EmbeddingShape> = {
  name: "embedding",
  shaders: [embeddingShader],
  shapes,
  example(shape) {
    const { count, rows, columns } = shape;
    return example({
      tensors: {
        indices: exampleIndices(shape),
        table: input([rows, columns]),
        y: activation(output([count, columns])),
      },
      terms: 1,
      emit: (ctx, tensors) => embedding(ctx, { label: "embedding", ...tensors }),
    });
  },
};

/** What there is to know of `embeddingGrad`. */
export const embeddingGradKernel: Kernel<EmbeddingShape> = {
  name: "embeddingGrad",
  shaders: [embeddingShader],
  shapes,
  example(shape) {
    const { count, rows, columns } = shape;
    return example({
      tensors: {
        indices: exampleIndices(shape),
        gradY: activation(input([count, columns])),
        gradTable: sum([rows, columns]),
      },
      terms: count,
      emit: (ctx, tensors) => embeddingGrad(ctx, { label: "embeddingGrad", ...tensors }),
    });
  },
};
