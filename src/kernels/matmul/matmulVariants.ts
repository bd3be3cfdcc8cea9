import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import matmulSubgroupMatrixShader from "../../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import { onLavapipe, type TableRow, type Variant, type VariantChoice } from "../kernel.ts";
import { hasLanes, LANES } from "../lanes.ts";
import {
  matmulSubgroupMatrixName,
  matmulSubgroupMatrixTiles,
  type MatmulSubgroupMatrixTile,
} from "./matmulSubgroupMatrix.ts";
import type { LaneTile } from "./panel.ts";

/** What the work of a call depends on: sizes and switches. */
export interface MatmulShape extends Record<string, number> {
  /** 1 where one product is made of all. */
  samples: number;
  rows: number;
  columns: number;
  depth: number;
  /** 1 where the factor lies transposed. */
  transposeA: number;
  transposeB: number;
}

/** TILE_ROWS x TILE_COLUMNS: sums of a thread. */
const TILES = [
  [16, 4],
  [8, 4],
  [4, 4],
  [8, 8],
  [32, 2],
  [32, 4],
] as const;
const MOST_SUMS = 128;

/** The same of matmulPanel.wgsl, on the adapters that it is for. */
const PANELS = [
  [16, 4],
  [16, 8],
] as const;

/** Variants of a shader for lanes. */
export function laneVariants(kind: string, shader: string, tiles: readonly (readonly [number, number])[]): Variant[] {
  return tiles.map(([rows, columns]) => {
    const constants: LaneTile = { WORKGROUP: LANES, TILE_ROWS: rows, TILE_COLUMNS: columns };
    return { name: `${kind} ${rows}x${columns}`, shader, constants };
  });
}

/** The tile of a variant of matmulPanel.wgsl. */
export function panelTileOf({ shader, constants }: Variant): LaneTile | undefined {
  return shader === matmulPanelShader.name ? (constants as LaneTile) : undefined;
}

/** matmulSubgroupMatrix.wgsl with a tile. */
export function matmulSubgroupMatrixVariant(tile: MatmulSubgroupMatrixTile): Variant {
  return { name: matmulSubgroupMatrixName(tile), shader: matmulSubgroupMatrixShader.name, constants: tile };
}

/** The tile of a variant of matmulSubgroupMatrix.wgsl, undefined for others. */
export function matmulSubgroupMatrixTileOf({ shader, constants }: Variant): MatmulSubgroupMatrixTile | undefined {
  return shader === matmulSubgroupMatrixShader.name ? (constants as MatmulSubgroupMatrixTile) : undefined;
}

/** The ways to make matrix products of about this size; `dtype` is that of both factors, f32 where they differ. */
export function productVariants(
  caps: GpuCaps,
  sizes: { readonly rows: number; readonly columns: number },
  dtype: DType,
): Variant[] {
  const { subgroups, subgroupMinSize: lanes, subgroupMaxSize } = caps;
  // Lanes that share the left factors need a subgroup of one known size that divides the rows.
  const known = subgroups && lanes === subgroupMaxSize && lanes >= 4;
  const small = TILES.filter(([rows, columns]) => rows * columns <= MOST_SUMS);
  const tile = (kind: string, rows: number, columns: number, more: Record<string, number> = {}) => ({
    name: `${kind} ${rows}x${columns}`,
    constants: { TILE_ROWS: rows, TILE_COLUMNS: columns, ...more },
  });
  const matrices = dtype === "f16" ? matmulSubgroupMatrixTiles(caps, sizes).map(matmulSubgroupMatrixVariant) : [];
  return [
    ...(hasLanes(caps) ? laneVariants("panel", matmulPanelShader.name, PANELS) : []),
    ...matrices,
    ...small
      .filter(([rows]) => known && rows % lanes === 0)
      .map(([rows, columns]) => tile("broadcast", rows, columns, { LANES: lanes })),
    ...small.filter(([rows]) => rows <= 16).map(([rows, columns]) => tile("loads", rows, columns)),
  ];
}

/** Where others than lavapipe stand. */
export const productTable: readonly TableRow[] = [
  {
    adapter: "software",
    variant: "broadcast 16x4",
    why: "one load and broadcasts instead of eight loads of one word",
    measured: "SwiftShader",
  },
  { adapter: "software", variant: "loads 8x4", why: "as on others, where there is no subgroup of one size" },
  { adapter: "any", variant: "subgroup matrix *", why: "tensor cores, where activations are f16" },
  { adapter: "any", variant: "loads 8x4", why: "a word for all lanes is one access on a GPU" },
];

export const matmulVariants: VariantChoice<MatmulShape> = {
  kernel: "matmul",
  of: productVariants,
  table: [onLavapipe("panel 16x4", "a panel serves many rows"), ...productTable],
  describe({ samples, rows, columns, depth, transposeA, transposeB }) {
    return `${samples}x${rows}x${depth}x${columns}${transposeA ? " aT" : ""}${transposeB ? " bT" : ""}`;
  },
};
