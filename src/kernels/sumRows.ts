import sumPartialsShader from "../../shaders/sumPartials.wgsl";
import sumRowsShader from "../../shaders/sumRows.wgsl";
import { requireArgs } from "../check.ts";
import type { GpuCaps } from "../gpu/caps.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import type { DispatchGroup } from "../gpu/dispatchGroup.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { requireShape } from "./shapes.ts";
import { storage } from "./storage.ts";
import { activation, example, input, sum } from "./example.ts";
import type { CallShape, Kernel } from "./kernel.ts";
import { threads1d, WORKGROUP } from "./threads.ts";

// Enough rows a block that the second pass is short, few enough that small tensors give work to all cores.
const MIN_ROWS_PER_BLOCK = 64;
const MAX_BLOCKS = 512;

/**
 * Adds the sum of x [..., C] over all its axes but the last to y [C]. Two passes in a fixed order.
 *
 * @throws VoxtwirlError "bad-shape" when y is not [C].
 */
export function sumRows(ctx: KernelContext, args: { label: string; x: Tensor; y: Tensor }): void {
  requireArgs("sumRows", ctx, args, "x y");
  const { label, x, y } = args;
  const columns = x.shape[x.shape.length - 1]!;
  requireShape(label, "sum of rows", y, [columns]);
  const rows = elementCount(x.shape) / columns;
  const { blocks, rowsPerBlock } = rowBlocks(rows);
  const sums = partialSums(ctx, label, [y], blocks);
  const vec4 = columns % 4 === 0;
  const reals = vec4 ? columns / 4 : columns;
  ctx.dispatch({
    label,
    shader: sumRowsShader,
    constants: { VEC4: vec4, ...storage(label, { x }) },
    params: { rows, columns: reals, blocks, rowsPerBlock },
    bindings: { x, partial: sums.partial },
    workgroups: threads1d(blocks * reals),
    flops: rows * columns,
    bytes: byteLength(x) + byteLength(sums.partial),
  });
  sums.add();
}

/** Blocks of rows for the first of two passes that sum over rows. */
export function rowBlocks(rows: number): { blocks: number; rowsPerBlock: number } {
  const wanted = Math.min(MAX_BLOCKS, Math.ceil(rows / MIN_ROWS_PER_BLOCK));
  const rowsPerBlock = Math.ceil(rows / wanted);
  return { blocks: Math.ceil(rows / rowsPerBlock), rowsPerBlock };
}

/** Adds the gradient of a bias to gradBias [C]: gradY [N, Do, Ho, Wo, C] summed over all voxels. */
export function conv3dGradBias(ctx: KernelContext, args: { label: string; gradY: Tensor; gradBias: Tensor }): void {
  requireArgs("conv3dGradBias", ctx, args, "gradY gradBias");
  sumRows(ctx, { label: args.label, x: args.gradY, y: args.gradBias });
}

/** How many splits of partial sums of y fit into one binding; one, which needs no partial sums, always does. */
export function affordableSplits(caps: GpuCaps, y: Tensor): number {
  return Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 27) / byteLength(y)));
}

/** Elements that an invocation of the second pass adds up, of one sum and where it makes many. */
const EACH = 1;
const GROUPED_EACH = 4;

const sumGroup: DispatchGroup = {
  name: "gradientSums",
  shader: sumPartialsShader,
  constants: { EACH: GROUPED_EACH, GROUPED: true },
  when: "end",
  flat: "y",
  own: "partial",
};

/**
 * Room for partial sums of tensors, [splits, elements of them all]: a split has those of each tensor one after another.
 * Once they are written, `add` adds the splits, in their order, to the tensors: at once, or at the end of the backward
 * pass with other small ones.
 */
export function partialSums(
  ctx: KernelContext,
  of: string,
  ys: readonly Tensor[],
  splits: number,
): { readonly partial: Tensor; add(): void } {
  const counts = ys.map(({ shape }) => elementCount(shape));
  const stride = counts.reduce((a, b) => a + b, 0);
  const shape = ys.length === 1 ? [splits, ...ys[0]!.shape] : [splits, stride];
  const label = `${of} splits`;
  const left: { y: Tensor; first: number; count: number; cost: { flops: number; bytes: number } }[] = [];
  let partial: Tensor | undefined;
  let first = 0;
  ys.forEach((y, i) => {
    const count = counts[i]!;
    const cost = { flops: splits * count, bytes: 4 * splits * count + 2 * byteLength(y) };
    const own = partial ? { part: partial, first } : { shape };
    const workgroups = Math.ceil(count / (WORKGROUP * GROUPED_EACH));
    // Where the first has to be made at once, all are: the tensor is not the group's.
    const joins = i === 0 || partial !== undefined;
    const call = { label, of: y, own, values: [splits, count, stride], workgroups, ...cost };
    const joined = joins ? ctx.join?.(sumGroup, call) : undefined;
    if (joined) partial = joined;
    else left.push({ y, first, count, cost });
    first += count;
  });
  const made = partial ?? ctx.scratch(label, shape);
  const add = () => {
    for (const { y, first, count, cost } of left) {
      ctx.dispatch({
        label: `${of} sum`,
        shader: sumPartialsShader,
        constants: { EACH },
        params: { splits, count, stride, first },
        bindings: { partial: made, y },
        workgroups: threads1d(Math.ceil(count / EACH)),
        ...cost,
      });
    }
  };
  return { partial: made, add };
}

/** What the work of a call depends on: sizes and switches. */
export interface SumRowsShape extends CallShape {
  readonly rows: number;
  readonly columns: number;
}

/** What there is to know of `sumRows`. */
export const sumRowsKernel: Kernel<SumRowsShape> = {
  name: "sumRows",
  shaders: [sumRowsShader, sumPartialsShader],
  shapes: [
    { rows: 700, columns: 6 },
    { rows: 129, columns: 8 },
    { rows: 1, columns: 1 },
  ],
  example({ rows, columns }) {
    return example({
      tensors: { x: activation(input([rows, columns])), y: sum([columns]) },
      terms: rows,
      emit: (ctx, tensors) => sumRows(ctx, { label: "sumRows", ...tensors }),
    });
  },
};
