import conv3dPolyphaseShader from "../../../shaders/conv3d/conv3dPolyphase.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d } from "../../gpu/dispatch.ts";
import type { ConvProblem } from "./conv3dBlocks.ts";
import { isPointwise, weightStrides, type ConvDispatch, type ConvSizes } from "./conv3dShape.ts";
import { hasLanes, LANES } from "../lanes.ts";
import type { Variant } from "../kernel.ts";

/** A convolution, or the transpose of one, without its operands. */
export interface PolyphaseConv extends ConvProblem {
  /** The weights are [k, k, k, Co, Ci]. */
  exchanged: boolean;
}

/** Whether conv3dPolyphase.wgsl can make a convolution, on an adapter of the kind that it is for. */
export function conv3dPolyphaseFits(caps: GpuCaps, { sizes, stride, pad }: ConvProblem): boolean {
  if (!hasLanes(caps)) return false;
  if (sizes.kernel === 1) return isPointwise({ kernel: 1, stride, pad });
  return stride === 2 && pad === (sizes.kernel > 2 ? 1 : 0);
}

/** The variant and its parameters for one shape; the caller adds operands. */
export function conv3dPolyphaseDispatch(
  { sizes, stride, pad, transposed, exchanged }: PolyphaseConv,
  variant: Variant,
): ConvDispatch {
  const { batch, inputChannels, outputChannels, kernel } = sizes;
  const outStep = transposed ? stride : 1;
  const [depth, height, width] = sizes.outputSize.map((n) => Math.ceil(n / outStep)) as [number, number, number];
  const tile = variant.constants as Record<"GROUPS" | "TILE_Y" | "TILE_C", number>;
  // An odd row has one more input than its outputs are twice: the last output's neighbour, which then needs a lane.
  const columns = !transposed && kernel === 4 && sizes.inputSize[2] > 2 * width ? width + 1 : width;
  const lanesX = Math.min(LANES, 2 ** Math.ceil(Math.log2(Math.ceil(columns / tile.GROUPS))));
  const tilesX = Math.ceil(columns / (tile.GROUPS * lanesX));
  const blocksY = Math.ceil(height / tile.TILE_Y);
  const blocks = batch * depth * blocksY;
  const blocksC = Math.ceil(outputChannels / tile.TILE_C);
  const phases = transposed ? 8 : 1;
  const [inD, inH, inW] = sizes.inputSize;
  const [outD, outH, outW] = sizes.outputSize;
  return {
    shader: conv3dPolyphaseShader,
    constants: { KERNEL: kernel, ...tile, WORKGROUP: LANES, EDGES: kernel > 2 && tilesX > 1 },
    params: {
      inD,
      inH,
      inW,
      inC: inputChannels,
      outD,
      outH,
      outW,
      outC: outputChannels,
      depth,
      height,
      blocks,
      blocksY,
      tilesX,
      blocksC,
      phases,
      lanesX,
      inStep: transposed ? 1 : stride,
      outStep,
      pad,
      ...weightStrides(sizes, exchanged, false),
    },
    workgroups: workgroups1d(Math.ceil(blocks / (LANES / lanesX)) * tilesX * phases * blocksC),
  };
}

/** GROUPS x TILE_Y x TILE_C. */
export function polyphaseVariants(sizes: ConvSizes): Variant[] {
  const cubic = [
    [2, 4, 16],
    [2, 4, 8],
    [1, 8, 16],
    [1, 4, 16],
  ];
  const tiles =
    sizes.kernel > 2
      ? cubic
      : [
          [1, 8, 32],
          [1, 8, 64],
          [2, 4, 32],
          [1, 8, 8],
        ];
  return tiles.map(([groups, y, c]) => ({
    name: `polyphase ${groups}x${y}x${c}`,
    shader: "conv3dPolyphase",
    constants: { GROUPS: groups!, TILE_Y: y!, TILE_C: c! },
  }));
}
