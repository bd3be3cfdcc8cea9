import conv3dGradWeightCode from "../../shaders/conv3dGradWeight.wgsl";
import conv3dGradWeightBrickCode from "../../shaders/conv3dGradWeightBrick.wgsl";
import sumPartialsCode from "../../shaders/sumPartials.wgsl";
import { describeConv, sizesOf, type ConvShape } from "./conv3dFamily.ts";
import { gradWeightBrickName, gradWeightBrickTiles, type GradWeightBrickTile } from "./conv3dGradWeightBrick.ts";
import {
  gradWeightMatrixName,
  gradWeightMatrixShader,
  gradWeightMatrixTiles,
  type GradWeightMatrixTile,
} from "./conv3dGradWeightMatrix.ts";
import { gradWeightRowsFits, gradWeightRowsShader } from "./conv3dGradWeightRows.ts";
import type { Variant, VariantFamily } from "./variant.ts";

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
const ROWS: Variant = { name: "rows", shader: gradWeightRowsShader.name, constants: {} };

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
  return { name: gradWeightMatrixName(tile), shader: gradWeightMatrixShader.name, constants: tile };
}

export function gradWeightMatrixTileOf({ constants }: Variant): GradWeightMatrixTile {
  return constants as GradWeightMatrixTile;
}

export const gradWeightFamily: VariantFamily<GradWeightShape> = {
  kernel: "conv3dGradWeight",
  shaders: [
    { name: "conv3dGradWeight", code: conv3dGradWeightCode },
    gradWeightRowsShader,
    { name: "conv3dGradWeightBrick", code: conv3dGradWeightBrickCode },
    gradWeightMatrixShader,
    { name: "sumPartials", code: sumPartialsCode },
  ],
  variants(caps, shape, dtype) {
    const tiles = gradWeightBrickTiles(caps, sizesOf(shape), shape.stride);
    const bricks = tiles.map((tile) => gradWeightBrickVariant(tile, shape.kernel));
    // f32 is not rounded for them.
    const matrixTiles = dtype === "f16" ? gradWeightMatrixTiles(caps, sizesOf(shape), shape.stride, shape.pad) : [];
    const matrices = matrixTiles.map(gradWeightMatrixVariant);
    if (caps.adapterClass !== "software") return [...matrices, ...bricks, ...TEAMS];
    const rows = gradWeightRowsFits(caps, sizesOf(shape), shape.stride, shape.pad) ? [ROWS] : [];
    return [...rows, ...TEAMS, ...bricks.slice(0, SOFTWARE_BRICKS), ...matrices];
  },
  shapeClass({ kernel, outW, inC, outC }) {
    const channels = Math.min(inC, outC);
    // Rows are worked on eight columns at a time.
    const wide = outW > 12 && channels > 8;
    const many = outW > 6 && outW <= 8 && channels >= 64;
    return `k${kernel}, ${wide ? "wide" : many ? "narrow, many channels" : "narrow"}`;
  },
  describe: (shape) => `${describeConv(shape)}${shape.transposed ? " transposed" : ""}`,
};
