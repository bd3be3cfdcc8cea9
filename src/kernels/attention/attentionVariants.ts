import attentionSubgroupMatrixShader from "../../../shaders/attention/attentionSubgroupMatrix.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import {
  attentionSubgroupMatrixName,
  attentionSubgroupMatrixTiles,
  type AttentionSubgroupMatrixTile,
} from "./attentionSubgroupMatrix.ts";
import { onLavapipe, type Variant, type VariantChoice } from "../kernel.ts";

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

/** attentionSubgroupMatrix.wgsl with a tile. */
export function attentionSubgroupMatrixVariant(tile: AttentionSubgroupMatrixTile): Variant {
  return { name: attentionSubgroupMatrixName(tile), shader: attentionSubgroupMatrixShader.name, constants: tile };
}

/** The tile of a variant of attentionSubgroupMatrix.wgsl, undefined for those of attentionMatmul.wgsl. */
export function attentionSubgroupMatrixTileOf({ shader, constants }: Variant): AttentionSubgroupMatrixTile | undefined {
  return shader === attentionSubgroupMatrixShader.name ? (constants as AttentionSubgroupMatrixTile) : undefined;
}

function variantsOf(caps: GpuCaps, shape: AttentionShape, dtype: DType): Variant[] {
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
    ...matrices,
    ...small
      .filter(([rows]) => known && rows % lanes === 0)
      .map(([rows, columns]) => tile("broadcast", rows, columns, { LANES: lanes })),
    ...small.filter(([rows]) => rows <= 16).map(([rows, columns]) => tile("loads", rows, columns)),
  ];
}

/** Of `attention` and of `attentionGrad`. */
const variants = (kernel: string): VariantChoice<AttentionShape> => ({
  kernel,
  of: variantsOf,
  table: [
    onLavapipe("broadcast 16x4", "one load and broadcasts instead of eight loads of one word"),
    { adapter: "software", variant: "loads 8x4", why: "as on others, where there is no subgroup of one size" },
    { adapter: "any", variant: "subgroup matrix *", why: "tensor cores, where activations are f16" },
    { adapter: "any", variant: "loads 8x4", why: "a word for all lanes is one access on a GPU" },
  ],
  describe: ({ samples, tokens, channels }) => `${samples}x${tokens}x${channels}`,
});

export const attentionVariants = variants("attention");
export const attentionGradVariants = variants("attentionGrad");
