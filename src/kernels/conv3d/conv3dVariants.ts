import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import type { ConvProblem } from "./conv3dBlocks.ts";
import { brickName, brickTiles, type BrickTile } from "./conv3dBrickTiles.ts";
import { matrixTileName, matrixTiles, type MatrixTile } from "./conv3dMatrix.ts";
import { conv3dParityFits, parityVariants } from "./conv3dParity.ts";
import { conv3dRowsFits, rowsVariants } from "./conv3dRows.ts";
import { isFlat, type ConvSizes } from "./conv3dShape.ts";
import type { ConvTile } from "./conv3dTiles.ts";
import { onLavapipe, type TableRow, type Variant, type VariantChoice } from "../kernel.ts";

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

/** A shape for tests: N = 2, 5 input channels, `depth` planes of `size` by `size` voxels. */
export function testConvShape(
  [depth, size]: readonly [number, number],
  [kernel, stride, pad]: readonly [number, number, number],
  outC: number,
  more: Partial<ConvShape> = {},
): ConvShape {
  const out = (n: number) => Math.floor((n + 2 * pad - kernel) / stride) + 1;
  return {
    ...{ batch: 2, inD: depth, inH: size, inW: size, inC: 5 },
    ...{ outD: out(depth), outH: out(size), outW: out(size), outC },
    ...{ kernel, stride, pad, exchanged: 0, flipped: 0, ...more },
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

/** Rows for graphics cards, of which none was measured. */
const matrixRow: TableRow<ConvShape> = {
  adapter: "any",
  variant: "subgroup matrix *",
  why: "matrix units do many times the multiply-adds; f16 alone",
};
const brickRow: TableRow<ConvShape> = {
  adapter: "any",
  variant: "brick *",
  why: "workgroup memory; the largest tile for the class that leaves little unused",
};

const flat = ({ kernel, stride, pad }: ConvShape): boolean => isFlat(kernel, stride, pad);
const strided = ({ stride }: ConvShape): boolean => stride !== 1;
const cubic = ({ kernel, stride }: ConvShape): boolean => kernel === 3 && stride === 1;
/** What conv3dRows.wgsl computes, by the length of its rows. */
const rows = (shape: ConvShape, above: number, to = Infinity): boolean =>
  cubic(shape) && shape.pad === 1 && shape.outW > above && shape.outW <= to;

export const conv3dVariants: VariantChoice<ConvShape> = {
  kernel: "conv3d",
  of(caps, shape, dtype) {
    const software = caps.adapterClass === "software";
    const tiles = software ? (flat(shape) ? SOFTWARE_FLAT : SOFTWARE_CUBIC) : flat(shape) ? FLAT : CUBIC;
    const problem = problemOf(shape, false);
    const bricks = brickVariants(caps, problem);
    const matrices = matrixVariants(caps, problem, shape.exchanged === 1, dtype);
    if (!software) return [...matrices, ...bricks, ...tiledVariants(caps, tiles)];
    const inRows = conv3dRowsFits(caps, problem.sizes, shape.stride, shape.pad) ? rowsVariants(shape.outW) : [];
    const parity = conv3dParityFits(caps, problem) ? parityVariants(problem.sizes) : [];
    const blocks = [bricks, matrices].flatMap((some) => some.slice(0, SOFTWARE_BLOCKS));
    return [...inRows, ...parity, ...tiledVariants(caps, tiles), ...blocks];
  },
  // "rows" and "parity" need subgroups of eight lanes: SwiftShader passes over them.
  table: [
    {
      ...onLavapipe("rows 2x8x8", "192 accumulators a lane, whose loop fits the instruction cache"),
      when: (shape) => rows(shape, 8),
    },
    {
      ...onLavapipe(
        "rows 1x8x16",
        "128 channels at 8^3 15 % less than 1x8x8, which compiles in two thirds of the time",
      ),
      when: (shape) => rows(shape, 4, 8) && shape.outC > 32,
    },
    { ...onLavapipe("rows 1x8x8", "where a row is one subgroup"), when: (shape) => rows(shape, 4, 8) },
    {
      ...onLavapipe("rows 1x4x16", "4^3 grids have rows to fill a subgroup, and many channels"),
      when: (shape) => rows(shape, 0, 4) && shape.outC > 32,
    },
    {
      ...onLavapipe("rows 1x4x8", "a tenth slower than 1x4x16, and compiles in less than half the time"),
      when: (shape) => rows(shape, 0, 4),
    },
    {
      ...onLavapipe("tiled 8x1x8 w8", "8x16^3x16 1.1 ms, parity 2x4x32 2.3, most of whose channels are unused"),
      when: (shape) => flat(shape) && shape.outC <= 8,
    },
    {
      ...onLavapipe("tiled 8x1x16 w8", "8x8^3x32 0.48 ms, exchanged 8x16^3x8 1.3; parity 2x4x32 0.69 and 1.9"),
      when: (shape) => flat(shape) && shape.outC <= 16,
    },
    {
      ...onLavapipe(
        "parity 2x4x32",
        "inputs serve many channels. 1x8x64 takes 5 % less for whole 64s, but 17 more for 96 and 30 more at 4^3",
      ),
      when: flat,
    },
    {
      ...onLavapipe("parity 2x4x8", "36 to 39 % less than 2x4x16, half of whose channels are unused"),
      when: (shape) => strided(shape) && shape.outC <= 8,
    },
    { ...onLavapipe("parity 2x4x16", "four taps share a load"), when: strided },
    {
      ...onLavapipe("parity 1x8x64", "kernels of 2"),
      when: (shape) => strided(shape) && shape.outC > 32,
    },
    { ...onLavapipe("parity 1x8x32", "kernels of 2"), when: strided },
    {
      adapter: "software",
      when: cubic,
      variant: "tiled 4x4x8 w8",
      why: "128 accumulators, more spill and compile for longer",
      measured: "SwiftShader",
    },
    {
      adapter: "software",
      when: flat,
      variant: "tiled 8x1x16 w8",
      why: "inputs serve many channels",
      measured: "SwiftShader",
    },
    onLavapipe("tiled 2x4x8 w8", "fewer outputs where each needs more inputs; it is loads that compile slowly"),
    matrixRow,
    brickRow,
  ],
  describe: describeConv,
};

export const convTranspose3dVariants: VariantChoice<ConvShape> = {
  kernel: "convTranspose3d",
  of(caps, shape, dtype) {
    const problem = problemOf(shape, true);
    const bricks = brickVariants(caps, problem);
    const matrices = matrixVariants(caps, problem, shape.exchanged === 1, dtype);
    if (caps.adapterClass !== "software") return [...matrices, ...bricks, ...tiledVariants(caps, CUBIC)];
    const parity = conv3dParityFits(caps, problem) ? parityVariants(problem.sizes) : [];
    const blocks = [bricks, matrices].flatMap((some) => some.slice(0, SOFTWARE_BLOCKS));
    return [...parity, ...tiledVariants(caps, SOFTWARE_CUBIC), ...blocks];
  },
  table: [
    {
      ...onLavapipe("parity 2x4x8", "30 % less than 2x4x16"),
      when: ({ kernel, outC }) => kernel === 4 && outC <= 8,
    },
    onLavapipe("parity 2x4x16", "four taps share a load"),
    { ...onLavapipe("parity 1x8x64", "kernels of 2"), when: ({ kernel, outC }) => kernel === 2 && outC > 32 },
    { ...onLavapipe("parity 1x8x32", "kernels of 2"), when: ({ kernel }) => kernel === 2 },
    onLavapipe("tiled 4x4x8 w8", "128 accumulators; a tile needs few inputs beside them"),
    matrixRow,
    brickRow,
  ],
  describe: describeConv,
};
