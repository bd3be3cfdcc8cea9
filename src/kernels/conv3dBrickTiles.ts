import type { GpuCaps } from "../gpu/caps.ts";
import { isFlat, type ConvSizes } from "./conv3dShape.ts";

/** A convolution by its numbers; `transposed` is one of stride 2 from the smaller grid to the larger. */
export interface ConvProblem {
  sizes: ConvSizes;
  stride: number;
  pad: number;
  transposed: boolean;
}

/** Specialisation constants of conv3dBrick.wgsl that are a choice. */
export interface BrickTile extends Record<string, number> {
  THREAD_X: number;
  THREAD_Y: number;
  THREAD_C4: number;
  LANES_X: number;
  LANES_Y: number;
  LANES_Z: number;
  LANES_C: number;
  CHUNK4: number;
}

/** What every WebGPU device has; the tiles ask for no more. */
export const PORTABLE_WORKGROUP_BYTES = 16_384;

// Outputs x, y, channels / 4 of an invocation; lanes x, y, z, channels; vec4s of input channels a chunk, where they fit.
type Row = readonly [number, number, number, number, number, number, number, number];

// The larger tiles come first. What argues for them, for a 3x3x3 kernel of stride 1. Registers are a lane's, as Mesa's
// compiler for RDNA 3 takes them (nothing spills, and the loop is multiply-adds to 86 to 92 %). Multiply-adds a load: of a
// vec4 from workgroup memory; 4 are the balance of a GPU that gives 32 words a clock to 128 lanes, 16 where a vec4 takes 4
// clocks whatever its lanes share. FLOP a byte: of what the cache behind must give. Whole chunks, grids without remainder:
//
//   block         invocations  bytes   registers  multiply-adds a load  FLOP a byte
//   8 4 4 x 64    128          14,976  144        21                    45
//   8 8 4 x 32    128           8,704  120        21                    54
//   8 4 2 x 64     64          10,624  144        21                    26
//   4 4 4 x 64     64          11,904  144        21                    26
//   8 8 4 x 16     64           7,904  132        21                    34
//   8 4 4 x 64    256          14,976   96        13                    45
//   8 4 4 x 32    128          11,776   96        13                    35
//   4 4 4 x 32     64           8,704   96        13                    21
//   8 8 4 x 8      64           7,504   72        13                    20
//
// For stride 2 it is 12 to 20 and 15 to 31, transposed 12 to 20 and 12 to 38, without neighbours 11 to 16 and 13 to 21.
//
// On a card with 64 K registers and 100 KiB of workgroup memory a multiprocessor, the first leaves room for 3
// workgroups of 128: while one waits at its barriers for loads, the others have 1,536 multiply-adds a lane to do. Double
// buffering would take their place. Sums of 64 spill where a lane has 64 registers: integrated adapters get 32.
const LARGE: readonly Row[] = [
  [4, 2, 2, 2, 2, 4, 8, 2],
  [4, 2, 2, 2, 4, 4, 4, 1],
  [4, 2, 2, 2, 2, 2, 8, 2],
  [4, 2, 2, 1, 2, 4, 8, 2],
  [4, 2, 2, 2, 4, 4, 2, 1],
];
const SMALL: readonly Row[] = [
  [4, 1, 2, 2, 4, 4, 8, 2],
  [4, 1, 2, 2, 4, 4, 4, 2],
  [4, 1, 2, 1, 4, 4, 4, 2],
  [4, 1, 2, 2, 8, 4, 1, 1],
];
// Without neighbours the grid is one row of voxels. 128 x 64, 64 x 64, 256 x 32 and 512 x 8; and half the sums.
const FLAT_LARGE: readonly Row[] = [
  [8, 1, 2, 16, 1, 1, 8, 4],
  [8, 1, 2, 32, 1, 1, 4, 2],
  [8, 1, 2, 8, 1, 1, 8, 4],
  [8, 1, 2, 64, 1, 1, 1, 1],
];
const FLAT_SMALL: readonly Row[] = [
  [4, 1, 2, 16, 1, 1, 8, 4],
  [4, 1, 2, 32, 1, 1, 4, 4],
];

/** Whether it is a matrix product over voxels. */
export function isProduct({ sizes, stride, pad }: ConvProblem): boolean {
  return isFlat(sizes.kernel, stride, pad);
}

/** Taps an axis and stride of the convolution that the shader does, and the grid of outputs that its blocks cover. */
export function brickGrid(problem: ConvProblem): { taps: number; step: number; grid: [number, number, number] } {
  const { sizes, stride, transposed } = problem;
  const [d, h, w] = sizes.outputSize;
  if (isProduct(problem)) return { taps: 1, step: 1, grid: [1, 1, sizes.batch * d * h * w] };
  if (!transposed) return { taps: sizes.kernel, step: stride, grid: [d, h, w] };
  return { taps: Math.ceil(sizes.kernel / 2), step: 1, grid: [Math.ceil(d / 2), Math.ceil(h / 2), Math.ceil(w / 2)] };
}

/** Outputs z, y, x and channels of a workgroup. */
export function brickBlock(tile: BrickTile): [z: number, y: number, x: number, channels: number] {
  return [tile.LANES_Z, tile.LANES_Y * tile.THREAD_Y, tile.LANES_X * tile.THREAD_X, 4 * tile.LANES_C * tile.THREAD_C4];
}

/** Such as `brick 8x4x4x64 w128`: outputs x, y, z and channels of a workgroup, and its invocations. */
export function brickName(tile: BrickTile): string {
  const [z, y, x, channels] = brickBlock(tile);
  return `brick ${x}x${y}x${z}x${channels} w${brickInvocations(tile)}`;
}

export function brickInvocations(tile: BrickTile): number {
  return tile.LANES_X * tile.LANES_Y * tile.LANES_Z * tile.LANES_C;
}

/** Bytes of workgroup memory, as the shader declares it. */
export function brickBytes(tile: BrickTile, taps: number, step: number): number {
  const [z, y, x] = brickBlock(tile);
  const columns = (x - 1) * step + taps;
  const plane = ((y - 1) * step + taps) * (columns % 2 === 0 ? columns + 1 : columns);
  const slab = Math.floor((z * plane + 3) / 8) * 8 + 4;
  return 16 * tile.CHUNK4 * (slab + tile.LANES_C * (taps * 4 * tile.THREAD_C4 + 1));
}

/** The share of a launch's multiply-adds that outputs need. */
function utilisation(problem: ConvProblem, tile: BrickTile): number {
  const { grid } = brickGrid(problem);
  const block = brickBlock(tile);
  const sides = [...grid, problem.sizes.outputChannels];
  return sides.reduce((share, n, i) => (share * n) / (Math.ceil(n / block[i]!) * block[i]!), 1);
}

/** The tiles that an adapter can run for a problem, the default first. */
export function brickTiles(caps: GpuCaps, problem: ConvProblem): BrickTile[] {
  const large = caps.adapterClass === "discrete";
  const rows = isProduct(problem)
    ? large ? [...FLAT_LARGE, ...FLAT_SMALL] : [...FLAT_SMALL, ...FLAT_LARGE]
    : large ? [...LARGE, ...SMALL] : [...SMALL, ...LARGE];
  const { taps, step } = brickGrid(problem);
  const fitting = rows.flatMap((row) => {
    const tile = fitChunk(row, taps, step);
    return tile && brickInvocations(tile) <= caps.maxWorkgroupInvocations ? [tile] : [];
  });
  // A larger tile is worth some padding, but not more than a fifth of the work, nor a GPU that is mostly idle.
  const shares = fitting.map((tile) => utilisation(problem, tile));
  const worthy = fitting.filter((_, i) => shares[i]! >= 0.8 * Math.max(...shares));
  const most = worthy.map((tile) => brickWorkgroups(problem, tile) * mostSlices(problem));
  const enough = Math.min(WANTED_WORKGROUPS[caps.adapterClass] / 2, Math.max(...most));
  const chosen = worthy[most.findIndex((n) => n >= enough)]!;
  return [chosen, ...fitting.filter((tile) => tile !== chosen)];
}

/** The tile with as large a chunk as fits, up to the row's. */
function fitChunk(row: Row, taps: number, step: number): BrickTile | undefined {
  const [threadX, threadY, threadC4, lanesX, lanesY, lanesZ, lanesC, chunk4] = row;
  for (let chunk = chunk4; chunk >= 1; chunk /= 2) {
    const tile: BrickTile = {
      ...{ THREAD_X: threadX, THREAD_Y: threadY, THREAD_C4: threadC4 },
      ...{ LANES_X: lanesX, LANES_Y: lanesY, LANES_Z: lanesZ, LANES_C: lanesC },
      CHUNK4: chunk,
    };
    if (brickBytes(tile, taps, step) <= PORTABLE_WORKGROUP_BYTES) return tile;
  }
  return undefined;
}

/** Workgroups that keep a GPU busy: several for each of its multiprocessors. */
export const WANTED_WORKGROUPS = { discrete: 512, integrated: 64, apple: 64, unknown: 128, software: 8 } as const;
/** Input channels below which a slice is not worth its partial sums. */
const LEAST_CHANNELS = 16;

function mostSlices(problem: ConvProblem): number {
  return Math.max(1, Math.floor(problem.sizes.inputChannels / LEAST_CHANNELS));
}

/** Slices of the input channels, so that there are workgroups enough. */
export function brickSlices(caps: GpuCaps, problem: ConvProblem, tile: BrickTile): { slices: number; channelsPerSlice: number } {
  const { sizes } = problem;
  const chunk = 4 * tile.CHUNK4;
  const workgroups = brickWorkgroups(problem, tile);
  const bytes = 4 * sizes.batch * sizes.outputSize.reduce((a, b) => a * b, 1) * sizes.outputChannels;
  const affordable = Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 26) / bytes));
  // Slices are written and read again: not for a GPU that is half full without.
  const full = WANTED_WORKGROUPS[caps.adapterClass];
  const wanted = workgroups >= full / 2 ? 1 : Math.ceil(full / workgroups);
  const slices = Math.min(wanted, affordable, mostSlices(problem));
  const channelsPerSlice = Math.ceil(sizes.inputChannels / (slices * chunk)) * chunk;
  return { slices: Math.ceil(sizes.inputChannels / channelsPerSlice), channelsPerSlice };
}

/** Workgroups of one slice. */
export function brickWorkgroups(problem: ConvProblem, tile: BrickTile): number {
  const { grid } = brickGrid(problem);
  const block = brickBlock(tile);
  const blocks = [...grid, problem.sizes.outputChannels].reduce((n, side, i) => n * Math.ceil(side / block[i]!), 1);
  return blocks * (problem.transposed ? 8 : 1) * (isProduct(problem) ? 1 : problem.sizes.batch);
}
