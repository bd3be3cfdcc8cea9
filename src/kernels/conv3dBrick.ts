import conv3dBrickCode from "../../shaders/conv3dBrick.wgsl";
import conv3dBrickSumCode from "../../shaders/conv3dBrickSum.wgsl";
import { byteLength, elementCount, workgroups1d, type DType, type KernelCall, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import {
  brickBlock,
  brickGrid,
  brickSlices,
  brickWorkgroups,
  isProduct,
  type BrickTile,
  type ConvProblem,
} from "./conv3dBrickTiles.ts";
import { storage, storagePair } from "./storage.ts";

const conv3dBrickShader = { name: "conv3dBrick", code: conv3dBrickCode };
const conv3dBrickSumShader = { name: "conv3dBrickSum", code: conv3dBrickSumCode };

export interface ConvOperands {
  label: string;
  x: Tensor;
  /** [k, k, k, Ci, Co]; [k, k, k, Co, Ci] where `exchanged`. */
  weight: Tensor;
  bias?: Tensor | undefined;
  addend?: Tensor | undefined;
  y: Tensor;
  exchanged: boolean;
  /** The weights are read from the last tap to the first. */
  flipped: boolean;
}

/**
 * conv3dBrick.wgsl for one problem with one tile, and the sum of its slices where there are several.
 *
 * @param flops useful operations of the convolution
 */
export function dispatchConv3dBrick(
  ctx: KernelContext,
  args: ConvOperands & { problem: ConvProblem; tile: BrickTile; flops: number; call: KernelCall },
): void {
  const { label, x, weight, bias, addend, y, exchanged, problem, tile, flops } = args;
  const { batch, inputChannels, outputChannels, inputSize, outputSize } = problem.sizes;
  const flat = isProduct(problem);
  const { taps, step, grid } = brickGrid(problem);
  const block = brickBlock(tile);
  const tiles = grid.map((n, i) => Math.ceil(n / block[i]!));
  const { slices, channelsPerSlice } = brickSlices(ctx.caps, problem, tile);
  const none = () => ctx.scratch(`${label} no bias`, [4]);
  const target = slices === 1 ? y : ctx.scratch(`${label} slices`, [slices, ...y.shape]);
  const [ownBias, ownAddend] = slices === 1 ? [bias, addend] : [];
  const vec4 = inputChannels % 4 === 0 && outputChannels % 4 === 0;
  const [inD, inH, inW] = flat ? [1, 1, grid[2]] : inputSize;
  const [outD, outH, outW] = flat ? grid : outputSize;
  ctx.dispatch({
    label,
    call: args.call,
    shader: conv3dBrickShader,
    constants: {
      KERNEL: taps,
      STRIDE: step,
      PARITY: problem.transposed && problem.sizes.kernel,
      ...tile,
      VEC4: vec4,
      WEIGHT_IN: vec4 && exchanged,
      ADDEND: ownAddend !== undefined,
      ...storagePair(x, target),
    },
    params: {
      samples: flat ? 1 : batch,
      in_d: inD,
      in_h: inH,
      in_w: inW,
      in_c: inputChannels,
      out_d: outD,
      out_h: outH,
      out_w: outW,
      out_c: outputChannels,
      pad: problem.pad,
      tiles_x: tiles[2]!,
      tiles_y: tiles[1]!,
      tiles_z: tiles[0]!,
      blocks_c: Math.ceil(outputChannels / block[3]),
      slices,
      channels_per_slice: channelsPerSlice,
      ...weightStrides(problem, exchanged, args.flipped),
      has_bias: ownBias ? 1 : 0,
    },
    bindings: { x, weight, bias: ownBias ?? none(), y: target, ...(ownAddend && { addend: ownAddend }) },
    workgroups: workgroups1d(slices * brickWorkgroups(problem, tile)),
    flops,
    bytes: [x, weight, target, ownBias, ownAddend].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
  if (slices > 1) sumSlices(ctx, { label, partial: target, bias, addend, y, slices });
}

/** Where the shader finds the weight of a tap and two channels. */
function weightStrides(problem: ConvProblem, exchanged: boolean, flipped: boolean): Record<string, number> {
  const { kernel, inputChannels, outputChannels } = problem.sizes;
  const area = inputChannels * outputChannels;
  // A class of a transposed convolution reads every other tap, backwards, from its last one.
  const step = problem.transposed ? -2 : flipped ? -1 : 1;
  const last = problem.transposed ? 2 * (Math.ceil(kernel / 2) - 1) : flipped ? kernel - 1 : 0;
  return {
    weight_first: last * (kernel * kernel + kernel + 1) * area,
    weight_z: step * kernel * kernel * area,
    weight_y: step * kernel * area,
    weight_x: step * area,
    weight_in: exchanged ? 1 : outputChannels,
    weight_out: exchanged ? inputChannels : 1,
  };
}

function sumSlices(
  ctx: KernelContext,
  args: { label: string; partial: Tensor; bias: Tensor | undefined; addend: Tensor | undefined; y: Tensor; slices: number },
): void {
  const { label, partial, bias, addend, y, slices } = args;
  const workgroup = 64;
  const elements = elementCount(y.shape);
  const none = (name: string, dtype?: DType) => ctx.scratch(`${label} no ${name}`, [4], dtype);
  ctx.dispatch({
    label: `${label} sum`,
    shader: conv3dBrickSumShader,
    constants: { WORKGROUP: workgroup, ...storage(label, { y, ...(addend && { addend }) }) },
    params: {
      slices,
      elements,
      channels: y.shape[y.shape.length - 1]!,
      has_bias: bias ? 1 : 0,
      has_addend: addend ? 1 : 0,
    },
    bindings: { partial, bias: bias ?? none("bias"), addend: addend ?? none("addend", y.dtype), y },
    workgroups: workgroups1d(Math.ceil(elements / workgroup)),
    flops: elements * (slices - 1 + (bias ? 1 : 0) + (addend ? 1 : 0)),
    bytes: [partial, bias, addend, y].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
}
