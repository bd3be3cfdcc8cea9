import conv3dRowsCode from "../../shaders/conv3dRows.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { workgroups1d } from "../gpu/dispatch.ts";
import type { ConvSizes } from "./conv3dShape.ts";
import { hasLanes, LANES, type ConvDispatch } from "./conv3dTiles.ts";
import type { Variant } from "./variant.ts";

const conv3dRowsShader = { name: "conv3dRows", code: conv3dRowsCode };

/** Whether conv3dRows.wgsl can make a convolution, on an adapter of the kind that it is for. */
export function conv3dRowsFits(caps: GpuCaps, sizes: ConvSizes, stride: number, pad: number): boolean {
  const same = sizes.inputSize.every((n, axis) => n === sizes.outputSize[axis]);
  return hasLanes(caps) && same && sizes.kernel === 3 && stride === 1 && pad === 1;
}

/**
 * The variant and its parameters for one shape; the caller adds operands.
 *
 * @param flipped weights are [3, 3, 3, Co, Ci] and read from the last tap to the first
 */
export function conv3dRowsDispatch(sizes: ConvSizes, flipped: boolean, variant: Variant): ConvDispatch {
  const { batch, inputChannels, outputChannels } = sizes;
  const [depth, height, width] = sizes.outputSize;
  const tile = variant.constants as { GROUPS: number; TILE_Y: number; TILE_C: number };
  const lanesX = Math.min(LANES, 2 ** Math.ceil(Math.log2(width)));
  const tilesX = Math.ceil(width / (tile.GROUPS * lanesX));
  const blocksY = Math.ceil(height / tile.TILE_Y);
  const blocks = batch * depth * blocksY;
  const blocksC = Math.ceil(outputChannels / tile.TILE_C);
  const area = inputChannels * outputChannels;
  return {
    shader: conv3dRowsShader,
    constants: { ...tile, WORKGROUP: LANES, EDGES: tilesX > 1 },
    params: {
      depth,
      height,
      width,
      in_c: inputChannels,
      out_c: outputChannels,
      blocks,
      blocks_y: blocksY,
      tiles_x: tilesX,
      blocks_c: blocksC,
      lanes_x: lanesX,
      weight_first: flipped ? 26 * area : 0,
      weight_tap: flipped ? -area : area,
      weight_in: flipped ? 1 : outputChannels,
      weight_out: flipped ? inputChannels : 1,
    },
    workgroups: workgroups1d(Math.ceil(blocks / (LANES / lanesX)) * tilesX * blocksC),
  };
}

/** GROUPS x TILE_Y x TILE_C; TILE_Y is a multiple of 4. Two groups of columns are of use where a row is longer than a subgroup. */
export function rowsVariants(width: number): Variant[] {
  const tiles = width > LANES ? [[2, 4, 8], [1, 8, 8], [1, 4, 16], [1, 4, 8]] : [[1, 8, 8], [1, 4, 16], [1, 4, 8]];
  return tiles.map(([groups, y, c]) => ({
    name: `rows ${groups}x${y}x${c}`,
    shader: "conv3dRows",
    constants: { GROUPS: groups!, TILE_Y: y!, TILE_C: c! },
  }));
}
