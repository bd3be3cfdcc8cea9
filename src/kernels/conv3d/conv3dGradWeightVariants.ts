import conv3dGradWeightMatrixShader from "../../../shaders/conv3d/conv3dGradWeightMatrix.wgsl";
import conv3dGradWeightRowsShader from "../../../shaders/conv3d/conv3dGradWeightRows.wgsl";
import { describeConv, sizesOf, type ConvShape } from "./conv3dVariants.ts";
import { gradWeightBrickName, gradWeightBrickTiles, type GradWeightBrickTile } from "./conv3dGradWeightBrick.ts";
import { gradWeightMatrixName, gradWeightMatrixTiles, type GradWeightMatrixTile } from "./conv3dGradWeightMatrix.ts";
import { gradWeightRowsFits } from "./conv3dGradWeightRows.ts";
import { onLavapipe, type Variant, type VariantChoice } from "../kernel.ts";

export interface GradWeightShape extends ConvShape {
  /** The weight is [k, k, k, channels of gradY, channels of x]. */
  transposed: number;
}

/** Slices of the positions, of the usual number: more of them leave more partial sums to add up. */
const SLICES: readonly [name: string, percent: number][] = [
  ["teams", 100],
  ["teams, half the slices", 50],
  ["teams, twice the slices", 200],
  ["teams, four times the slices", 400],
];
const TEAMS: readonly Variant[] = SLICES.map(([name, percent]) => ({ name, constants: { percent } }));
const ROWS: Variant = { name: "rows", shader: conv3dGradWeightRowsShader.name, constants: {} };

/** A processor pays for barriers: one is there to be compared with. */
const SOFTWARE_BRICKS = 1;

/** conv3dGradWeightBrick.wgsl with a tile. */
export function gradWeightBrickVariant(tile: GradWeightBrickTile, kernel: number): Variant {
  return { name: gradWeightBrickName(tile, kernel), shader: "conv3dGradWeightBrick", constants: tile };
}

export function gradWeightBrickTileOf({ constants }: Variant): GradWeightBrickTile {
  return constants as GradWeightBrickTile;
}

/** conv3dGradWeightMatrix.wgsl with a tile. */
export function gradWeightMatrixVariant(tile: GradWeightMatrixTile): Variant {
  return { name: gradWeightMatrixName(tile), shader: conv3dGradWeightMatrixShader.name, constants: tile };
}

export function gradWeightMatrixTileOf({ constants }: Variant): GradWeightMatrixTile {
  return constants as GradWeightMatrixTile;
}

export const gradWeightVariants: VariantChoice<GradWeightShape> = {
  kernel: "conv3dGradWeight",
  of(caps, shape, dtype) {
    const tiles = gradWeightBrickTiles(caps, sizesOf(shape), shape.stride);
    const bricks = tiles.map((tile) => gradWeightBrickVariant(tile, shape.kernel));
    // f32 is not rounded for them.
    const matrixTiles = dtype === "f16" ? gradWeightMatrixTiles(caps, sizesOf(shape), shape.stride, shape.pad) : [];
    const matrices = matrixTiles.map(gradWeightMatrixVariant);
    if (caps.adapterClass !== "software") return [...matrices, ...bricks, ...TEAMS];
    const rows = gradWeightRowsFits(caps, sizesOf(shape), shape.stride, shape.pad) ? [ROWS] : [];
    return [...rows, ...TEAMS, ...bricks.slice(0, SOFTWARE_BRICKS), ...matrices];
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
    onLavapipe("teams", "registers alone; few slices, by the work there is"),
    { adapter: "any", variant: "subgroup matrix *", why: "tensor cores, where x and gradY are f16" },
    { adapter: "any", variant: "brick *", why: "workgroup memory" },
    { adapter: "any", variant: "teams", why: "where workgroups are too small for bricks" },
  ],
  describe: (shape) => `${describeConv(shape)}${shape.transposed ? " transposed" : ""}`,
};
