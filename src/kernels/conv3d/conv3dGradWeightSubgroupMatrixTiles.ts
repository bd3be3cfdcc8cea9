import type { GpuCaps } from "../../gpu/caps.ts";
import { subgroupMatrixShapes, subgroupMatrixName, type SubgroupMatrixConstants } from "../subgroupMatrix.ts";
import { PORTABLE_WORKGROUP_BYTES } from "./conv3dBlocks.ts";
import { isPointwise, type ConvSizes } from "./conv3dShape.ts";

/** The channels of a workgroup: how many subgroups it has along each axis, and the products that each makes. */
interface ChannelBlock extends SubgroupMatrixConstants {
  SUBGROUPS_I: number;
  SUBGROUPS_O: number;
  SUB_I: number;
  SUB_O: number;
}

/** Specialisation constants of conv3dGradWeightSubgroupMatrix.wgsl that are a choice. */
export interface GradWeightSubgroupMatrixTile extends ChannelBlock {
  LINE: number;
  LINES: number;
}

/** Input and output channels of a workgroup. */
export function blockOf(tile: ChannelBlock): [inputs: number, outputs: number] {
  return [tile.SUBGROUPS_I * tile.SUB_I * tile.MATRIX_M, tile.SUBGROUPS_O * tile.SUB_O * tile.MATRIX_N];
}

/** Slots that a line has of x, for each of its phases, beyond those of gradY. */
export function haloOf(kernel: number, stride: number): number {
  return Math.ceil(kernel / stride) - 1;
}

export function gradWeightSubgroupMatrixInvocations(tile: GradWeightSubgroupMatrixTile): number {
  return tile.SUBGROUP_SIZE * tile.SUBGROUPS_I * tile.SUBGROUPS_O;
}

/** Such as `subgroup matrix 16x16x16 64x64 w128`: shape, a workgroup's input and output channels, its invocations. */
export function gradWeightSubgroupMatrixName(tile: GradWeightSubgroupMatrixTile): string {
  return `${subgroupMatrixName(tile)} ${blockOf(tile).join("x")} w${gradWeightSubgroupMatrixInvocations(tile)}`;
}

/** Slots of x and gradY in a block of positions. */
function slotsOf(tile: GradWeightSubgroupMatrixTile, kernel: number, stride: number): [x: number, gradient: number] {
  return [tile.LINES * Math.min(kernel, stride) * (tile.LINE + haloOf(kernel, stride)), tile.LINES * tile.LINE];
}

/** Bytes of workgroup memory, as the shader declares it. */
export function gradWeightSubgroupMatrixBytes(
  tile: GradWeightSubgroupMatrixTile,
  kernel: number,
  stride: number,
): number {
  const [x, gradient] = slotsOf(tile, kernel, stride);
  const [inputs, outputs] = blockOf(tile);
  const operands = x * ((inputs / 8) | 1) + gradient * ((outputs / 8) | 1);
  const strip = (tile.SUBGROUPS_I * tile.MATRIX_M * outputs) / 4;
  return 16 * Math.max(operands, strip) + 4 * (x + gradient);
}

/** Elements of 8 channels of a block that an invocation loads. */
export function loadsOf(
  tile: GradWeightSubgroupMatrixTile,
  kernel: number,
  stride: number,
): [x: number, gradient: number] {
  const [x, gradient] = slotsOf(tile, kernel, stride);
  const [inputs, outputs] = blockOf(tile);
  const invocations = gradWeightSubgroupMatrixInvocations(tile);
  return [Math.ceil((x * inputs) / 8 / invocations), Math.ceil((gradient * outputs) / 8 / invocations)];
}

/** How the rows of gradY, of so many positions, lie in the lines of a block; see the shader. */
interface Lines {
  /** Rows in a line, the slots from one to the next, and the lines that a row takes where it is longer. */
  rows: number;
  rowPitch: number;
  tilesX: number;
  blocks: number;
}

export function linesOf(tile: GradWeightSubgroupMatrixTile, grid: Grid, halo: number): Lines {
  const { LINE: line, LINES: lines } = tile;
  const pitch = grid.width + halo;
  const several = Math.floor((line - grid.width) / pitch) + 1;
  const [rows, rowPitch, tilesX] = several > 1 ? [several, pitch, 1] : [1, line + halo, Math.ceil(grid.width / line)];
  return { rows, rowPitch, tilesX, blocks: Math.ceil(grid.rows / (rows * lines)) * tilesX };
}

/** Rows of gradY, of all samples, and their positions: without neighbours all voxels are one row. */
interface Grid {
  rows: number;
  width: number;
}

export function gridOf({ kernel, batch, outputSize }: ConvSizes, stride: number, pad: number): Grid {
  const [depth, height, width] = outputSize;
  const rows = batch * depth * height;
  return isPointwise({ kernel, stride, pad }) ? { rows: 1, width: rows * width } : { rows, width };
}

// Channels of input and output that a subgroup has sums of, the largest choice first. What argues for the largest, with
// matrices of 16x16x16, subgroups of 32, two by two of them, and rows of whole lines. Registers are a lane's for its
// sums; what it has of a step and of the next block takes some 50 more. Loads are of matrices, for each product: a card
// that multiplies 1,024 numbers a clock beside 128 bytes of workgroup memory is kept busy by one, most do half as much.
// Products are a subgroup's between two barriers. FLOP a byte: of what the cache behind must give.
//
//   kernel, stride  channels  positions  bytes   registers  loads  products  FLOP a byte
//   3, 1            64 x 64   48         15,096   96        0.67   36        90
//   3, 2            64 x 64   32         14,504   96        0.67   24        63
//   4, 2            64 x 64   32         14,504  128        0.63   32        84
//   2, 2            64 x 64   32         14,208   64        0.75   16        43
//   1, 1            128 x 64  32         13,568   64        0.75   16        43
//
// Three workgroups of the first fit 64 K registers, and one waits at its barriers while others multiply. Adapters other
// than graphics cards begin with the second choice: half the registers, 0.8 to 1 loads. 16 channels for one subgroup
// alone still do 23 FLOP a byte for a kernel of 3.
const SUBGROUP_CHANNELS: readonly (readonly [number, number])[] = [
  [32, 32],
  [16, 32],
  [16, 16],
  [8, 8],
];
const ONE_TAP_CHANNELS: typeof SUBGROUP_CHANNELS = [
  [64, 32],
  [32, 32],
  [16, 16],
  [8, 8],
];
/** Subgroups of a workgroup along input and output channels: fewer where there are fewer channels. */
const SUBGROUPS = [
  [2, 2],
  [1, 4],
  [4, 1],
  [1, 3],
  [3, 1],
  [1, 2],
  [2, 1],
  [1, 1],
] as const;

/** Steps of MATRIX_K positions between two barriers, and of what a barrier costs. */
const MOST_STEPS = 4;
const BARRIER_STEPS = 0.5;
/** Elements that an invocation has on their way: four registers each. */
const MOST_LOADS = 12;

/** Tiles of the adapter's first shape; of each other only the default, to be compared with. */
const MOST_TILES = 4;

/** The tiles that an adapter can run, the default first; none where it has no matrices. */
export function gradWeightSubgroupMatrixTiles(
  caps: GpuCaps,
  sizes: ConvSizes,
  stride: number,
  pad: number,
): GradWeightSubgroupMatrixTile[] {
  // A processor multiplies matrices element by element: one is there to be compared with.
  const [shapes, most] = caps.adapterClass === "software" ? [1, 1] : [undefined, MOST_TILES];
  return subgroupMatrixShapes(caps)
    .slice(0, shapes)
    .flatMap((shape, i) => tilesOf(caps, shape, sizes, stride, pad).slice(0, i === 0 ? most : 1));
}

function tilesOf(
  caps: GpuCaps,
  shape: SubgroupMatrixConstants,
  sizes: ConvSizes,
  stride: number,
  pad: number,
): GradWeightSubgroupMatrixTile[] {
  const grid = gridOf(sizes, stride, pad);
  const [large, middle, ...small] = sizes.kernel === 1 ? ONE_TAP_CHANNELS : SUBGROUP_CHANNELS;
  // A processor's compiler makes of a product what it is for each element.
  const larger = { software: [], discrete: [large!, middle!] }[caps.adapterClass as string] ?? [middle!, large!];
  const counts = [...larger, ...small];
  const tiles = counts.flatMap(([inputs, outputs]) =>
    SUBGROUPS.flatMap(([subgroupsI, subgroupsO]) => {
      const tile = {
        ...shape,
        ...{ SUBGROUPS_I: subgroupsI, SUBGROUPS_O: subgroupsO },
        SUB_I: Math.max(1, Math.floor(inputs / shape.MATRIX_M)),
        SUB_O: Math.max(1, Math.floor(outputs / shape.MATRIX_N)),
      };
      return withLines(tile, grid, sizes.kernel, stride);
    }),
  );
  const names = tiles.map(gradWeightSubgroupMatrixName);
  const distinct = tiles.filter(
    (tile, i) =>
      names.indexOf(names[i]!) === i && gradWeightSubgroupMatrixInvocations(tile) <= caps.maxWorkgroupInvocations,
  );
  // A larger tile is worth some padding, but not more than a fifth of the work.
  const shares = distinct.map((tile) => utilisation(tile, sizes, grid, haloOf(sizes.kernel, stride)));
  return distinct.filter((_, i) => shares[i]! >= 0.8 * Math.max(...shares));
}

/** With the lines that waste least of their steps, barriers included; none where nothing fits workgroup memory. */
function withLines(tile: ChannelBlock, grid: Grid, kernel: number, stride: number): GradWeightSubgroupMatrixTile[] {
  let best: GradWeightSubgroupMatrixTile | undefined;
  let most = 0;
  for (let steps = MOST_STEPS; steps >= 1; steps--) {
    for (let LINES = 1; LINES * steps <= MOST_STEPS; LINES++) {
      const candidate = { ...tile, LINE: steps * tile.MATRIX_K, LINES };
      const [x, gradient] = loadsOf(candidate, kernel, stride);
      const all = steps * LINES;
      if (gradWeightSubgroupMatrixBytes(candidate, kernel, stride) > PORTABLE_WORKGROUP_BYTES) continue;
      if (all > 1 && x + gradient > MOST_LOADS) continue;
      const score = (usedPositions(candidate, grid, haloOf(kernel, stride)) * all) / (all + BARRIER_STEPS);
      if (score > most) [best, most] = [candidate, score];
    }
  }
  return best ? [best] : [];
}

/** The share of the positions of its blocks that there are. */
function usedPositions(tile: GradWeightSubgroupMatrixTile, grid: Grid, halo: number): number {
  return (grid.rows * grid.width) / (linesOf(tile, grid, halo).blocks * tile.LINE * tile.LINES);
}

function utilisation(tile: GradWeightSubgroupMatrixTile, sizes: ConvSizes, grid: Grid, halo: number): number {
  const channels = [sizes.inputChannels, sizes.outputChannels];
  return blockOf(tile).reduce(
    (share, block, i) => {
      return (share * channels[i]!) / (Math.ceil(channels[i]! / block) * block);
    },
    usedPositions(tile, grid, halo),
  );
}
