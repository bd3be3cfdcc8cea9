import conv3dRowsCode from "../../shaders/conv3dRows.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { workgroups1d, type Dispatch } from "../gpu/dispatch.ts";
import type { ConvSizes } from "./conv3dShape.ts";

const conv3dRowsShader = { name: "conv3dRows", code: conv3dRowsCode };

/** The subgroup size that the shader's tiles were measured with, lavapipe's. */
const LANES = 8;

/** Whether a convolution is one for conv3dRows.wgsl, on an adapter where that is the fastest. */
export function conv3dRowsFits(caps: GpuCaps, sizes: ConvSizes, stride: number, pad: number): boolean {
  const lanes = caps.subgroups && caps.subgroupMinSize === LANES && caps.subgroupMaxSize === LANES;
  const same = sizes.inputSize.every((n, axis) => n === sizes.outputSize[axis]);
  return caps.adapterClass === "software" && lanes && same && sizes.kernel === 3 && stride === 1 && pad === 1;
}

/**
 * The variant and its parameters for one shape; the caller adds operands.
 *
 * @param flipped weights are [3, 3, 3, Co, Ci] and read from the last tap to the first
 */
export function conv3dRowsDispatch(sizes: ConvSizes, flipped: boolean): Pick<Dispatch, "shader" | "constants" | "workgroups"> & { params: Record<string, number> } {
  const { batch, inputChannels, outputChannels } = sizes;
  const [depth, height, width] = sizes.outputSize;
  const tile = rowsTile(width);
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

// By measurement on lavapipe: 96 accumulators a lane for 64 outputs, whose loop fits the instruction cache.
function rowsTile(width: number) {
  if (width > LANES) return { GROUPS: 2, TILE_Y: 4, TILE_C: 8 };
  if (width > LANES / 2) return { GROUPS: 1, TILE_Y: 8, TILE_C: 8 };
  return { GROUPS: 1, TILE_Y: 4, TILE_C: 16 };
}
