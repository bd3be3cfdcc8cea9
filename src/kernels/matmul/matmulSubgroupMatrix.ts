import type { GpuCaps } from "../../gpu/caps.ts";
import { PORTABLE_WORKGROUP_BYTES } from "../conv3d/conv3dBlocks.ts";
import { subgroupMatrixName, subgroupMatrixShapes, type SubgroupMatrixConstants } from "../subgroupMatrix.ts";

/** Specialisation constants of matmulSubgroupMatrix.wgsl that are a choice for all products. */
export interface MatmulSubgroupMatrixTile extends SubgroupMatrixConstants {
  SUBGROUPS_ROWS: number;
  SUBGROUPS_COLUMNS: number;
  SUB_ROWS: number;
  SUB_COLUMNS: number;
}

/** How the operands of a product lie. */
export interface ProductLayout {
  /** Rows of a lie next to one another, else its depth. */
  A_ALONG: boolean;
  /** The depth of b lies next to one another, else its columns. */
  B_ALONG: boolean;
  /** Of a number of a: 2 where a is f32, which is cut into two of f16. */
  PARTS: 1 | 2;
}

/** Rows and columns of a workgroup. */
export function matmulBlock(tile: MatmulSubgroupMatrixTile): [rows: number, columns: number] {
  const { SUBGROUPS_ROWS, SUBGROUPS_COLUMNS, SUB_ROWS, SUB_COLUMNS, MATRIX_M, MATRIX_N } = tile;
  return [SUBGROUPS_ROWS * SUB_ROWS * MATRIX_M, SUBGROUPS_COLUMNS * SUB_COLUMNS * MATRIX_N];
}

export function matmulSubgroupMatrixInvocations(tile: MatmulSubgroupMatrixTile): number {
  return tile.SUBGROUP_SIZE * tile.SUBGROUPS_ROWS * tile.SUBGROUPS_COLUMNS;
}

/** Such as `subgroup matrix 16x16x16 64x64 w128`: the shape, rows and columns of a workgroup, and its invocations. */
export function matmulSubgroupMatrixName(tile: MatmulSubgroupMatrixTile): string {
  return `${subgroupMatrixName(tile)} ${matmulBlock(tile).join("x")} w${matmulSubgroupMatrixInvocations(tile)}`;
}

/** Bytes of workgroup memory, as the shader declares it. */
export function matmulSubgroupMatrixBytes(
  tile: MatmulSubgroupMatrixTile,
  layout: ProductLayout,
  depth: number,
): number {
  const [rows, columns] = matmulBlock(tile);
  const staged = (along: boolean, across: number) => (along ? depth * ((across / 8) | 1) : across * ((depth / 8) | 1));
  const strip = (tile.SUBGROUPS_ROWS * tile.MATRIX_M * columns) / 4;
  return (
    16 * Math.max(layout.PARTS * staged(layout.A_ALONG, rows) + staged(!layout.B_ALONG, columns), layout.PARTS * strip)
  );
}

/** Numbers along the depth between two barriers. */
const MOST_DEPTH = 32;

/** The longest steps along the depth whose operands fit workgroup memory; 0 where none do. */
function depthOf(tile: MatmulSubgroupMatrixTile, layout: ProductLayout): number {
  const k = tile.MATRIX_K;
  for (let depth = Math.max(1, Math.floor(MOST_DEPTH / k)) * k; depth > 0; depth -= k) {
    if (matmulSubgroupMatrixBytes(tile, layout, depth) <= PORTABLE_WORKGROUP_BYTES) return depth;
  }
  return 0;
}

/** All constants of the shader for a product, but those of storage. */
export function matmulSubgroupMatrixConstants(
  tile: MatmulSubgroupMatrixTile,
  layout: ProductLayout,
): Record<string, number | boolean> {
  const DEPTH = depthOf(tile, layout);
  const [rows, columns] = matmulBlock(tile);
  const loads = (count: number) => Math.ceil((count * DEPTH) / 8 / matmulSubgroupMatrixInvocations(tile));
  return { ...tile, ...layout, DEPTH, LOADS_A: loads(rows), LOADS_B: loads(columns) };
}

// Rows and columns that a subgroup has sums of, and subgroups along both. With matrices of 16x16x16, subgroups of 32
// and operands of f16, the first takes 32 registers a lane for its sums, 16 for what is on its way, and a load of a
// matrix for each product; it does 32 FLOP for each byte staged. Where a has two parts it is 64, 24, 0.75 and 21.
const BLOCKS: readonly (readonly [number, number, number, number])[] = [
  [32, 32, 2, 2],
  [32, 32, 2, 1],
  [16, 16, 2, 2],
  [16, 16, 2, 1],
  [16, 8, 2, 1],
];
/** A processor's compiler makes of a product what it is for each element. */
const SOFTWARE_BLOCKS = BLOCKS.slice(-1);

const LAYOUTS: readonly ProductLayout[] = [true, false].flatMap((A_ALONG) =>
  [true, false].flatMap((B_ALONG) => ([2, 1] as const).map((PARTS) => ({ A_ALONG, B_ALONG, PARTS }))),
);

interface Sizes {
  readonly rows: number;
  readonly columns: number;
}

/** The tiles that an adapter can run, the default first; none where it has no matrices. */
export function matmulSubgroupMatrixTiles(caps: GpuCaps, sizes: Sizes): MatmulSubgroupMatrixTile[] {
  // A processor multiplies matrices element by element: one is there to be compared with.
  const software = caps.adapterClass === "software";
  return subgroupMatrixShapes(caps)
    .slice(0, software ? 1 : undefined)
    .flatMap((shape, i) => tilesOf(caps, shape, sizes).slice(0, software || i > 0 ? 1 : undefined));
}

function tilesOf(caps: GpuCaps, shape: SubgroupMatrixConstants, sizes: Sizes): MatmulSubgroupMatrixTile[] {
  const tiles = (caps.adapterClass === "software" ? SOFTWARE_BLOCKS : BLOCKS).map((block) => {
    const [rows, columns, SUBGROUPS_ROWS, SUBGROUPS_COLUMNS] = block;
    const SUB_ROWS = Math.max(1, Math.floor(rows / shape.MATRIX_M));
    const SUB_COLUMNS = Math.max(1, Math.floor(columns / shape.MATRIX_N));
    return { ...shape, SUBGROUPS_ROWS, SUBGROUPS_COLUMNS, SUB_ROWS, SUB_COLUMNS };
  });
  const names = tiles.map(matmulSubgroupMatrixName);
  const fitting = tiles.filter(
    (tile, i) =>
      names.indexOf(names[i]!) === i &&
      matmulSubgroupMatrixInvocations(tile) <= caps.maxWorkgroupInvocations &&
      LAYOUTS.every((layout) => depthOf(tile, layout) > 0),
  );
  // A larger tile is worth some padding, but not more than a fifth of the work.
  const used = (n: number, block: number) => n / (Math.ceil(n / block) * block);
  const shares = fitting.map((tile) => {
    const [rows, columns] = matmulBlock(tile);
    return used(sizes.rows, rows) * used(sizes.columns, columns);
  });
  return fitting.filter((_, i) => shares[i]! >= 0.8 * Math.max(...shares));
}
