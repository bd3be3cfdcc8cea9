import conv3dCode from "../../shaders/conv3d.wgsl";
import transposeWeightCode from "../../shaders/conv3dTransposeWeight.wgsl";
import convTranspose3dCode from "../../shaders/convTranspose3d.wgsl";
import { byteLength, workgroups1d, type DType, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import { conv3dRowsDispatch } from "./conv3dRows.ts";
import { convSizes, tapPairs, type ConvSizes } from "./conv3dShape.ts";
import { layTiles, type ConvTile } from "./conv3dTiles.ts";
import { conv3dFamily, convShape, convTranspose3dFamily, isFlat, tileOf } from "./conv3dFamily.ts";
import { storage, storagePair } from "./storage.ts";
import { choose } from "./variant.ts";

const conv3dShader = { name: "conv3d", code: conv3dCode };
const convTranspose3dShader = { name: "convTranspose3d", code: convTranspose3dCode };
const transposeWeightShader = { name: "conv3dTransposeWeight", code: transposeWeightCode };

/** The weights with their channel axes exchanged, and flipped in space if asked, in a scratch tensor. */
export function transposeWeight(ctx: KernelContext, label: string, weight: Tensor, flip: boolean): Tensor {
  const [kz, ky, kx, rows, columns] = weight.shape as [number, number, number, number, number];
  const y = ctx.scratch(`${label} transposed weight`, [kz, ky, kx, columns, rows]);
  const taps = kz * ky * kx;
  const workgroup = 64;
  ctx.dispatch({
    label: `${label} transposed weight`,
    shader: transposeWeightShader,
    constants: { WORKGROUP: workgroup },
    params: { taps, rows, columns, flip: flip ? 1 : 0 },
    bindings: { weight, y },
    workgroups: workgroups1d(Math.ceil((taps * rows * columns) / workgroup)),
    flops: 0,
    bytes: 2 * byteLength(weight),
  });
  return y;
}

/**
 * The convolution shader without checks; `pad` may be negative, and the shape of y need not be `conv3dShape`'s. With
 * `flipped` the weights are [k, k, k, Co, Ci] and read from the last tap to the first.
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
    flipped?: boolean;
  },
): void {
  const { label, x, bias, addend, y, stride, pad, flipped = false } = args;
  const sizes = convSizes(x.shape, y.shape, args.weight.shape[0]!);
  const { variant, call } = choose(ctx.caps, conv3dFamily, convShape(sizes, stride, pad, flipped), x.dtype);
  const rows = variant.shader === "conv3dRows";
  const weight = flipped && !rows ? transposeWeight(ctx, label, args.weight, true) : args.weight;
  const parts = rows ? conv3dRowsDispatch(sizes, flipped, variant) : tiledDispatch(sizes, stride, pad, tileOf(variant));
  if (addend) storage(label, { addend, y });
  // One pipeline with flags, rather than one for each set of operands: a pipeline of this size takes seconds to
  // compile.
  const none = (name: string, dtype?: DType) => ctx.scratch(`${label} no ${name}`, [1], dtype);
  const pairs = sizes.inputSize.map((n, i) => tapPairs(n, sizes.outputSize[i]!, sizes.kernel, stride, pad));
  ctx.dispatch({
    ...parts,
    label,
    call,
    constants: { ...parts.constants, ...storagePair(x, y) },
    params: { ...parts.params, has_bias: bias ? 1 : 0, has_addend: addend ? 1 : 0 },
    bindings: { x, weight, bias: bias ?? none("bias"), addend: addend ?? none("addend", y.dtype), y },
    flops: 2 * sizes.batch * pairs.reduce((a, b) => a * b, 1) * sizes.inputChannels * sizes.outputChannels,
    bytes: [x, weight, y, bias, addend].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
}

/** conv3d.wgsl for one shape: any kernel, stride and padding, on any adapter. */
function tiledDispatch(sizes: ConvSizes, stride: number, pad: number, tile: ConvTile) {
  const flat = isFlat({ kernel: sizes.kernel, stride, pad });
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
      ...layout.params,
    },
    workgroups: workgroups1d(layout.count),
  };
}

/** The transposed convolution shader without checks: any shape of y; outputs that no input reaches become the bias. */
export function dispatchConvTranspose3d(
  ctx: KernelContext,
  args: { label: string; x: Tensor; weight: Tensor; bias?: Tensor | undefined; y: Tensor; pad: number },
): void {
  const { label, x, weight, bias, y, pad } = args;
  const sizes = convSizes(x.shape, y.shape, weight.shape[0]!);
  const [inD, inH, inW] = sizes.inputSize;
  const [outD, outH, outW] = sizes.outputSize;
  const { variant, call } = choose(ctx.caps, convTranspose3dFamily, convShape(sizes, 2, pad), x.dtype);
  const tile = tileOf(variant);
  const rowsD = Math.ceil(outD / 2);
  const layout = layTiles(tile, {
    width: Math.ceil(outW / 2),
    height: Math.ceil(outH / 2),
    planes: sizes.batch * rowsD,
    channels: sizes.outputChannels,
  });
  const pairs = sizes.inputSize.map((n, i) => tapPairs(sizes.outputSize[i]!, n, sizes.kernel, 2, pad));
  ctx.dispatch({
    label,
    call,
    shader: convTranspose3dShader,
    constants: { KERNEL: sizes.kernel, ...tile, ...storagePair(x, y) },
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
      ...layout.params,
      has_bias: bias ? 1 : 0,
    },
    bindings: { x, weight, bias: bias ?? ctx.scratch(`${label} no bias`, [1]), y },
    workgroups: workgroups1d(8 * layout.count),
    flops: 2 * sizes.batch * pairs.reduce((a, b) => a * b, 1) * sizes.inputChannels * sizes.outputChannels,
    bytes: byteLength(x) + byteLength(weight) + byteLength(y) + (bias ? byteLength(bias) : 0),
  });
}
