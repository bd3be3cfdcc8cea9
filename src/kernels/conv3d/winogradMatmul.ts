import conv3dWinogradMatmulShader from "../../../shaders/conv3d/conv3dWinogradMatmul.wgsl";
import conv3dWinogradPointsShader from "../../../shaders/conv3d/conv3dWinogradPoints.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { hasQuads, QUAD_LANES } from "../lanes.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import type { Variant } from "../kernel.ts";
import type { ConvSizes, Size3 } from "./conv3dShape.ts";

/** What the convolution and its weight gradient by products of matrices have in common. */
export const WINOGRAD_SHADERS = [conv3dWinogradMatmulShader, conv3dWinogradPointsShader] as const;

/** Winograd's points of a tile of 4 x 4 x 4 outputs. */
export const POINTS = 216;

/** Products are made of whole groups of four numbers. */
export const GROUP = 4;

/** The rows and columns of a quad's product, in fours. */
export interface WinogradTile extends Record<string, number> {
  ROWS: number;
  QUADS: number;
}

export function winogradTileOf({ constants }: Variant): WinogradTile {
  return constants as WinogradTile;
}

/** Named by the rows and columns of a quad's product. */
export function winogradVariant([rows, quads]: readonly [rows: number, quads: number]): Variant {
  return {
    name: `winograd ${4 * rows}x${4 * quads}`,
    shader: conv3dWinogradMatmulShader.name,
    constants: { ROWS: rows, QUADS: quads },
  };
}

export function ceilTo(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

/** The grid of outputs in tiles. */
export interface WinogradGrid {
  size: Size3;
  /** Along z, y and x. */
  tilesOf: Size3;
  /** Of all samples. */
  tiles: number;
}

export function winogradGrid({ batch, outputSize: size }: ConvSizes): WinogradGrid {
  const [z, y, x] = size;
  const tilesOf: Size3 = [Math.ceil(z / 4), Math.ceil(y / 4), Math.ceil(x / 4)];
  return { size, tilesOf, tiles: batch * tilesOf[0] * tilesOf[1] * tilesOf[2] };
}

/** Whether a convolution is one that the points are for, on an adapter of the kind that they are for. */
export function winogradFits(caps: GpuCaps, sizes: ConvSizes, stride: number, pad: number): boolean {
  const same = sizes.inputSize.every((n, axis) => n === sizes.outputSize[axis]);
  // SwiftShader has no half precision, so these shaders have none.
  return hasQuads(caps) && !caps.f16 && same && sizes.kernel === 3 && stride === 1 && pad === 1;
}

/** Parameters that shaders have of a grid and the tiles that are worked on. */
export function gridParams({ size, tilesOf }: WinogradGrid): Record<string, number> {
  const [depth, height, width] = size;
  const [tilesZ, tilesY, tilesX] = tilesOf;
  return { depth, height, width, tilesZ, tilesY, tilesX };
}

/**
 * Writes the points of an input, or with `gradient` of the gradient of an output, of `tiles` tiles from `begin` on:
 * points is [tiles, 216, channels], with `byChannel` [channels, 216, tiles].
 */
export function dispatchWinogradPoints(
  ctx: KernelContext,
  args: { label: string; x: Tensor; points: Tensor; grid: WinogradGrid; begin: number },
  { gradient = false, byChannel = false } = {},
): void {
  const { label, x, points, grid, begin } = args;
  const [tiles, channels] = byChannel ? [points.shape[2]!, points.shape[0]!] : [points.shape[0]!, points.shape[2]!];
  ctx.dispatch({
    label,
    shader: conv3dWinogradPointsShader,
    constants: {
      WORKGROUP,
      ...(gradient && { GRADIENT: true }),
      ...(byChannel && { BY_CHANNEL: true }),
    },
    params: {
      ...gridParams(grid),
      ...{ inC: x.shape[4]!, tilesBegin: begin, tilesEnd: grid.tiles, tiles, channels },
    },
    bindings: { x, points },
    workgroups: threads1d(tiles * channels),
    flops: 0,
    bytes: byteLength(x) * Math.min(1, tiles / grid.tiles) + byteLength(points),
  });
}

/**
 * Writes the products of left [rows, 216, K] and right [columns, 216, K] to sums [splits, 216, rows, columns]: those of
 * a split.
 */
export function dispatchWinogradMatmul(
  ctx: KernelContext,
  args: {
    label: string;
    left: Tensor;
    right: Tensor;
    sums: Tensor;
    split: number;
    tile: WinogradTile;
    flops: number;
    call?: KernelCall | undefined;
  },
): void {
  const { label, left, right, sums, split, tile, flops, call } = args;
  const [rows, columns] = [left.shape[0]!, right.shape[0]!];
  const [tilesR, tilesC] = [rows / (4 * tile.ROWS), columns / (4 * tile.QUADS)];
  const [x, y] = workgroups1d(tilesR * tilesC);
  const splits = sums.shape[0]!;
  ctx.dispatch({
    label,
    ...(call && { call }),
    shader: conv3dWinogradMatmulShader,
    constants: { ...tile, WORKGROUP: QUAD_LANES },
    params: { tilesR, tilesC, groupsK: left.shape[2]! / GROUP, begin: (split * byteLength(sums)) / (4 * splits) },
    bindings: { left, right, sums },
    workgroups: [x, y, POINTS],
    flops,
    bytes: byteLength(left) + byteLength(right) + byteLength(sums) / splits,
  });
}
