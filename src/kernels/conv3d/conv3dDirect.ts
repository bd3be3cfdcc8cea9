import conv3dShader from "../../../shaders/conv3d/conv3d.wgsl";
import convTranspose3dShader from "../../../shaders/conv3d/convTranspose3d.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d } from "../../gpu/dispatch.ts";
import type { Variant } from "../kernel.ts";
import type { ConvProblem } from "./conv3dBlocks.ts";
import { isPointwise, weightStrides, type ConvDispatch } from "./conv3dShape.ts";

/** Constants shared by conv3d.wgsl and convTranspose3d.wgsl; with LANES, where some lanes load the weights for all. */
export interface DirectTile extends Record<string, number> {
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
  tile: DirectTile,
  size: { width: number; height: number; planes: number; channels: number },
): { params: Record<string, number>; count: number } {
  const spansX = Math.ceil(size.width / tile.TILE_X);
  const spansY = Math.ceil(size.height / tile.TILE_Y);
  const lanesX = Math.min(tile.WORKGROUP, powerOfTwoAtLeast(spansX));
  const lanesY = Math.min(tile.WORKGROUP / lanesX, powerOfTwoAtLeast(spansY));
  const params = {
    tilesX: Math.ceil(spansX / lanesX),
    tilesY: Math.ceil(spansY / lanesY),
    tilesZ: Math.ceil((size.planes * lanesX * lanesY) / tile.WORKGROUP),
    blocksC: Math.ceil(size.channels / tile.TILE_C),
    lanesX,
    lanesY,
  };
  return { params, count: params.tilesX * params.tilesY * params.tilesZ * params.blocksC };
}

function powerOfTwoAtLeast(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}

/** TILE_X x TILE_Y x TILE_C: outputs that an invocation of conv3d.wgsl or convTranspose3d.wgsl accumulates. */
type Tile = readonly [number, number, number];

export const POINTWISE: readonly Tile[] = [
  [8, 1, 16],
  [8, 1, 8],
  [4, 1, 16],
  [4, 1, 8],
  [16, 1, 8],
  [4, 1, 4],
];
export const CUBIC: readonly Tile[] = [
  [4, 4, 8],
  [2, 4, 8],
  [4, 2, 8],
  [4, 4, 4],
  [2, 4, 4],
  [2, 2, 8],
  [2, 2, 4],
];

/** Fewer on a processor: they compile for a second or more each, and small tiles have never been ahead there. */
export const SOFTWARE_POINTWISE = POINTWISE.slice(0, 4);
export const SOFTWARE_CUBIC = CUBIC.slice(0, 3);

const GPU_WORKGROUPS = [64, 128, 256];

/**
 * The tiles with all sizes of a workgroup. On software adapters that is one subgroup, since they run one after another
 * on a core. Where subgroups are large enough some lanes load the weights for all; "loads" has each load its own.
 */
export function directVariants(caps: GpuCaps, tiles: readonly Tile[]): Variant[] {
  const software = caps.adapterClass === "software";
  const workgroups = software ? [8] : GPU_WORKGROUPS.filter((size) => size <= caps.maxWorkgroupInvocations);
  const spreadOver = (channels: number) =>
    !caps.subgroups || caps.subgroupMinSize < 4 ? 0 : caps.subgroupMinSize >= 8 && channels % 8 === 0 ? 8 : 4;
  return tiles.flatMap(([x, y, c]) =>
    workgroups.flatMap((workgroup) => {
      const lanes = spreadOver(c);
      const tile = { TILE_X: x, TILE_Y: y, TILE_C: c, WORKGROUP: workgroup };
      const name = `direct ${x}x${y}x${c} w${workgroup}`;
      if (lanes === 0) return [{ name, constants: tile }];
      const spread = { name, constants: { ...tile, LANES: lanes } };
      return software ? [spread] : [spread, { name: `${name} loads`, constants: tile }];
    }),
  );
}

/** The constants of a variant that `directVariants` made. */
export function directTileOf(variant: Variant): DirectTile {
  return variant.constants as DirectTile;
}

/** A convolution, or the transpose of one, without its operands. */
interface DirectConv extends ConvProblem {
  /** The weights are [k, k, k, Co, Ci]. */
  exchanged: boolean;
  /** They are read from the last tap to the first. */
  flipped: boolean;
}

/** conv3d.wgsl for one shape: any kernel, stride and padding, on any adapter. */
export function directDispatch(conv: DirectConv, tile: DirectTile): ConvDispatch {
  const { sizes, stride, pad, exchanged, flipped } = conv;
  const pointwise = isPointwise({ kernel: sizes.kernel, stride, pad });
  // Without neighbours the grid is one row of voxels, which fills the tiles whatever its sides.
  const voxels = sizes.batch * sizes.outputSize.reduce((a, b) => a * b, 1);
  const batch = pointwise ? 1 : sizes.batch;
  const [inD, inH, inW] = pointwise ? [1, 1, voxels] : sizes.inputSize;
  const [outD, outH, outW] = pointwise ? [1, 1, voxels] : sizes.outputSize;
  const layout = layTiles(tile, { width: outW, height: outH, planes: batch * outD, channels: sizes.outputChannels });
  return {
    shader: conv3dShader,
    constants: { KERNEL: sizes.kernel, STRIDE: stride, ...tile },
    params: {
      batch,
      inD,
      inH,
      inW,
      inC: sizes.inputChannels,
      outD,
      outH,
      outW,
      outC: sizes.outputChannels,
      pad,
      weightFirst: flipped ? (sizes.kernel ** 3 - 1) * sizes.inputChannels * sizes.outputChannels : 0,
      ...weightStrides(sizes, exchanged, flipped),
      ...layout.params,
    },
    workgroups: workgroups1d(layout.count),
  };
}

/** convTranspose3d.wgsl for one shape: any kernel and padding, on any adapter. */
export function directTransposedDispatch({ sizes, pad, exchanged }: DirectConv, tile: DirectTile): ConvDispatch {
  const [inD, inH, inW] = sizes.inputSize;
  const [outD, outH, outW] = sizes.outputSize;
  const rowsD = Math.ceil(outD / 2);
  const layout = layTiles(tile, {
    width: Math.ceil(outW / 2),
    height: Math.ceil(outH / 2),
    planes: sizes.batch * rowsD,
    channels: sizes.outputChannels,
  });
  return {
    shader: convTranspose3dShader,
    constants: { KERNEL: sizes.kernel, ...tile },
    params: {
      batch: sizes.batch,
      inD,
      inH,
      inW,
      inC: sizes.inputChannels,
      outD,
      outH,
      outW,
      outC: sizes.outputChannels,
      rowsD,
      pad,
      ...weightStrides(sizes, exchanged, false),
      ...layout.params,
    },
    workgroups: workgroups1d(8 * layout.count),
  };
}
