import type { Dispatch } from "../../gpu/dispatch.ts";

/** Constants shared by conv3d.wgsl and convTranspose3d.wgsl; with LANES, where some lanes load the weights for all. */
export interface ConvTile extends Record<string, number> {
  TILE_X: number;
  TILE_Y: number;
  TILE_C: number;
  WORKGROUP: number;
}

/**
 * How the invocations of a workgroup and then the workgroups lie over the outputs: along x while the row is long
 * enough, then along y, then along the rows n * depth + z.
 */
export function layTiles(
  tile: ConvTile,
  size: { width: number; height: number; planes: number; channels: number },
): { params: Record<string, number>; count: number } {
  const spansX = Math.ceil(size.width / tile.TILE_X);
  const spansY = Math.ceil(size.height / tile.TILE_Y);
  const lanesX = Math.min(tile.WORKGROUP, powerOfTwoAtLeast(spansX));
  const lanesY = Math.min(tile.WORKGROUP / lanesX, powerOfTwoAtLeast(spansY));
  const params = {
    tiles_x: Math.ceil(spansX / lanesX),
    tiles_y: Math.ceil(spansY / lanesY),
    tiles_z: Math.ceil((size.planes * lanesX * lanesY) / tile.WORKGROUP),
    blocks_c: Math.ceil(size.channels / tile.TILE_C),
    lanes_x: lanesX,
    lanes_y: lanesY,
  };
  return { params, count: params.tiles_x * params.tiles_y * params.tiles_z * params.blocks_c };
}

function powerOfTwoAtLeast(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}

/** What a shader's host part makes of a convolution's sizes; operands and their flags are added by the caller. */
export type ConvDispatch = Pick<Dispatch, "shader" | "constants" | "workgroups"> & { params: Record<string, number> };
