import rowDotsShader from "../../../shaders/attention/rowDots.wgsl";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { storage } from "../storage.ts";
import { threads1d } from "../threads.ts";

export const ROW_DOTS_SHADER = rowDotsShader;

/**
 * Appends the products of y and gradY [N, T, heads columns] within each head: a scratch tensor f32 that
 * holds [N, heads, T]. With one head N T are any rows.
 */
export function rowDots(
  ctx: KernelContext,
  { label, y, gradY, heads, columns }: { label: string; y: Tensor; gradY: Tensor; heads: number; columns: number },
): Tensor {
  const rows = elementCount(y.shape) / columns;
  const dots = ctx.scratch(`${label} dots`, [rows]);
  const vec4 = columns % 4 === 0;
  ctx.dispatch({
    label: `${label} dots`,
    shader: rowDotsShader,
    constants: { VEC4: vec4, ...storage(label, { y, gradY }) },
    params: { rows, columns: vec4 ? columns / 4 : columns, heads, tokens: y.shape[1]! },
    bindings: { y, gradY, dots },
    workgroups: threads1d(rows),
    flops: 2 * elementCount(y.shape),
    bytes: 2 * byteLength(y) + byteLength(dots),
  });
  return dots;
}
