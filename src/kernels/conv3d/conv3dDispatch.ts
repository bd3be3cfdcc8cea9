import conv3dShader from "../../../shaders/conv3d/conv3d.wgsl";
import convTranspose3dShader from "../../../shaders/conv3d/convTranspose3d.wgsl";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type DType, type Tensor } from "../../gpu/tensor.ts";
import { dispatchConvBlocks, type BlockKernel, type ConvProblem } from "./conv3dBlocks.ts";
import { brickKernel } from "./conv3dBrick.ts";
import { matrixKernel } from "./conv3dMatrix.ts";
import { conv3dParityDispatch } from "./conv3dParity.ts";
import { conv3dRowsDispatch, rowsInParts, rowsWeight } from "./conv3dRows.ts";
import { convSizes, isFlat, tapPairs, weightStrides, type ConvSizes } from "./conv3dShape.ts";
import { layTiles, type ConvTile } from "./conv3dTiles.ts";
import {
  brickTileOf,
  conv3dVariants,
  convShape,
  convTranspose3dVariants,
  matrixTileOf,
  tileOf,
} from "./conv3dVariants.ts";
import { storage, storagePair } from "../storage.ts";
import { choose, type Variant } from "../kernel.ts";

/**
 * A convolution without checks; `pad` may be negative, and the shape of y need not be `conv3dShape`'s. With `exchanged`
 * the weights are [k, k, k, Co, Ci], with `flipped` they are read from the last tap to the first.
 */
export function dispatchConv3d(
  ctx: KernelContext,
  args: {
    label: string;
    x: Tensor;
    weight: Tensor;
    bias?: Tensor | undefined;
    addend?: Tensor | undefined;
    y: Tensor;
    stride: number;
    pad: number;
    exchanged?: boolean;
    flipped?: boolean;
    /** Chosen where it is not given. */
    variant?: Variant;
  },
): void {
  const { label, x, bias, addend, y, stride, pad, exchanged = false, flipped = false } = args;
  const sizes = convSizes(x.shape, y.shape, args.weight.shape[0]!);
  if (addend) storage(label, { addend, y });
  const problem = { sizes, stride, pad, transposed: false };
  const shape = convShape(sizes, stride, pad, { exchanged, flipped });
  const { variant, call } = choose(ctx.caps, conv3dVariants, shape, x.dtype, args.variant);
  const pairs = sizes.inputSize.map((n, i) => tapPairs(n, sizes.outputSize[i]!, sizes.kernel, stride, pad));
  const flops = 2 * sizes.batch * pairs.reduce((a, b) => a * b, 1) * sizes.inputChannels * sizes.outputChannels;
  const kernel = blockKernel(problem, variant);
  if (kernel) {
    dispatchConvBlocks(ctx, { ...args, exchanged, flipped, problem, kernel, flops, call });
    return;
  }
  const [rows, parity] = [variant.shader === "conv3dRows", variant.shader === "conv3dParity"];
  const weight = rows ? rowsWeight(ctx, label, args.weight, sizes, { exchanged, flipped }) : args.weight;
  const chosen = rows
    ? conv3dRowsDispatch(sizes, variant)
    : parity
      ? conv3dParityDispatch({ ...problem, exchanged }, variant)
      : tiledDispatch({ ...problem, exchanged, flipped }, tileOf(variant));
  // One pipeline with flags, rather than one for each set of operands: a pipeline of this size takes seconds to
  // compile.
  const none = (name: string, dtype?: DType) => ctx.scratch(`${label} no ${name}`, [1], dtype);
  // In parts, y would be rounded after each.
  const sums = rows &&
    y.dtype === "f16" && { sums: rowsInParts(sizes, variant) ? ctx.scratch(`${label} sums`, y.shape) : none("sums") };
  ctx.dispatch({
    ...chosen,
    label,
    call,
    constants: { ...chosen.constants, ...storagePair(x, y) },
    params: { ...chosen.params, has_bias: bias ? 1 : 0, has_addend: addend ? 1 : 0 },
    bindings: { x, weight, bias: bias ?? none("bias"), addend: addend ?? none("addend", y.dtype), y, ...sums },
    flops,
    bytes: [x, weight, y, bias, addend].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
}

/** What computes in blocks with weights as they are; undefined for the other shaders. */
function blockKernel(problem: ConvProblem, variant: Variant): BlockKernel | undefined {
  if (variant.shader === "conv3dBrick") return brickKernel(problem, brickTileOf(variant));
  if (variant.shader === "conv3dMatrix") return matrixKernel(problem, matrixTileOf(variant));
  return undefined;
}

/** conv3d.wgsl for one shape: any kernel, stride and padding, on any adapter. */
function tiledDispatch(conv: ConvProblem & { exchanged: boolean; flipped: boolean }, tile: ConvTile) {
  const { sizes, stride, pad, exchanged, flipped } = conv;
  const flat = isFlat(sizes.kernel, stride, pad);
  // Without neighbours the grid is one row of voxels, which fills the tiles whatever its sides.
  const voxels = sizes.batch * sizes.outputSize.reduce((a, b) => a * b, 1);
  const batch = flat ? 1 : sizes.batch;
  const [inD, inH, inW] = flat ? [1, 1, voxels] : sizes.inputSize;
  const [outD, outH, outW] = flat ? [1, 1, voxels] : sizes.outputSize;
  const layout = layTiles(tile, { width: outW, height: outH, planes: batch * outD, channels: sizes.outputChannels });
  return {
    shader: conv3dShader,
    constants: { KERNEL: sizes.kernel, STRIDE: stride, ...tile },
    params: {
      batch,
      in_d: inD,
      in_h: inH,
      in_w: inW,
      in_c: sizes.inputChannels,
      out_d: outD,
      out_h: outH,
      out_w: outW,
      out_c: sizes.outputChannels,
      pad,
      weight_first: flipped ? (sizes.kernel ** 3 - 1) * sizes.inputChannels * sizes.outputChannels : 0,
      ...weightStrides(sizes, exchanged, flipped),
      ...layout.params,
    },
    workgroups: workgroups1d(layout.count),
  };
}

/**
 * A transposed convolution of stride 2 without checks: any shape of y; outputs that no input reaches become the bias.
 * With `exchanged` the weights are [k, k, k, Co, Ci].
 */
export function dispatchConvTranspose3d(
  ctx: KernelContext,
  args: {
    label: string;
    x: Tensor;
    weight: Tensor;
    bias?: Tensor | undefined;
    y: Tensor;
    pad: number;
    exchanged?: boolean;
    /** Chosen where it is not given. */
    variant?: Variant;
  },
): void {
  const { label, x, weight, bias, y, pad, exchanged = false } = args;
  const sizes = convSizes(x.shape, y.shape, weight.shape[0]!);
  const problem = { sizes, stride: 2, pad, transposed: true };
  const shape = convShape(sizes, 2, pad, { exchanged, flipped: false });
  const { variant, call } = choose(ctx.caps, convTranspose3dVariants, shape, x.dtype, args.variant);
  const pairs = sizes.inputSize.map((n, i) => tapPairs(sizes.outputSize[i]!, n, sizes.kernel, 2, pad));
  const flops = 2 * sizes.batch * pairs.reduce((a, b) => a * b, 1) * sizes.inputChannels * sizes.outputChannels;
  const kernel = blockKernel(problem, variant);
  if (kernel) {
    dispatchConvBlocks(ctx, { ...args, exchanged, flipped: false, problem, kernel, flops, call });
    return;
  }
  const parity = variant.shader === "conv3dParity";
  const chosen = parity
    ? conv3dParityDispatch({ ...problem, exchanged }, variant)
    : tiledTransposedDispatch(sizes, pad, exchanged, tileOf(variant));
  const none = (name: string, dtype?: DType) => ctx.scratch(`${label} no ${name}`, [1], dtype);
  ctx.dispatch({
    ...chosen,
    label,
    call,
    constants: { ...chosen.constants, ...storagePair(x, y) },
    params: { ...chosen.params, has_bias: bias ? 1 : 0, ...(parity && { has_addend: 0 }) },
    bindings: { x, weight, bias: bias ?? none("bias"), ...(parity && { addend: none("addend", y.dtype) }), y },
    flops,
    bytes: byteLength(x) + byteLength(weight) + byteLength(y) + (bias ? byteLength(bias) : 0),
  });
}

/** convTranspose3d.wgsl for one shape: any kernel and padding, on any adapter. */
function tiledTransposedDispatch(sizes: ConvSizes, pad: number, exchanged: boolean, tile: ConvTile) {
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
      in_d: inD,
      in_h: inH,
      in_w: inW,
      in_c: sizes.inputChannels,
      out_d: outD,
      out_h: outH,
      out_w: outW,
      out_c: sizes.outputChannels,
      rows_d: rowsD,
      pad,
      ...weightStrides(sizes, exchanged, false),
      ...layout.params,
    },
    workgroups: workgroups1d(8 * layout.count),
  };
}
