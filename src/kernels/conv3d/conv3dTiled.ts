import conv3dTiledShader from "../../../shaders/conv3d/conv3dTiled.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import {
  blockGrid,
  defaultFirst,
  isPointwiseProblem,
  PORTABLE_WORKGROUP_BYTES,
  type BlockKernel,
  type ConvProblem,
  type Division,
} from "./conv3dBlocks.ts";
import type { Variant } from "../kernel.ts";

/** Specialisation constants of conv3dTiled.wgsl that are a choice. */
export interface Tiling extends Record<string, number> {
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
const POINTWISE_LARGE: readonly Row[] = [
  [8, 1, 2, 16, 1, 1, 8, 4],
  [8, 1, 2, 32, 1, 1, 4, 2],
  [8, 1, 2, 8, 1, 1, 8, 4],
  [8, 1, 2, 64, 1, 1, 1, 1],
];
const POINTWISE_SMALL: readonly Row[] = [
  [4, 1, 2, 16, 1, 1, 8, 4],
  [4, 1, 2, 32, 1, 1, 4, 4],
];

/** Outputs z, y, x and channels of a workgroup. */
export function tiledBlock(tile: Tiling): [z: number, y: number, x: number, channels: number] {
  return [tile.LANES_Z, tile.LANES_Y * tile.THREAD_Y, tile.LANES_X * tile.THREAD_X, 4 * tile.LANES_C * tile.THREAD_C4];
}

export function tiledDivision(problem: ConvProblem, tile: Tiling): Division {
  return { block: tiledBlock(tile), chunk: 4 * tile.CHUNK4, flattened: isPointwiseProblem(problem) };
}

/** conv3dTiled.wgsl with a tile. */
export function tiledKernel(problem: ConvProblem, tile: Tiling): BlockKernel {
  return { shader: conv3dTiledShader, constants: tile, division: tiledDivision(problem, tile) };
}

/** Such as `tiled 8x4x4x64 w128`: outputs x, y, z and channels of a workgroup, and its invocations. */
export function tiledName(tile: Tiling): string {
  const [z, y, x, channels] = tiledBlock(tile);
  return `tiled ${x}x${y}x${z}x${channels} w${tiledInvocations(tile)}`;
}

export function tiledInvocations(tile: Tiling): number {
  return tile.LANES_X * tile.LANES_Y * tile.LANES_Z * tile.LANES_C;
}

/** Bytes of workgroup memory, as the shader declares it. */
export function tiledBytes(tile: Tiling, taps: number, step: number): number {
  const [z, y, x] = tiledBlock(tile);
  const columns = (x - 1) * step + taps;
  const plane = ((y - 1) * step + taps) * (columns % 2 === 0 ? columns + 1 : columns);
  const slab = Math.floor((z * plane + 3) / 8) * 8 + 4;
  return 16 * tile.CHUNK4 * (slab + tile.LANES_C * (taps * 4 * tile.THREAD_C4 + 1));
}

/** The tiles that an adapter can run for a problem, the default first. */
export function tilings(caps: GpuCaps, problem: ConvProblem): Tiling[] {
  const large = caps.adapterClass === "discrete";
  const rows = isPointwiseProblem(problem)
    ? large
      ? [...POINTWISE_LARGE, ...POINTWISE_SMALL]
      : [...POINTWISE_SMALL, ...POINTWISE_LARGE]
    : large
      ? [...LARGE, ...SMALL]
      : [...SMALL, ...LARGE];
  const { taps, step } = blockGrid(problem, isPointwiseProblem(problem));
  const fitting = rows.flatMap((row) => {
    const tile = fitChunk(row, taps, step);
    return tile && tiledInvocations(tile) <= caps.maxWorkgroupInvocations ? [tile] : [];
  });
  return defaultFirst(caps, problem, fitting, (tile) => tiledDivision(problem, tile));
}

/** The tile with as large a chunk as fits, up to the row's. */
function fitChunk(row: Row, taps: number, step: number): Tiling | undefined {
  const [threadX, threadY, threadC4, lanesX, lanesY, lanesZ, lanesC, chunk4] = row;
  for (let chunk = chunk4; chunk >= 1; chunk /= 2) {
    const tile: Tiling = {
      ...{ THREAD_X: threadX, THREAD_Y: threadY, THREAD_C4: threadC4 },
      ...{ LANES_X: lanesX, LANES_Y: lanesY, LANES_Z: lanesZ, LANES_C: lanesC },
      CHUNK4: chunk,
    };
    if (tiledBytes(tile, taps, step) <= PORTABLE_WORKGROUP_BYTES) return tile;
  }
  return undefined;
}

/** conv3dTiled.wgsl with a tile. */
export function tiledVariant(tile: Tiling): Variant {
  return { name: tiledName(tile), shader: "conv3dTiled", constants: tile };
}

export function tilingOf({ constants }: Variant): Tiling {
  return constants as Tiling;
}

/** In the order of `tilings`: the first is the largest that leaves little of its work unused. */
export function tiledVariants(caps: GpuCaps, problem: ConvProblem): Variant[] {
  return tilings(caps, problem).map(tiledVariant);
}
