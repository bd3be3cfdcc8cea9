import attentionMatmulShader from "../../../shaders/attention/attentionMatmul.wgsl";
import attentionPanelShader from "../../../shaders/attention/attentionPanel.wgsl";
import attentionSubgroupMatrixShader from "../../../shaders/attention/attentionSubgroupMatrix.wgsl";
import { workgroups1d, type Dispatch, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import type { Shader } from "../../gpu/shader.ts";
import { elementBytes, type Tensor } from "../../gpu/tensor.ts";
import type { Variant } from "../kernel.ts";
import { storage, storagePair } from "../storage.ts";
import { threads1d } from "../threads.ts";
import type { Sizes } from "./attentionSizes.ts";
import {
  attentionBlock,
  attentionSubgroupMatrixConstants,
  type AttentionSubgroupMatrixTile,
} from "./attentionSubgroupMatrix.ts";
import { panelConstants, panelParts, type LaneTile } from "./attentionPanel.ts";
import { attentionSubgroupMatrixTileOf, panelTileOf } from "./attentionVariants.ts";

/** A matrix of each sample in a tensor, by strides in elements. */
export interface StridedMatrix {
  tensor: Tensor;
  offset: number;
  sample: number;
  row: number;
  column: number;
}

/** The queries, keys and values, [T, C] each, of a tensor [N, T, 3 C]. */
export function parts(
  qkv: Tensor,
  { tokens, channels }: Sizes,
): { q: StridedMatrix; k: StridedMatrix; v: StridedMatrix } {
  const part = (i: number): StridedMatrix => {
    return { tensor: qkv, offset: i * channels, sample: 3 * tokens * channels, row: 3 * channels, column: 1 };
  };
  return { q: part(0), k: part(1), v: part(2) };
}

export function from(matrix: StridedMatrix, row: number): StridedMatrix {
  return { ...matrix, offset: matrix.offset + row * matrix.row };
}

export function transposed(matrix: StridedMatrix): StridedMatrix {
  return { ...matrix, row: matrix.column, column: matrix.row };
}

interface Product {
  label: string;
  /** Of attentionPanel.wgsl, of attentionMatmul.wgsl (with broadcasts or without), or subgroup matrices. */
  tiles: Variant;
  call?: KernelCall;
  samples: number;
  rows: number;
  columns: number;
  depth: number;
  a: StridedMatrix;
  b: StridedMatrix;
  /** Its columns lie next to one another. */
  out: StridedMatrix;
  /** 1 when left out. */
  scale?: number;
  accumulate?: boolean;
  /** It is added to what `out` holds, by `accumulate` or the variant. */
  readsOut?: boolean;
  /** Epilogue of shaders/shared/attentionProduct.wgsl, and the tensors it reads. */
  variant?: "PROBABILITY" | "SCORE_GRAD" | "RESCALE";
  extra?: Record<string, Tensor>;
  /** Floats of a sample that the epilogue reads besides. */
  extraReads?: number;
}

/** How a product is dispatched: the shader with its constants, what shares the columns, and workgroups of a sample. */
interface Way {
  shader: Shader;
  constants: Record<string, number | boolean>;
  columnParts: number;
  /** Tiles of rows that a workgroup makes. */
  rowTiles: number;
  workgroups: Dispatch["workgroups"];
}

/** Specialisation constants of attentionMatmul.wgsl that are a choice. */
interface MatmulTile extends Record<string, number> {
  TILE_ROWS: number;
  TILE_COLUMNS: number;
}

function matmulWay({ tiles, rows, columns }: Product): Way {
  const { TILE_ROWS, TILE_COLUMNS, LANES: unit = 1 } = tiles.constants as MatmulTile;
  const columnParts = Math.ceil(columns / TILE_COLUMNS / unit) * unit;
  return {
    shader: attentionMatmulShader,
    constants: tiles.constants,
    columnParts,
    rowTiles: 1,
    workgroups: threads1d(columnParts * Math.ceil(rows / TILE_ROWS)),
  };
}

function subgroupMatrixWay({ rows, columns, depth, a, b }: Product, tile: AttentionSubgroupMatrixTile): Way {
  const [blockRows, blockColumns] = attentionBlock(tile);
  const [A_ALONG, B_ALONG] = [a.column !== 1, b.row === 1];
  const columnParts = Math.ceil(columns / blockColumns);
  const sizes = [
    ...[A_ALONG ? rows : depth, a.offset, a.sample, A_ALONG ? a.column : a.row],
    ...[B_ALONG ? depth : columns, b.offset, b.sample, B_ALONG ? b.column : b.row],
  ];
  return {
    shader: attentionSubgroupMatrixShader,
    constants: {
      ...attentionSubgroupMatrixConstants(tile, { A_ALONG, B_ALONG, PARTS: a.tensor.dtype === "f32" ? 2 : 1 }),
      WIDE: sizes.every((size) => size % 4 === 0),
    },
    columnParts,
    rowTiles: 1,
    workgroups: workgroups1d(columnParts * Math.ceil(rows / blockRows)),
  };
}

function panelWay({ samples, rows, columns, depth, a, b }: Product, tile: LaneTile): Way {
  const { columnParts, rowTiles, rowParts } = panelParts(tile, { samples, rows, columns });
  const along = [depth, a.offset, a.sample, a.row, b.offset, b.sample, b.column];
  return {
    shader: attentionPanelShader,
    constants: {
      ...panelConstants(tile),
      WIDE: a.column === 1 && b.row === 1 && along.every((size) => size % 4 === 0),
    },
    columnParts,
    rowTiles,
    workgroups: workgroups1d(columnParts * rowParts),
  };
}

function wayOf(p: Product): Way {
  const matrices = attentionSubgroupMatrixTileOf(p.tiles);
  if (matrices) return subgroupMatrixWay(p, matrices);
  const panel = panelTileOf(p.tiles);
  return panel ? panelWay(p, panel) : matmulWay(p);
}

export function product(ctx: KernelContext, p: Product): void {
  const { samples, rows, columns, depth, a, b, out } = p;
  const oneSource = a.tensor === b.tensor;
  const { shader, constants, columnParts, rowTiles, workgroups } = wayOf(p);
  ctx.dispatch({
    label: p.label,
    ...(p.call && { call: p.call }),
    shader,
    constants: {
      ...constants,
      ONE_SOURCE: oneSource,
      ...(p.variant && { [p.variant]: true }),
      ...storage(p.label, { out: out.tensor }),
      ...storagePair(a.tensor, b.tensor),
    },
    params: {
      rows,
      columns,
      depth,
      aOffset: a.offset,
      aSample: a.sample,
      aRow: a.row,
      aDepth: a.column,
      bOffset: b.offset,
      bSample: b.sample,
      bDepth: b.row,
      bColumn: b.column,
      outOffset: out.offset,
      outSample: out.sample,
      outRow: out.row,
      columnParts,
      rowTiles,
      scale: p.scale ?? 1,
      accumulate: Number(p.accumulate ?? false),
    },
    bindings: { a: a.tensor, out: out.tensor, ...(oneSource ? {} : { b: b.tensor }), ...p.extra },
    workgroups: [workgroups[0], workgroups[1], samples],
    flops: 2 * samples * rows * columns * depth,
    bytes:
      samples *
      (elementBytes(a.tensor) * rows * depth +
        elementBytes(b.tensor) * depth * columns +
        elementBytes(out.tensor) * (p.readsOut ? 2 : 1) * rows * columns +
        4 * (p.extraReads ?? 0)),
  });
}
