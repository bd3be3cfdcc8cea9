import conv3dRowsShader from "../../../shaders/conv3d/conv3dRows.wgsl";
import conv3dRowsWeightShader from "../../../shaders/conv3d/conv3dRowsWeight.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import type { DispatchGroup } from "../../gpu/dispatchGroup.ts";
import { byteLength, elementCount, type Tensor } from "../../gpu/tensor.ts";
import type { ConvDispatch, ConvSizes } from "./conv3dShape.ts";
import { hasLanes, LANES } from "../lanes.ts";
import type { Variant } from "../kernel.ts";

export const ROWS_SHADERS = [conv3dRowsShader, conv3dRowsWeightShader] as const;

interface RowsTile extends Record<string, number> {
  GROUPS: number;
  TILE_Y: number;
  TILE_C: number;
  /** Input channels that an invocation keeps at a time. */
  CHANNELS: number;
}

/** Enough for a processor's cores: below them output channels are split, which loads inputs anew for each part. */
const FEW = 8;

/** Above them a workgroup takes several blocks along z, whose neighbours share two planes. */
const MANY = 16;

/** Most of those blocks: more hardly gain. */
const STACK = 8;

/** Whether conv3dRows.wgsl can make a convolution, on an adapter of the kind that it is for. */
export function conv3dRowsFits(caps: GpuCaps, sizes: ConvSizes, stride: number, pad: number): boolean {
  const same = sizes.inputSize.every((n, axis) => n === sizes.outputSize[axis]);
  if (!hasLanes(caps) || !same || sizes.kernel !== 3 || stride !== 1 || pad !== 1) return false;
  // Transformed weights, and sums in parts of outputs in half precision, are larger than what the caller has.
  const { batch, inputChannels, outputChannels, outputSize } = sizes;
  const outputs = batch * outputSize.reduce((a, b) => a * b, 1) * outputChannels;
  return 4 * Math.max(36 * inputChannels * outputChannels, outputs) <= caps.maxBindingBytes;
}

const WEIGHT_WORKGROUP = 32;

const weightGroup: DispatchGroup = {
  name: "transformedWeights",
  shader: ROWS_SHADERS[1],
  constants: { WORKGROUP: WEIGHT_WORKGROUP, GROUPED: true },
  when: "start",
  flat: "weight",
  own: "y",
};

/** The weights of a convolution as conv3dRows.wgsl takes them, [4, 3, 3, Ci, Co] in a scratch tensor. */
export function rowsWeight(
  ctx: KernelContext,
  convolution: string,
  weight: Tensor,
  { inputChannels, outputChannels }: ConvSizes,
  { exchanged, flipped }: { exchanged: boolean; flipped: boolean },
): Tensor {
  const label = `${convolution} Winograd weight`;
  const shape = [4, 3, 3, inputChannels, outputChannels];
  const area = inputChannels * outputChannels;
  const params = {
    inC: inputChannels,
    outC: outputChannels,
    first: flipped ? 26 * area : 0,
    tap: flipped ? -area : area,
    inStep: exchanged ? 1 : outputChannels,
    outStep: exchanged ? inputChannels : 1,
  };
  const workgroups = Math.ceil(area / WEIGHT_WORKGROUP);
  const cost = { flops: 0, bytes: byteLength(weight) + 4 * elementCount(shape) };
  const values = Object.values(params);
  const joined = ctx.join?.(weightGroup, { label, of: weight, own: { shape }, values, workgroups, ...cost });
  if (joined) return joined;
  const y = ctx.scratch(label, shape);
  ctx.dispatch({
    label,
    shader: ROWS_SHADERS[1],
    constants: { WORKGROUP: WEIGHT_WORKGROUP },
    params,
    bindings: { weight, y },
    workgroups: workgroups1d(workgroups),
    ...cost,
  });
  return y;
}

/** The variant and its parameters for one shape; the caller adds operands. */
export function conv3dRowsDispatch(sizes: ConvSizes, variant: Variant): ConvDispatch {
  const { batch, inputChannels, outputChannels } = sizes;
  const [depth, height, width] = sizes.outputSize;
  const tile = rowsTileOf(variant);
  const lanesX = Math.min(LANES, 2 ** Math.ceil(Math.log2(width)));
  const tilesX = Math.ceil(width / (tile.GROUPS * lanesX));
  const blocksY = Math.ceil(height / tile.TILE_Y);
  const allPairs = Math.ceil(depth / 2);
  const places = (stacks: number) => Math.ceil((batch * stacks * blocksY) / (LANES / lanesX)) * tilesX;
  const stacksZ = Math.ceil(allPairs / Math.max(1, Math.min(STACK, Math.floor(places(allPairs) / MANY))));
  const pairs = Math.ceil(allPairs / stacksZ);
  const stacks = Math.ceil(allPairs / pairs);
  const channelTiles = Math.ceil(outputChannels / tile.TILE_C);
  const tilesC = Math.ceil(channelTiles / Math.min(channelTiles, Math.ceil(FEW / places(stacks))));
  const blocksC = Math.ceil(channelTiles / tilesC);
  return {
    shader: ROWS_SHADERS[0],
    constants: { ...tile, WORKGROUP: LANES, EDGES: tilesX > 1 },
    params: {
      depth,
      height,
      width,
      inC: inputChannels,
      outC: outputChannels,
      stacks: batch * stacks * blocksY,
      blocksY,
      tilesX,
      blocksC,
      tilesC,
      pairs,
      lanesX,
    },
    workgroups: workgroups1d(places(stacks) * blocksC),
  };
}

/** Whether the convolution is summed in parts. */
export function rowsInParts(sizes: ConvSizes, variant: Variant): boolean {
  return sizes.inputChannels > rowsTileOf(variant).CHANNELS;
}

function rowsTileOf({ constants }: Variant): RowsTile {
  return constants as RowsTile;
}

/**
 * GROUPS x TILE_Y x TILE_C; TILE_Y is a multiple of 4. Two groups of columns are of use where a row is longer than a
 * subgroup.
 */
export function rowsVariants(width: number): Variant[] {
  const narrow = [
    [1, 8, 8],
    [1, 8, 16],
    [1, 4, 16],
    [1, 4, 8],
  ];
  const tiles = width > LANES ? [[2, 8, 8], [2, 4, 8], ...narrow.slice(0, 1)] : narrow;
  return tiles.map(([groups, y, c]) => ({
    name: `rows ${groups}x${y}x${c}`,
    shader: "conv3dRows",
    constants: { GROUPS: groups!, TILE_Y: y!, TILE_C: c!, CHANNELS: 32 },
  }));
}
