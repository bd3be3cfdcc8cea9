import conv3dGradWeightSubgroupMatrixShader from "../../../shaders/conv3d/conv3dGradWeightSubgroupMatrix.wgsl";
import conv3dGradWeightRowsShader from "../../../shaders/conv3d/conv3dGradWeightRows.wgsl";
import { describeConv, hasManyVoxels, sizesOf, type ConvShape } from "./conv3dCall.ts";
import { gradWeightTiledName, gradWeightTilings, type GradWeightTiling } from "./conv3dGradWeightTiled.ts";
import {
  gradWeightSubgroupMatrixName,
  gradWeightSubgroupMatrixTiles,
  type GradWeightSubgroupMatrixTile,
} from "./conv3dGradWeightSubgroupMatrixTiles.ts";
import { gradWeightRowsFits } from "./conv3dGradWeightRows.ts";
import { gradWeightWinogradFits, gradWeightWinogradVariants } from "./conv3dGradWeightWinograd.ts";
import { hasLanes } from "../lanes.ts";
import { heldVariants } from "../matmul/held.ts";
import { isPointwise } from "./conv3dShape.ts";
import { onLavapipe, onQuads, type Variant, type VariantChoice } from "../kernel.ts";

/** What the work of a call depends on: sizes and switches. */
export interface GradWeightShape extends ConvShape {
  /** The weight is [k, k, k, channels of gradY, channels of x]. */
  transposed: number;
}

/** Splits of the positions, of the usual number: more of them leave more partial sums to add up. */
const SPLITS: readonly [name: string, percent: number][] = [
  ["teams", 100],
  ["teams, half the splits", 50],
  ["teams, twice the splits", 200],
  ["teams, four times the splits", 400],
];
const TEAMS: readonly Variant[] = SPLITS.map(([name, percent]) => ({ name, constants: { percent } }));
const ROWS: Variant = { name: "rows", shader: conv3dGradWeightRowsShader.name, constants: {} };

/** A processor pays for barriers: one is there to be compared with. */
const SOFTWARE_TILED = 1;

/** conv3dGradWeightTiled.wgsl with a tile. */
export function gradWeightTiledVariant(tile: GradWeightTiling, kernel: number): Variant {
  return { name: gradWeightTiledName(tile, kernel), shader: "conv3dGradWeightTiled", constants: tile };
}

export function gradWeightTilingOf({ constants }: Variant): GradWeightTiling {
  return constants as GradWeightTiling;
}

/** conv3dGradWeightSubgroupMatrix.wgsl with a tile. */
export function gradWeightSubgroupMatrixVariant(tile: GradWeightSubgroupMatrixTile): Variant {
  return {
    name: gradWeightSubgroupMatrixName(tile),
    shader: conv3dGradWeightSubgroupMatrixShader.name,
    constants: tile,
  };
}

export function gradWeightSubgroupMatrixTileOf({ constants }: Variant): GradWeightSubgroupMatrixTile {
  return constants as GradWeightSubgroupMatrixTile;
}

/** What conv3dWinogradMatmul.wgsl is worth its passes for. */
const inPoints = (shape: GradWeightShape): boolean => shape.kernel === 3 && hasManyVoxels(shape);

export const gradWeightVariants: VariantChoice<GradWeightShape> = {
  kernel: "conv3dGradWeight",
  of(caps, shape, dtype) {
    const tiles = gradWeightTilings(caps, sizesOf(shape), shape.stride);
    const tiled = tiles.map((tile) => gradWeightTiledVariant(tile, shape.kernel));
    // f32 is not rounded for them.
    const subgroupMatrixTiles =
      dtype === "f16" ? gradWeightSubgroupMatrixTiles(caps, sizesOf(shape), shape.stride, shape.pad) : [];
    const matrices = subgroupMatrixTiles.map(gradWeightSubgroupMatrixVariant);
    if (caps.adapterClass !== "software") return [...matrices, ...tiled, ...TEAMS];
    const rows = gradWeightRowsFits(caps, sizesOf(shape), shape.stride, shape.pad) ? [ROWS] : [];
    const winograd = gradWeightWinogradFits(caps, sizesOf(shape), shape.stride, shape.pad)
      ? gradWeightWinogradVariants(sizesOf(shape))
      : [];
    const held = hasLanes(caps) && isPointwise(shape) ? heldVariants() : [];
    return [...rows, ...winograd, ...held, ...TEAMS, ...tiled.slice(0, SOFTWARE_TILED), ...matrices];
  },
  // Rows are worked on eight columns at a time.
  table: [
    {
      ...onLavapipe("rows", "a third less than teams; as much or more for 8 channels or 12 columns"),
      when: ({ kernel, outW, inC, outC }) => kernel === 3 && outW > 12 && Math.min(inC, outC) > 8,
    },
    {
      ...onLavapipe("rows", "at 8^3 9 % less than teams with 64 channels, 30 with 128; with 32 teams are ahead"),
      when: ({ kernel, outW, inC, outC }) => kernel === 3 && outW > 6 && outW <= 8 && Math.min(inC, outC) >= 64,
    },
    {
      ...onLavapipe("held 64x64", "6,656 rows of 64 x 64 channels a tenth less than teams, of 128 x 64 a fifth"),
      when: (shape) => isPointwise(shape) && Math.min(shape.inC, shape.outC) >= 32,
    },
    {
      ...onQuads("winograd 32x16", "32 channels at 32^3 65 ms, teams 295; 64 at 16^3, batch 4, 92 and 690"),
      when: inPoints,
    },
    { ...onQuads("winograd 16x16", "16 channels at 8^3, batch 8, 3.9 ms, teams 14.5"), when: inPoints },
    { ...onQuads("winograd 16x8", "where there are few output channels"), when: inPoints },
    { ...onQuads("winograd 8x16", "where there are few input channels"), when: inPoints },
    { ...onQuads("winograd 8x8", "8 channels at 16^3, batch 8, 12.9 ms, teams 27.5"), when: inPoints },
    onLavapipe("teams", "registers alone; few splits, by the work there is"),
    { adapter: "any", variant: "subgroup matrix *", why: "tensor cores, where x and gradY are f16" },
    { adapter: "any", variant: "tiled *", why: "workgroup memory" },
    { adapter: "any", variant: "teams", why: "where workgroups are too small for tiles" },
  ],
  describe: (shape) => `${describeConv(shape)}${shape.transposed ? " transposed" : ""}`,
};
