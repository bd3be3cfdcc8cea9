import conv3dSubgroupMatrixShader from "../../../shaders/conv3d/conv3dSubgroupMatrix.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { DType } from "../../gpu/tensor.ts";
import {
  blockGrid,
  defaultFirst,
  isPointwiseProblem,
  PORTABLE_WORKGROUP_BYTES,
  utilisation,
  type BlockKernel,
  type ConvProblem,
  type Division,
} from "./conv3dBlocks.ts";
import type { Variant } from "../kernel.ts";
import { subgroupMatrixName, subgroupMatrixShapes, type SubgroupMatrixConstants } from "../subgroupMatrix.ts";

/** The products of a workgroup: how many subgroups along each side, and how many products each of them makes. */
interface Products extends SubgroupMatrixConstants {
  SUBGROUPS_M: number;
  SUBGROUPS_N: number;
  TILES_M: number;
  TILES_N: number;
}

/** Specialisation constants of conv3dSubgroupMatrix.wgsl that are a choice. */
export interface SubgroupMatrixTile extends Products {
  CHUNK: number;
  TAPS: number;
  /** 0 for blocks of the flattened grid. */
  BLOCK_X: number;
  BLOCK_Y: number;
  BLOCK_Z: number;
}

// Positions and output channels of a workgroup, the larger ones first. What argues for them, for 16x16x16 products in
// subgroups of 32, four of them in a workgroup (eight in the first), and a 3x3x3 kernel of stride 1. Registers are
// those of a lane's sums. Products a load: of a matrix from workgroup memory. FLOP a byte: of what the cache behind
// must give, inputs in f16 and weights, the larger part, in f32. The first tile's bytes are those of its results.
//
//   positions   registers  products  tiles in chunks of 16   gathered in chunks of 32
//   x channels             a load    FLOP a byte  bytes      FLOP a byte  bytes
//   128 x 128   64         1.3       59           16,384     43           16,384
//   128 x 64    64         1.3       55           15,552     32           14,848
//   128 x 32    32         1.0       49           12,480     21           12,800
//    64 x 64    32         1.0       29           12,096     21            9,728
//    64 x 32    16         0.7       27            9,024     16            7,680
//   128 x 16    16         0.7       39           10,944     13           11,776
//    64 x 16     8         0.5       23            7,488     11            6,656
//
// A load is 512 bytes. A multiprocessor whose workgroup memory gives 128 bytes a clock has the second tile's operands
// for 1,365 multiply-adds a clock; cards do 512 to 1,024, the largest more. Between two barriers of that tile a
// subgroup has 24 products to do, and there is room for several workgroups on a multiprocessor, which then wait in
// turn. For 8 channels there are shapes of 16x8x16.
const BLOCKS: readonly (readonly [positions: number, channels: number])[] = [
  [128, 128],
  [128, 64],
  [128, 32],
  [64, 64],
  [64, 32],
  [128, 16],
  [64, 16],
  [128, 8],
  [64, 8],
];

/** Sums that a lane holds: more spill where it has 64 registers. */
const MOST_SUMS = { discrete: 64, integrated: 32, apple: 32, unknown: 32, software: 32 } as const;

/** How the positions of a block lie: its sides, rows of matrices lying along x, or zeros where they are gathered. */
type Layout = Readonly<Record<"BLOCK_X" | "BLOCK_Y" | "BLOCK_Z", number>>;

const sides = (x: number, y: number, z: number): Layout => ({ BLOCK_X: x, BLOCK_Y: y, BLOCK_Z: z });
// Planes are staged one by one, so that only rows share their halo.
const rowsOf = (x: number) => (positions: number) => {
  const y = Math.min(8, positions / x);
  return sides(x, y, positions / (x * y));
};
const GRID_LAYOUTS = [rowsOf(16), rowsOf(8), () => sides(0, 0, 0)];
/** Without neighbours the grid is one row of voxels. */
const POINTWISE_LAYOUTS = [(positions: number) => sides(positions, 1, 1)];

const CHUNKS = [32, 16, 8] as const;

function isGathered(tile: SubgroupMatrixTile): boolean {
  return tile.BLOCK_X === 0;
}

/** Positions and channels of a workgroup. */
function subgroupMatrixBlock(tile: SubgroupMatrixTile): [positions: number, channels: number] {
  return [tile.SUBGROUPS_M * tile.TILES_M * tile.MATRIX_M, tile.SUBGROUPS_N * tile.TILES_N * tile.MATRIX_N];
}

export function subgroupMatrixInvocations(tile: SubgroupMatrixTile): number {
  return tile.SUBGROUPS_M * tile.SUBGROUPS_N * tile.SUBGROUP_SIZE;
}

/**
 * Such as `subgroup matrix 16x16x16 16x8x1x64 w128`: positions x, y, z (or all of them, gathered), channels,
 * invocations.
 */
export function subgroupMatrixTileName(tile: SubgroupMatrixTile): string {
  const { BLOCK_X: x, BLOCK_Y: y, BLOCK_Z: z } = tile;
  const [positions, channels] = subgroupMatrixBlock(tile);
  const block = isGathered(tile) ? `gathered ${positions}` : `${x}x${y}x${z}`;
  return `${subgroupMatrixName(tile)} ${block}x${channels} w${subgroupMatrixInvocations(tile)}`;
}

export function subgroupMatrixDivision(problem: ConvProblem, tile: SubgroupMatrixTile): Division {
  const [positions, channels] = subgroupMatrixBlock(tile);
  const { BLOCK_X: x, BLOCK_Y: y, BLOCK_Z: z, CHUNK: chunk } = tile;
  if (isGathered(tile)) return { block: [1, 1, positions, channels], chunk, flattened: true };
  return { block: [z, y, x, channels], chunk, flattened: isPointwiseProblem(problem) };
}

/** conv3dSubgroupMatrix.wgsl with a tile. */
export function subgroupMatrixKernel(problem: ConvProblem, tile: SubgroupMatrixTile): BlockKernel {
  const [positions] = subgroupMatrixBlock(tile);
  const constants = {
    ...tile,
    GATHER: isGathered(tile),
    STAGED: Math.ceil((positions * tile.CHUNK) / 8 / subgroupMatrixInvocations(tile)),
  };
  return { shader: conv3dSubgroupMatrixShader, constants, division: subgroupMatrixDivision(problem, tile) };
}

/** Bytes of workgroup memory, as the shader declares it. */
export function subgroupMatrixBytes(tile: SubgroupMatrixTile, taps: number, step: number, exchanged: boolean): number {
  const { BLOCK_X: x, BLOCK_Y: y, BLOCK_Z: z, CHUNK } = tile;
  const [positions, channels] = subgroupMatrixBlock(tile);
  const pitch = (columns: number) => columns / 8 + 1 - ((columns / 8) % 2);
  const voxels = isGathered(tile) ? positions : z * ((y - 1) * step + taps) * ((x - 1) * step + taps);
  const weights = exchanged ? channels * pitch(CHUNK) : CHUNK * pitch(channels);
  const results = (tile.SUBGROUPS_M * tile.MATRIX_M * channels) / 4;
  return 16 * Math.max(voxels * pitch(CHUNK) + tile.TAPS * weights, results);
}

/**
 * The tiles that an adapter can run for a problem, the default first: grids where their rows fill matrices, gathered
 * positions elsewhere. Tiles half of whose work is for nothing, by the best of them, are none.
 *
 * @param exchanged weights are [k, k, k, Co, Ci]
 */
export function subgroupMatrixTiles(caps: GpuCaps, problem: ConvProblem, exchanged: boolean): SubgroupMatrixTile[] {
  const divide = (tile: SubgroupMatrixTile) => subgroupMatrixDivision(problem, tile);
  const layouts = isPointwiseProblem(problem) ? POINTWISE_LAYOUTS : GRID_LAYOUTS;
  const tiles = layouts.flatMap((layout) =>
    BLOCKS.flatMap(([positions, channels]) => {
      const lain = layout(positions);
      const products = arrangeProducts(caps, lain.BLOCK_X || positions, positions, channels);
      const tile = products && fitChunk({ ...products, ...lain }, problem, exchanged);
      return tile ? [tile] : [];
    }),
  );
  if (tiles.length === 0) return [];
  const shares = tiles.map((tile) => utilisation(problem, divide(tile)));
  const useful = tiles.filter((_, i) => shares[i]! > 0.5 * Math.max(...shares));
  return defaultFirst(caps, problem, useful, divide);
}

/**
 * The products of the largest shape that make such a block, shared out among subgroups so that each loads as few
 * matrices as can be.
 *
 * @param row a multiple of the rows of a matrix
 */
function arrangeProducts(caps: GpuCaps, row: number, positions: number, channels: number): Products | undefined {
  const shapes = subgroupMatrixShapes(caps).filter(({ MATRIX_M, MATRIX_N, MATRIX_K }) => {
    return row % MATRIX_M === 0 && channels % MATRIX_N === 0 && CHUNKS.some((chunk) => chunk % MATRIX_K === 0);
  });
  const lanes = caps.subgroupMinSize;
  const usual = lanes < 32 ? 8 : 4;
  // More where there are too many sums for those, fewer where there are too few.
  const most = Math.min(256, caps.maxWorkgroupInvocations) / lanes;
  const counts = [usual, 2 * usual, usual / 2, 1].filter((count) => count <= most);
  for (const shape of shapes) {
    for (const subgroups of counts) {
      if ((positions * channels) / (subgroups * lanes) > MOST_SUMS[caps.adapterClass]) continue;
      let best: Products | undefined;
      for (let along = 1; along <= subgroups; along *= 2) {
        const tilesM = positions / (shape.MATRIX_M * along);
        const tilesN = channels / (shape.MATRIX_N * (subgroups / along));
        if (!Number.isInteger(tilesM) || !Number.isInteger(tilesN)) continue;
        if (best && best.TILES_M + best.TILES_N <= tilesM + tilesN) continue;
        best = {
          ...shape,
          ...{ SUBGROUPS_M: along, SUBGROUPS_N: subgroups / along, TILES_M: tilesM, TILES_N: tilesN },
        };
      }
      if (best) return best;
    }
  }
  return undefined;
}

/** The tile with the most channels and taps between barriers that fit; a fifth of the work may be chunks' padding. */
function fitChunk(tile: Products & Layout, problem: ConvProblem, exchanged: boolean): SubgroupMatrixTile | undefined {
  const { taps, step } = blockGrid(problem, false);
  const { inputChannels } = problem.sizes;
  const whole = (chunk: number) => Math.ceil(inputChannels / chunk) * chunk;
  const chunks = CHUNKS.filter((chunk) => chunk % tile.MATRIX_K === 0 && whole(chunk) <= 1.25 * whole(tile.MATRIX_K));
  const candidates = chunks.flatMap((CHUNK) => {
    const tiles = (tile.BLOCK_X === 0 ? [1] : [taps, 1]).map((TAPS) => ({ ...tile, CHUNK, TAPS }));
    return tiles.filter(
      (candidate) => subgroupMatrixBytes(candidate, taps, step, exchanged) <= PORTABLE_WORKGROUP_BYTES,
    );
  });
  const depth = ({ CHUNK, TAPS }: SubgroupMatrixTile) => CHUNK * TAPS;
  return candidates.sort((a, b) => depth(b) - depth(a))[0];
}

/** conv3dSubgroupMatrix.wgsl with a tile. */
export function subgroupMatrixVariant(tile: SubgroupMatrixTile): Variant {
  return { name: subgroupMatrixTileName(tile), shader: "conv3dSubgroupMatrix", constants: tile };
}

export function subgroupMatrixTileOf({ constants }: Variant): SubgroupMatrixTile {
  return constants as SubgroupMatrixTile;
}

/** In the order of `subgroupMatrixTiles`; none for activations in f32, which matrices would round. */
export function subgroupMatrixVariants(
  caps: GpuCaps,
  problem: ConvProblem,
  exchanged: boolean,
  dtype: DType,
): Variant[] {
  return dtype === "f16" ? subgroupMatrixTiles(caps, problem, exchanged).map(subgroupMatrixVariant) : [];
}
