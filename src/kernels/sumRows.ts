import sumPartialsCode from "../../shaders/sumPartials.wgsl";
import sumRowsCode from "../../shaders/sumRows.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { byteLength, elementCount, workgroups1d, type Batch, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
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
  const sums = partialSums(ctx, label, y, blocks);
  const vec4 = columns % 4 === 0;
  const reals = vec4 ? columns / 4 : columns;
  ctx.dispatch({
    label,
    shader: sumRowsShader,
    constants: { WORKGROUP, VEC4: vec4, ...storage(label, { x }) },
    params: { rows, columns: reals, blocks, rows_per_block: rowsPerBlock },
    bindings: { x, partial: sums.partial },
    workgroups: workgroups1d(Math.ceil((blocks * reals) / WORKGROUP)),
    flops: rows * columns,
    bytes: byteLength(x) + byteLength(sums.partial),
  });
  sums.add();
}

/** Adds the gradient of a bias to gradBias [C]: gradY [N, Do, Ho, Wo, C] summed over all voxels. */
export function conv3dGradBias(ctx: KernelContext, args: { label: string; gradY: Tensor; gradBias: Tensor }): void {
  sumRows(ctx, { label: args.label, x: args.gradY, y: args.gradBias });
}

/** How many slices of partial sums of y fit into one binding; one, which needs no partial sums, always does. */
export function affordableSlices(caps: GpuCaps, y: Tensor): number {
  return Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 27) / byteLength(y)));
}

/** Elements that an invocation of the second pass adds up, of one sum and where it makes many. */
const EACH = 1;
const BATCH_EACH = 4;

const sumBatch: Batch = {
  name: "sums of gradients",
  shader: sumPartialsShader,
  constants: { WORKGROUP, EACH: BATCH_EACH, BATCH: true },
  when: "end",
  flat: "y",
  own: "partial",
};

/**
 * Room for partial sums [slices, ...shape of y]. Once they are written, `add` adds the slices, in their order, to y: at
 * once, or at the end of the backward pass with other small ones.
 */
export function partialSums(
  ctx: KernelContext,
  of: string,
  y: Tensor,
  slices: number,
): { readonly partial: Tensor; add(): void } {
  const shape = [slices, ...y.shape];
  const count = elementCount(y.shape);
  const cost = { flops: slices * count, bytes: 4 * elementCount(shape) + 2 * byteLength(y) };
  const workgroups = Math.ceil(count / (WORKGROUP * BATCH_EACH));
  const joined = ctx.join?.(sumBatch, { label: `${of} slices`, of: y, shape, values: [slices, count], workgroups, ...cost });
  if (joined) return { partial: joined, add: () => {} };
  const partial = ctx.scratch(`${of} slices`, shape);
  const add = () => {
    ctx.dispatch({
      label: `${of} sum`,
      shader: sumPartialsShader,
      constants: { WORKGROUP, EACH },
      params: { slices, count },
      bindings: { partial, y },
      workgroups: workgroups1d(Math.ceil(count / (WORKGROUP * EACH))),
      ...cost,
    });
  };
  return { partial, add };
}
