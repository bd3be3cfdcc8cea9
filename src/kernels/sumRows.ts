import sumPartialsCode from "../../shaders/sumPartials.wgsl";
import sumRowsCode from "../../shaders/sumRows.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { byteLength, elementCount, workgroups1d, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import { requireShape } from "./shapes.ts";
import { storage } from "./storage.ts";

const sumRowsShader = { name: "sumRows", code: sumRowsCode };
const sumPartialsShader = { name: "sumPartials", code: sumPartialsCode };

const WORKGROUP = 64;
// Enough rows a block that the second pass is short, few enough that small tensors give work to all cores.
const MIN_ROWS_PER_BLOCK = 64;
const MAX_BLOCKS = 512;

/**
 * Adds the sum of x [..., C] over all its axes but the last to y [C]. Two passes in a fixed order.
 *
 * @throws VoxtwirlError "bad-shape" when y is not [C].
 */
export function sumRows(ctx: KernelContext, args: { label: string; x: Tensor; y: Tensor }): void {
  const { label, x, y } = args;
  const columns = x.shape[x.shape.length - 1]!;
  requireShape(label, "sum of rows", y, [columns]);
  const rows = elementCount(x.shape) / columns;
  const wanted = Math.min(MAX_BLOCKS, Math.ceil(rows / MIN_ROWS_PER_BLOCK));
  const rowsPerBlock = Math.ceil(rows / wanted);
  const blocks = Math.ceil(rows / rowsPerBlock);
  const partial = ctx.scratch(`${label} partial sums`, [blocks, columns]);
  const vec4 = columns % 4 === 0;
  const reals = vec4 ? columns / 4 : columns;
  ctx.dispatch({
    label,
    shader: sumRowsShader,
    constants: { WORKGROUP, VEC4: vec4, ...storage(label, { x }) },
    params: { rows, columns: reals, blocks, rows_per_block: rowsPerBlock },
    bindings: { x, partial },
    workgroups: workgroups1d(Math.ceil((blocks * reals) / WORKGROUP)),
    flops: rows * columns,
    bytes: byteLength(x) + byteLength(partial),
  });
  sumPartials(ctx, { label, partial, y, slices: blocks });
}

/** Adds the gradient of a bias to gradBias [C]: gradY [N, Do, Ho, Wo, C] summed over all voxels. */
export function conv3dGradBias(ctx: KernelContext, args: { label: string; gradY: Tensor; gradBias: Tensor }): void {
  sumRows(ctx, { label: args.label, x: args.gradY, y: args.gradBias });
}

/** How many slices of partial sums of y fit into one binding; one, which needs no partial sums, always does. */
export function affordableSlices(caps: GpuCaps, y: Tensor): number {
  return Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 27) / byteLength(y)));
}

/** Second pass of the reductions: adds the `slices` slices of `partial`, in their order, to y of any shape. */
export function sumPartials(
  ctx: KernelContext,
  args: { label: string; partial: Tensor; y: Tensor; slices: number },
): void {
  const { label, partial, y, slices } = args;
  const count = elementCount(y.shape);
  ctx.dispatch({
    label: `${label} sum`,
    shader: sumPartialsShader,
    constants: { WORKGROUP },
    params: { slices, count },
    bindings: { partial, y },
    workgroups: workgroups1d(Math.ceil(count / WORKGROUP)),
    flops: slices * count,
    bytes: byteLength(partial) + 2 * byteLength(y),
  });
}
