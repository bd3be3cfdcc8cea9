import attentionFusedShader from "../../../shaders/attention/attentionFused.wgsl";
import attentionPanelShader from "../../../shaders/attention/attentionPanel.wgsl";
import attentionSubgroupMatrixShader from "../../../shaders/attention/attentionSubgroupMatrix.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import {
  attentionSubgroupMatrixName,
  attentionSubgroupMatrixTiles,
  type AttentionSubgroupMatrixTile,
} from "./attentionSubgroupMatrix.ts";
import { fusedFits } from "./attentionFused.ts";
import type { LaneTile } from "./attentionPanel.ts";
import { hasLanes, LANES } from "../lanes.ts";
import { onLavapipe, type Variant, type TableRow, type VariantChoice } from "../kernel.ts";

/** What the work of a call depends on: sizes and switches. */
export interface AttentionShape extends Record<string, number> {
  samples: number;
  tokens: number;
  channels: number;
}

/** TILE_ROWS x TILE_COLUMNS: sums of a thread in the matrix products. */
const TILES = [
  [16, 4],
  [8, 4],
  [4, 4],
  [8, 8],
  [32, 2],
  [32, 4],
] as const;
const MOST_SUMS = 128;

/** The same of attentionPanel.wgsl and of attentionFused.wgsl, on the adapters that they are for. */
const PANELS = [
  [16, 4],
  [16, 8],
] as const;
const FUSED = [
  [16, 4],
  [16, 8],
] as const;

function laneVariants(kind: string, shader: string, tiles: readonly (readonly [number, number])[]): Variant[] {
  return tiles.map(([rows, columns]) => {
    const constants: LaneTile = { WORKGROUP: LANES, TILE_ROWS: rows, TILE_COLUMNS: columns };
    return { name: `${kind} ${rows}x${columns}`, shader, constants };
  });
}

/** The tile of a variant of attentionPanel.wgsl. */
export function panelTileOf({ shader, constants }: Variant): LaneTile | undefined {
  return shader === attentionPanelShader.name ? (constants as LaneTile) : undefined;
}

/** The tile of a variant of attentionFused.wgsl. */
export function fusedTileOf({ shader, constants }: Variant): LaneTile | undefined {
  return shader === attentionFusedShader.name ? (constants as LaneTile) : undefined;
}

/** attentionSubgroupMatrix.wgsl with a tile. */
export function attentionSubgroupMatrixVariant(tile: AttentionSubgroupMatrixTile): Variant {
  return { name: attentionSubgroupMatrixName(tile), shader: attentionSubgroupMatrixShader.name, constants: tile };
}

/** The tile of a variant of attentionSubgroupMatrix.wgsl, undefined for those of attentionMatmul.wgsl. */
export function attentionSubgroupMatrixTileOf({ shader, constants }: Variant): AttentionSubgroupMatrixTile | undefined {
  return shader === attentionSubgroupMatrixShader.name ? (constants as AttentionSubgroupMatrixTile) : undefined;
}

/** The ways to make the matrix products. */
function productVariants(caps: GpuCaps, shape: AttentionShape, dtype: DType): Variant[] {
  const { subgroups, subgroupMinSize: lanes, subgroupMaxSize } = caps;
  // Lanes that share the left factors need a subgroup of one known size that divides the rows.
  const known = subgroups && lanes === subgroupMaxSize && lanes >= 4;
  const small = TILES.filter(([rows, columns]) => rows * columns <= MOST_SUMS);
  const tile = (kind: string, rows: number, columns: number, more: Record<string, number> = {}) => ({
    name: `${kind} ${rows}x${columns}`,
    constants: { TILE_ROWS: rows, TILE_COLUMNS: columns, ...more },
  });
  const matrices = dtype === "f16" ? attentionSubgroupMatrixTiles(caps, shape).map(attentionSubgroupMatrixVariant) : [];
  return [
    ...(hasLanes(caps) ? laneVariants("panel", attentionPanelShader.name, PANELS) : []),
    ...matrices,
    ...small
      .filter(([rows]) => known && rows % lanes === 0)
      .map(([rows, columns]) => tile("broadcast", rows, columns, { LANES: lanes })),
    ...small.filter(([rows]) => rows <= 16).map(([rows, columns]) => tile("loads", rows, columns)),
  ];
}

const describe = ({ samples, tokens, channels }: AttentionShape) => `${samples}x${tokens}x${channels}`;

/** Where others than lavapipe stand. */
const table: readonly TableRow<AttentionShape>[] = [
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

export const attentionVariants: VariantChoice<AttentionShape> = {
  kernel: "attention",
  of(caps, shape, dtype) {
    const fused = hasLanes(caps) && fusedFits(shape) ? laneVariants("fused", attentionFusedShader.name, FUSED) : [];
    return [...fused, ...productVariants(caps, shape, dtype)];
  },
  table: [
    onLavapipe("fused 16x4", "64x512 0.35 ms, 512x128 2.9, 4096x64 100; panel 1.2, 4.7, 151; broadcast 0.8, 6.8, 213"),
    onLavapipe("panel 16x4", "where the channels are too many to keep: a panel serves many rows"),
    ...table,
  ],
  describe,
};

export const attentionGradVariants: VariantChoice<AttentionShape> = {
  kernel: "attentionGrad",
  of: productVariants,
  table: [onLavapipe("panel 16x4", "64x512 1.7 ms, 512x128 10.8, 4096x64 310; broadcast 2.1, 15.0, 478"), ...table],
  describe,
};

/** What tests run. */
export const attentionShapes: readonly AttentionShape[] = [
  { samples: 2, tokens: 300, channels: 20 },
  { samples: 1, tokens: 1, channels: 3 },
  { samples: 1, tokens: 45, channels: 70 },
];
