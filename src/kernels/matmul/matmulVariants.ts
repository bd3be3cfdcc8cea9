import matmulPanelShader from "../../../shaders/matmul/matmulPanel.wgsl";
import matmulSubgroupMatrixShader from "../../../shaders/matmul/matmulSubgroupMatrix.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import { activationOf } from "../activationKinds.ts";
import { onLavapipe, type TableRow, type Variant, type VariantChoice } from "../kernel.ts";
import { hasLanes, LANES } from "../lanes.ts";
import {
  matmulSubgroupMatrixName,
  matmulSubgroupMatrixTiles,
  type MatmulSubgroupMatrixTile,
} from "./matmulSubgroupMatrix.ts";
import { heldVariants } from "./held.ts";
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
  /** Of all samples: 1 for the left factor, 2 for the right one, else 0. */
  shared: number;
  /** 1 where the samples' products are summed. */
  summed: number;
  /** What follows, each 1 where it is there; the activation by its number. */
  biased: number;
  activation: number;
  gated: number;
  residual: number;
  kept: number;
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
    ...(hasLanes(caps) ? [...heldVariants(), ...laneVariants("panel", matmulPanelShader.name, PANELS)] : []),
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
  table: [
    {
      ...onLavapipe("held 32x64", "6720x32x64 39 GFLOP/s, 64x64 26: half of what that holds would be zeros"),
      when: ({ depth }) => depth <= 32,
    },
    {
      ...onLavapipe("held 64x32", "6720x64x32 43 GFLOP/s, 64x64 38: half of its columns would be unused"),
      when: ({ columns }) => columns <= 32,
    },
    onLavapipe("held 64x64", "6720x64x64 76 GFLOP/s, 512x512x512 73, 4096x128x512 74; panel 31 and 30 of the latter"),
    ...productTable,
  ],
  describe({ samples, rows, columns, depth, transposeA, transposeB, shared, activation, ...switches }) {
    const factors = [transposeA && "aT", transposeB && "bT", shared && ["a shared", "b shared"][shared - 1]];
    const names = ["summed", "biased", "gated", "residual", "kept"].filter((name) => switches[name]);
    const words = [...factors, activationOf(activation), ...names].filter((word) => word);
    return [`${samples}x${rows}x${depth}x${columns}`, ...words].join(" ");
  },
};

const plain = { transposeA: 0, transposeB: 0, shared: 0, summed: 0 };
const bare = { ...plain, biased: 0, activation: 0, gated: 0, residual: 0, kept: 0 };

/** What tests run: every transposition, what samples share and sum, edges of all tiles, and what follows. */
export const matmulShapes: readonly MatmulShape[] = [
  { ...bare, samples: 3, rows: 37, columns: 45, depth: 20 },
  { ...bare, samples: 1, rows: 70, columns: 33, depth: 300, transposeA: 1 },
  { ...bare, samples: 2, rows: 5, columns: 12, depth: 7, transposeB: 1 },
  { ...bare, samples: 2, rows: 16, columns: 64, depth: 64, transposeA: 1, transposeB: 1 },
  { ...bare, samples: 3, rows: 20, columns: 24, depth: 12, shared: 1 },
  { ...bare, samples: 3, rows: 20, columns: 24, depth: 12, shared: 2 },
  { ...bare, samples: 3, rows: 9, columns: 24, depth: 12, shared: 2, transposeA: 1 },
  { ...bare, samples: 3, rows: 9, columns: 24, depth: 12, summed: 1 },
  { ...bare, samples: 3, rows: 9, columns: 24, depth: 12, summed: 1, transposeA: 1 },
  { ...bare, samples: 1, rows: 1, columns: 1, depth: 1 },
  { ...bare, samples: 2, rows: 33, columns: 40, depth: 16, biased: 1, activation: 1, gated: 1, residual: 1, kept: 1 },
  { ...bare, samples: 2, rows: 9, columns: 8, depth: 16, shared: 2, biased: 1, activation: 2, kept: 1 },
  { ...bare, samples: 1, rows: 9, columns: 17, depth: 5, activation: 3, gated: 1 },
  { ...bare, samples: 1, rows: 9, columns: 17, depth: 5, gated: 1, residual: 1 },
];
