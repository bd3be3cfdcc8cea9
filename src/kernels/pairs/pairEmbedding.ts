import pairEmbeddingGradShader from "../../../shaders/pairs/pairEmbeddingGrad.wgsl";
import pairEmbeddingShader from "../../../shaders/pairs/pairEmbedding.wgsl";
import sumPartialsShader from "../../../shaders/sumPartials.wgsl";
import { requireArgs } from "../../check.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import { requireWords } from "../edges/edgeLists.ts";
import { activation, example, input, output, sum } from "../example.ts";
import type { CallShape, Kernel } from "../kernel.ts";
import { badShape, requireShape } from "../shapes.ts";
import { storage } from "../storage.ts";
import { partialSums } from "../sumRows.ts";
import { threads1d } from "../threads.ts";
import { PAIR_ROWS, PAIR_TABLE_ROWS } from "./pairBins.ts";

/** What `pairEmbedding` takes. */
export interface PairEmbeddingArgs {
  label: string;
  /** u32, as `pairBins` makes them. */
  bins: Tensor;
  /** f32 [319, C]: rows of separations, then of bins of `previous`, then of bins of x. */
  table: Tensor;
  /** Written, [pairs, C]. */
  y: Tensor;
}

/** What `pairEmbeddingGrad` takes. */
export interface PairEmbeddingGradArgs {
  label: string;
  bins: Tensor;
  gradY: Tensor;
  /** Added to, f32 [319, C]. */
  gradTable: Tensor;
}

/**
 * y[pair] = the sum of the pair's rows of the table: a product with one-hot vectors. 0 for what is no pair of residues.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function pairEmbedding(ctx: KernelContext, args: PairEmbeddingArgs): void {
  requireArgs("pairEmbedding", ctx, args, "bins table y");
  const { label, bins, table, y } = args;
  const { pairs, width, tables } = layout(label, bins, table, y);
  const vec4 = width % 4 === 0;
  const columns = vec4 ? width / 4 : width;
  ctx.dispatch({
    label,
    shader: pairEmbeddingShader,
    constants: { VEC4: vec4, ...storage(label, { y }) },
    params: { pairs, columns, ...tables },
    bindings: { bins, table, y },
    workgroups: threads1d(pairs * columns),
    flops: 2 * pairs * width,
    bytes: byteLength(bins) + byteLength(table) + byteLength(y),
  });
}

/** Columns of a workgroup, and pairs of a block at least, of which there are no more than some. */
const COLUMNS = 16;
const MIN_PAIRS = 256;
const MAX_BLOCKS = 32;

/**
 * gradTable[r] += the sum of gradY over the pairs that have row r, in a fixed order.
 *
 * @throws VoxtwirlError "bad-shape"
 */
export function pairEmbeddingGrad(ctx: KernelContext, args: PairEmbeddingGradArgs): void {
  requireArgs("pairEmbeddingGrad", ctx, args, "bins gradY gradTable");
  const { label, bins, gradY, gradTable } = args;
  const { pairs, width, tables } = layout(label, bins, gradTable, gradY);
  const pairsPerBlock = Math.ceil(pairs / Math.min(MAX_BLOCKS, Math.ceil(pairs / MIN_PAIRS)));
  const blocks = Math.ceil(pairs / pairsPerBlock);
  const chunks = Math.ceil(width / COLUMNS);
  const sums = partialSums(ctx, label, [gradTable], blocks);
  ctx.dispatch({
    label,
    shader: pairEmbeddingGradShader,
    constants: { WORKGROUP: COLUMNS, ROWS: PAIR_ROWS.previous, ...storage(label, { gradY }) },
    params: { pairs, columns: width, ...tables, rows: PAIR_TABLE_ROWS, chunks, blocks, pairsPerBlock },
    bindings: { bins, gradY, partial: sums.partial },
    workgroups: workgroups1d(3 * blocks * chunks),
    flops: 3 * pairs * width,
    bytes: byteLength(bins) + byteLength(gradY) + byteLength(sums.partial),
  });
  sums.add();
}

function layout(label: string, bins: Tensor, table: Tensor, y: Tensor) {
  if (table.shape.length !== 2 || table.shape[0] !== PAIR_TABLE_ROWS) {
    throw badShape(label, `the table must be [${PAIR_TABLE_ROWS}, C]`, { table });
  }
  const width = table.shape[1]!;
  const pairs = elementCount(bins.shape);
  requireWords(label, "bins", bins, pairs);
  requireShape(label, "y", y, [pairs, width]);
  const tables = { second: PAIR_ROWS.separation, third: PAIR_ROWS.separation + PAIR_ROWS.previous };
  return { pairs, width, tables };
}

/** What the work of a call depends on. */
export interface PairEmbeddingShape extends CallShape {
  readonly pairs: number;
  readonly columns: number;
}

const shapes: readonly PairEmbeddingShape[] = [
  { pairs: 700, columns: 20 },
  { pairs: 40, columns: 5 },
  { pairs: 1, columns: 1 },
];

/** Of all rows, the last of each table too; some have no bin of `previous`, some are no pairs. */
const exampleBins = ({ pairs }: PairEmbeddingShape) =>
  input(
    [pairs],
    Uint32Array.from({ length: pairs }, (_, p) => {
      if (p % 7 === 3) return 0xffffffff;
      const before = p % 5 === 1 ? 255 : 127 - (p % PAIR_ROWS.previous);
      return ((126 - ((3 * p) % PAIR_ROWS.separation)) | (before << 8) | ((63 - (p % PAIR_ROWS.distance)) << 16)) >>> 0;
    }),
  );

/** What there is to know of `pairEmbedding`. */
export const pairEmbeddingKernel: Kernel<PairEmbeddingShape> = {
  name: "pairEmbedding",
  shaders: [pairEmbeddingShader],
  shapes,
  example(shape) {
    const { pairs, columns } = shape;
    return example({
      tensors: {
        bins: exampleBins(shape),
        table: input([PAIR_TABLE_ROWS, columns]),
        y: activation(output([pairs, columns])),
      },
      terms: 3,
      emit: (ctx, tensors) => pairEmbedding(ctx, { label: "pairEmbedding", ...tensors }),
    });
  },
};

/** What there is to know of `pairEmbeddingGrad`. */
export const pairEmbeddingGradKernel: Kernel<PairEmbeddingShape> = {
  name: "pairEmbeddingGrad",
  shaders: [pairEmbeddingGradShader, sumPartialsShader],
  shapes,
  example(shape) {
    const { pairs, columns } = shape;
    return example({
      tensors: {
        bins: exampleBins(shape),
        gradY: activation(input([pairs, columns])),
        gradTable: sum([PAIR_TABLE_ROWS, columns]),
      },
      terms: pairs,
      emit: (ctx, tensors) => pairEmbeddingGrad(ctx, { label: "pairEmbeddingGrad", ...tensors }),
    });
  },
};
