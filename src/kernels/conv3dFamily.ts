import conv3dCode from "../../shaders/conv3d.wgsl";
import conv3dBrickCode from "../../shaders/conv3dBrick.wgsl";
import conv3dBrickSumCode from "../../shaders/conv3dBrickSum.wgsl";
import conv3dParityCode from "../../shaders/conv3dParity.wgsl";
import convTranspose3dCode from "../../shaders/convTranspose3d.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import type { DType } from "../gpu/dispatch.ts";
import type { ConvProblem } from "./conv3dBlocks.ts";
import { brickName, brickTiles, type BrickTile } from "./conv3dBrickTiles.ts";
import { conv3dMatrixShader, matrixTileName, matrixTiles, type MatrixTile } from "./conv3dMatrix.ts";
import { conv3dParityFits, parityVariants } from "./conv3dParity.ts";
import { conv3dRowsFits, ROWS_SHADERS, rowsVariants } from "./conv3dRows.ts";
import { isFlat, type ConvSizes } from "./conv3dShape.ts";
import type { ConvTile } from "./conv3dTiles.ts";
import type { Variant, VariantFamily } from "./variant.ts";

/** Sizes of one convolution as its variants are chosen by. */
export interface ConvShape extends Record<string, number> {
  batch: number;
  inD: number;
  inH: number;
  inW: number;
  inC: number;
  outD: number;
  outH: number;
  outW: number;
  outC: number;
  kernel: number;
  stride: number;
  pad: number;
  /** Weights are [k, k, k, Co, Ci]. */
  exchanged: number;
  /** They are read from the last tap to the first. */
  flipped: number;
}

export function convShape(
  sizes: ConvSizes,
  stride: number,
  pad: number,
  { exchanged, flipped }: { exchanged: boolean; flipped: boolean } = { exchanged: false, flipped: false },
): ConvShape {
  const [inD, inH, inW] = sizes.inputSize;
  const [outD, outH, outW] = sizes.outputSize;
  const { batch, inputChannels: inC, outputChannels: outC, kernel } = sizes;
  return {
    batch,
    inD,
    inH,
    inW,
    inC,
    outD,
    outH,
    outW,
    outC,
    kernel,
    stride,
    pad,
    exchanged: exchanged ? 1 : 0,
    flipped: flipped ? 1 : 0,
  };
}

export function sizesOf(shape: ConvShape): ConvSizes {
  const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel } = shape;
  return {
    batch,
    inputSize: [inD, inH, inW],
    outputSize: [outD, outH, outW],
    inputChannels: inC,
    outputChannels: outC,
    kernel,
  };
}

export function describeConv(shape: ConvShape): string {
  const { batch, inD, inH, inW, inC, outD, outH, outW, outC, kernel, stride, pad, exchanged, flipped } = shape;
  const sizes = `${batch}x${inD}x${inH}x${inW}x${inC} -> ${outD}x${outH}x${outW}x${outC}`;
  return `${sizes}, k${kernel} s${stride} p${pad}${flipped ? " flipped" : exchanged ? " exchanged" : ""}`;
}

/** TILE_X x TILE_Y x TILE_C: outputs that an invocation of conv3d.wgsl or convTranspose3d.wgsl accumulates. */
type Tile = readonly [number, number, number];

const FLAT: readonly Tile[] = [
  [8, 1, 16],
  [8, 1, 8],
  [4, 1, 16],
  [4, 1, 8],
  [16, 1, 8],
  [4, 1, 4],
];
const CUBIC: readonly Tile[] = [
  [4, 4, 8],
  [2, 4, 8],
  [4, 2, 8],
  [4, 4, 4],
  [2, 4, 4],
  [2, 2, 8],
  [2, 2, 4],
];

/** Fewer on a processor: they compile for a second or more each, and small tiles have never been ahead there. */
const SOFTWARE_FLAT = FLAT.slice(0, 4);
const SOFTWARE_CUBIC = CUBIC.slice(0, 3);

const GPU_WORKGROUPS = [64, 128, 256];

/**
 * The tiles with all sizes of a workgroup. On software adapters that is one subgroup, since they run one after another
 * on a core. Where subgroups are large enough some lanes load the weights for all; "loads" has each load its own.
 */
export function tiledVariants(caps: GpuCaps, tiles: readonly Tile[]): Variant[] {
  const software = caps.adapterClass === "software";
  const workgroups = software ? [8] : GPU_WORKGROUPS.filter((size) => size <= caps.maxWorkgroupInvocations);
  const spreadOver = (channels: number) =>
    !caps.subgroups || caps.subgroupMinSize < 4 ? 0 : caps.subgroupMinSize >= 8 && channels % 8 === 0 ? 8 : 4;
  return tiles.flatMap(([x, y, c]) =>
    workgroups.flatMap((workgroup) => {
      const lanes = spreadOver(c);
      const tile = { TILE_X: x, TILE_Y: y, TILE_C: c, WORKGROUP: workgroup };
      const name = `tiled ${x}x${y}x${c} w${workgroup}`;
      if (lanes === 0) return [{ name, constants: tile }];
      const spread = { name, constants: { ...tile, LANES: lanes } };
      return software ? [spread] : [spread, { name: `${name} loads`, constants: tile }];
    }),
  );
}

/** The constants of a variant that `tiledVariants` made. */
export function tileOf(variant: Variant): ConvTile {
  return variant.constants as ConvTile;
}

/** By output channels, for the table. */
function channelClass(channels: number): string {
  return channels > 32 ? "beyond 32" : channels > 16 ? "to 32" : channels > 8 ? "to 16" : "to 8";
}

const BLOCK_SHADERS = [
  conv3dMatrixShader,
  { name: "conv3dBrick", code: conv3dBrickCode },
  { name: "conv3dBrickSum", code: conv3dBrickSumCode },
];

/**
 * A barrier costs a processor more than what workgroup memory saves it, and it multiplies matrices element by element:
 * one of each is there to be compared with.
 */
const SOFTWARE_BLOCKS = 1;

function problemOf(shape: ConvShape, transposed: boolean): ConvProblem {
  return { sizes: sizesOf(shape), stride: shape.stride, pad: shape.pad, transposed };
}

/** conv3dBrick.wgsl with a tile. */
export function brickVariant(tile: BrickTile): Variant {
  return { name: brickName(tile), shader: "conv3dBrick", constants: tile };
}

export function brickTileOf({ constants }: Variant): BrickTile {
  return constants as BrickTile;
}

/** In the order of `brickTiles`: the first is the largest that leaves little of its work unused. */
function brickVariants(caps: GpuCaps, problem: ConvProblem): Variant[] {
  return brickTiles(caps, problem).map(brickVariant);
}

/** conv3dMatrix.wgsl with a tile. */
export function matrixVariant(tile: MatrixTile): Variant {
  return { name: matrixTileName(tile), shader: "conv3dMatrix", constants: tile };
}

export function matrixTileOf({ constants }: Variant): MatrixTile {
  return constants as MatrixTile;
}

/** In the order of `matrixTiles`; none for activations in f32, which matrices would round. */
function matrixVariants(caps: GpuCaps, problem: ConvProblem, exchanged: boolean, dtype: DType): Variant[] {
  return dtype === "f16" ? matrixTiles(caps, problem, exchanged).map(matrixVariant) : [];
}

export const conv3dFamily: VariantFamily<ConvShape> = {
  kernel: "conv3d",
  shaders: [
    { name: "conv3d", code: conv3dCode },
    ...ROWS_SHADERS,
    { name: "conv3dParity", code: conv3dParityCode },
    ...BLOCK_SHADERS,
  ],
  variants(caps, shape, dtype) {
    const software = caps.adapterClass === "software";
    const flat = isFlat(shape.kernel, shape.stride, shape.pad);
    const tiles = software ? (flat ? SOFTWARE_FLAT : SOFTWARE_CUBIC) : flat ? FLAT : CUBIC;
    const problem = problemOf(shape, false);
    const bricks = brickVariants(caps, problem);
    const matrices = matrixVariants(caps, problem, shape.exchanged === 1, dtype);
    if (!software) return [...matrices, ...bricks, ...tiledVariants(caps, tiles)];
    const rows = conv3dRowsFits(caps, problem.sizes, shape.stride, shape.pad) ? rowsVariants(shape.outW) : [];
    const parity = conv3dParityFits(caps, problem) ? parityVariants(problem.sizes) : [];
    const blocks = [bricks, matrices].flatMap((some) => some.slice(0, SOFTWARE_BLOCKS));
    return [...rows, ...parity, ...tiledVariants(caps, tiles), ...blocks];
  },
  shapeClass(shape) {
    const { kernel, stride, pad, outW } = shape;
    if (isFlat(kernel, stride, pad)) return `1x1x1${shape.exchanged ? " exchanged" : ""}, ${channelClass(shape.outC)}`;
    if (stride !== 1) return `strided, ${channelClass(shape.outC)}`;
    if (kernel !== 3) return "other kernels";
    const row = outW > 8 ? "beyond 8" : outW > 4 ? "5 to 8" : "to 4";
    return pad === 1 ? `3x3x3, rows ${row}, ${channelClass(shape.outC)}` : "3x3x3, other padding";
  },
  describe: describeConv,
};

export const convTranspose3dFamily: VariantFamily<ConvShape> = {
  kernel: "convTranspose3d",
  shaders: [
    { name: "convTranspose3d", code: convTranspose3dCode },
    { name: "conv3dParity", code: conv3dParityCode },
    ...BLOCK_SHADERS,
  ],
  variants(caps, shape, dtype) {
    const problem = problemOf(shape, true);
    const bricks = brickVariants(caps, problem);
    const matrices = matrixVariants(caps, problem, shape.exchanged === 1, dtype);
    if (caps.adapterClass !== "software") return [...matrices, ...bricks, ...tiledVariants(caps, CUBIC)];
    const parity = conv3dParityFits(caps, problem) ? parityVariants(problem.sizes) : [];
    const blocks = [bricks, matrices].flatMap((some) => some.slice(0, SOFTWARE_BLOCKS));
    return [...parity, ...tiledVariants(caps, SOFTWARE_CUBIC), ...blocks];
  },
  shapeClass: ({ kernel, outC }) => `k${kernel}, ${channelClass(outC)}`,
  describe: describeConv,
};
