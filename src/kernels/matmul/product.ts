import matmulShader from "../../../shaders/matmul/matmul.wgsl";
import matmulHeldShader from "../../../shaders/matmul/matmulHeld.wgsl";
import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import matmulSubgroupMatrixShader from "../../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import { workgroups1d, type Dispatch, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import type { Shader } from "../../gpu/shader.ts";
import { elementBytes, type Tensor } from "../../gpu/tensor.ts";
import type { Variant } from "../kernel.ts";
import { storage, storagePair } from "../storage.ts";
import { threads1d } from "../threads.ts";
import { matmulBlock, matmulSubgroupMatrixConstants, type MatmulSubgroupMatrixTile } from "./matmulSubgroupMatrix.ts";
import { heldParts, heldTileOf, type HeldTile } from "./held.ts";
import { panelConstants, panelParts, type LaneTile } from "./panel.ts";
import { matmulSubgroupMatrixTileOf, panelTileOf } from "./matmulVariants.ts";

/** A matrix of each sample and head in a tensor, by strides in elements. */
export interface StridedMatrix {
  tensor: Tensor;
  offset: number;
  sample: number;
  head: number;
  row: number;
  column: number;
}

/** A matrix that is all of a tensor, with so many columns. */
export function wholeMatrix(tensor: Tensor, columns: number): StridedMatrix {
  return { tensor, offset: 0, sample: 0, head: 0, row: columns, column: 1 };
}

/** From a row on. */
export function from(matrix: StridedMatrix, row: number): StridedMatrix {
  return { ...matrix, offset: matrix.offset + row * matrix.row };
}

export function transposed(matrix: StridedMatrix): StridedMatrix {
  return { ...matrix, row: matrix.column, column: matrix.row };
}

/** What becomes of a sum: constants of shaders/shared/product.wgsl, and the tensors that are read or written for it. */
export interface Epilogue {
  constants: Readonly<Record<string, true>>;
  bindings: Readonly<Record<string, Tensor>>;
  /** Bytes read and written besides. */
  bytes: number;
  /** Operations of each element besides. */
  flops?: number;
}

interface Product {
  label: string;
  /** Of matmulPanel.wgsl, of matmul.wgsl (with broadcasts or without), or subgroup matrices. */
  tiles: Variant;
  call?: KernelCall;
  samples: number;
  /** 1 when left out. */
  heads?: number;
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
  /** It is added to what `out` holds, by `accumulate` or the epilogue. */
  readsOut?: boolean;
  epilogue?: Epilogue;
  /** Where rows are keys: which is the first, how many there are in all, and samples that share biases and masks. */
  keys?: { first: number; all: number; copies?: number };
}

/** How a product is dispatched: the shader with its constants, what shares the columns, and workgroups of a sample. */
interface Way {
  shader: Shader;
  constants: Record<string, number | boolean>;
  /** What the shader binds besides. */
  bindings?: Record<string, Tensor>;
  columnParts: number;
  /** Tiles of rows that a workgroup makes. */
  rowTiles: number;
  workgroups: Dispatch["workgroups"];
}

/** The tile of matmulPanel.wgsl beside matmulHeld.wgsl. */
const PANEL = { TILE_ROWS: 16, TILE_COLUMNS: 4 };

/** Specialisation constants of matmul.wgsl that are a choice. */
interface MatmulTile extends Record<string, number> {
  TILE_ROWS: number;
  TILE_COLUMNS: number;
}

function matmulWay({ tiles, rows, columns }: Product): Way {
  const { TILE_ROWS, TILE_COLUMNS, LANES: unit = 1 } = tiles.constants as MatmulTile;
  const columnParts = Math.ceil(columns / TILE_COLUMNS / unit) * unit;
  return {
    shader: matmulShader,
    constants: tiles.constants,
    columnParts,
    rowTiles: 1,
    workgroups: threads1d(columnParts * Math.ceil(rows / TILE_ROWS)),
  };
}

/** Whether rows of a and the depth of b lie next to one another, else a's depth and b's columns; all other sizes. */
function layoutOf({ rows, columns, depth, a, b }: Product) {
  const [A_ALONG, B_ALONG] = [a.column !== 1, b.row === 1];
  const sizes = [
    ...[A_ALONG ? rows : depth, a.offset, a.sample, a.head, A_ALONG ? a.column : a.row],
    ...[B_ALONG ? depth : columns, b.offset, b.sample, b.head, B_ALONG ? b.column : b.row],
  ];
  return { A_ALONG, B_ALONG, sizes };
}

function subgroupMatrixWay(p: Product, tile: MatmulSubgroupMatrixTile): Way {
  const { rows, columns, a } = p;
  const [blockRows, blockColumns] = matmulBlock(tile);
  const { A_ALONG, B_ALONG, sizes } = layoutOf(p);
  const columnParts = Math.ceil(columns / blockColumns);
  return {
    shader: matmulSubgroupMatrixShader,
    constants: {
      ...matmulSubgroupMatrixConstants(tile, { A_ALONG, B_ALONG, PARTS: a.tensor.dtype === "f32" ? 2 : 1 }),
      WIDE: sizes.every((size) => size % 4 === 0),
    },
    columnParts,
    rowTiles: 1,
    workgroups: workgroups1d(columnParts * Math.ceil(rows / blockRows)),
  };
}

function panelWay({ samples, heads = 1, rows, columns, depth, a, b }: Product, tile: LaneTile): Way {
  const { columnParts, rowTiles, rowParts } = panelParts(tile, { samples: samples * heads, rows, columns });
  const along = [depth, a.offset, a.sample, a.head, a.row, b.offset, b.sample, b.head, b.column];
  return {
    shader: matmulPanelShader,
    constants: {
      ...panelConstants(tile),
      WIDE: a.column === 1 && b.row === 1 && along.every((size) => size % 4 === 0),
    },
    columnParts,
    rowTiles,
    workgroups: workgroups1d(columnParts * rowParts),
  };
}

/** Where operands and result lie in groups of four; undefined elsewhere. */
function heldWay(ctx: KernelContext, p: Product, tile: HeldTile): Way | undefined {
  const { label, samples, heads = 1, rows, columns, depth, a, out, readsOut } = p;
  const { A_ALONG, B_ALONG, sizes } = layoutOf(p);
  const all = [...sizes, columns, out.offset, out.sample, out.head, out.row];
  const isAligned = (A_ALONG ? a.row : a.column) === 1 && all.every((size) => size % 4 === 0);
  if (!isAligned) return undefined;
  const { columnParts, rowTiles, rowParts } = heldParts(tile, { samples: samples * heads, rows, columns });
  const SEVERAL = depth > tile.DEPTH;
  // Sums wait in out where it can hold them and nobody reads what it held.
  const PARTIAL = SEVERAL && (out.tensor.dtype === "f16" || readsOut === true);
  const partial = PARTIAL ? ctx.scratch(`${label} partial`, [samples * heads, rows, columns]) : undefined;
  return {
    shader: matmulHeldShader,
    constants: { ...tile, VEC4: true, A_ALONG, B_ALONG, SEVERAL, PARTIAL },
    ...(partial && { bindings: { partial } }),
    columnParts,
    rowTiles,
    workgroups: workgroups1d(columnParts * rowParts),
  };
}

function wayOf(ctx: KernelContext, p: Product): Way {
  const held = heldTileOf(p.tiles);
  const way = held && heldWay(ctx, p, held);
  if (way) return way;
  // What does not lie in groups of four.
  if (held) return panelWay(p, { WORKGROUP: held.WORKGROUP, ...PANEL });
  const matrices = matmulSubgroupMatrixTileOf(p.tiles);
  if (matrices) return subgroupMatrixWay(p, matrices);
  const panel = panelTileOf(p.tiles);
  return panel ? panelWay(p, panel) : matmulWay(p);
}

/** Appends the dispatch of a product. */
export function product(ctx: KernelContext, p: Product): void {
  const { samples, heads = 1, rows, columns, depth, a, b, out, epilogue } = p;
  const oneSource = a.tensor === b.tensor;
  const { shader, constants, bindings = {}, columnParts, rowTiles, workgroups } = wayOf(ctx, p);
  const matrices = samples * heads;
  // Those that all samples share are counted once.
  const operand = ({ tensor, sample }: StridedMatrix, numbers: number) =>
    elementBytes(tensor) * numbers * (sample === 0 ? heads : matrices);
  ctx.dispatch({
    label: p.label,
    ...(p.call && { call: p.call }),
    shader,
    constants: {
      ...constants,
      ONE_SOURCE: oneSource,
      ...epilogue?.constants,
      ...storage(p.label, { out: out.tensor }),
      ...storagePair(a.tensor, b.tensor),
    },
    params: {
      ...{ rows, columns, depth, heads },
      ...{ aOffset: a.offset, aSample: a.sample, aHead: a.head, aRow: a.row, aDepth: a.column },
      ...{ bOffset: b.offset, bSample: b.sample, bHead: b.head, bDepth: b.row, bColumn: b.column },
      ...{ outOffset: out.offset, outSample: out.sample, outHead: out.head, outRow: out.row },
      ...{ columnParts, rowTiles, scale: p.scale ?? 1, accumulate: Number(p.accumulate ?? false) },
      ...{ firstRow: p.keys?.first ?? 0, keys: p.keys?.all ?? 0, copies: p.keys?.copies ?? 1 },
    },
    bindings: {
      a: a.tensor,
      out: out.tensor,
      ...(oneSource ? {} : { b: b.tensor }),
      ...epilogue?.bindings,
      ...bindings,
    },
    workgroups: [workgroups[0], workgroups[1], matrices],
    flops: matrices * rows * columns * (2 * depth + (epilogue?.flops ?? 0)),
    bytes:
      operand(a, rows * depth) +
      operand(b, depth * columns) +
      matrices * elementBytes(out.tensor) * (p.readsOut ? 2 : 1) * rows * columns +
      (epilogue?.bytes ?? 0),
  });
}
