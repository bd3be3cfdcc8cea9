import type { GpuCaps } from "../../gpu/caps.ts";
import {
  blockGrid,
  defaultFirst,
  isProduct,
  PORTABLE_WORKGROUP_BYTES,
  type ConvProblem,
  type Division,
} from "./conv3dBlocks.ts";

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

// Outputs x, y, channels / 4 of an invocation; lanes x, y, z, channels; vec4s of input channels a chunk, where they
// fit.
type Row = readonly [number, number, number, number, number, number, number, number];

// The larger tiles come first. What argues for them, for a 3x3x3 kernel of stride 1. Registers are a lane's, as Mesa's
// compiler for RDNA 3 takes them (nothing spills, and the loop is multiply-adds to 86 to 92 %). Multiply-adds a load:
// of a vec4 from workgroup memory; 4 are the balance of a GPU that gives 32 words a clock to 128 lanes, 16 where a vec4
// takes 4 clocks whatever its lanes share. FLOP a byte: of what the cache behind must give. Whole chunks, grids without
// remainder:
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
// workgroups of 128: while one waits at its barriers for loads, the others have 1,536 multiply-adds a lane to do.
// Double buffering would take their place. Sums of 64 spill where a lane has 64 registers: integrated adapters get 32.
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

/** Outputs z, y, x and channels of a workgroup. */
export function brickBlock(tile: BrickTile): [z: number, y: number, x: number, channels: number] {
  return [tile.LANES_Z, tile.LANES_Y * tile.THREAD_Y, tile.LANES_X * tile.THREAD_X, 4 * tile.LANES_C * tile.THREAD_C4];
}

export function brickDivision(problem: ConvProblem, tile: BrickTile): Division {
  return { block: brickBlock(tile), chunk: 4 * tile.CHUNK4, flattened: isProduct(problem) };
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

/** The tiles that an adapter can run for a problem, the default first. */
export function brickTiles(caps: GpuCaps, problem: ConvProblem): BrickTile[] {
  const large = caps.adapterClass === "discrete";
  const rows = isProduct(problem)
    ? large
      ? [...FLAT_LARGE, ...FLAT_SMALL]
      : [...FLAT_SMALL, ...FLAT_LARGE]
    : large
      ? [...LARGE, ...SMALL]
      : [...SMALL, ...LARGE];
  const { taps, step } = blockGrid(problem, isProduct(problem));
  const fitting = rows.flatMap((row) => {
    const tile = fitChunk(row, taps, step);
    return tile && brickInvocations(tile) <= caps.maxWorkgroupInvocations ? [tile] : [];
  });
  return defaultFirst(caps, problem, fitting, (tile) => brickDivision(problem, tile));
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
