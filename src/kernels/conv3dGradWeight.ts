import conv3dGradWeightCode from "../../shaders/conv3dGradWeight.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { byteLength, workgroups1d, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import { conv3dShape, convSizes, tapPairs } from "./conv3dShape.ts";
import { convShape } from "./conv3dFamily.ts";
import { gradWeightTile, gradWeightFamily } from "./conv3dGradWeightFamily.ts";
import { requireShape } from "./shapes.ts";
import { storagePair } from "./storage.ts";
import { sumPartials } from "./sumRows.ts";
import { choose } from "./variant.ts";

const conv3dGradWeightShader = { name: "conv3dGradWeight", code: conv3dGradWeightCode };

/**
 * Adds the gradient of a convolution with respect to its weights to gradWeight [k, k, k, Ci, Co], from its input
 * x [N, D, H, W, Ci] and gradY [N, Do, Ho, Wo, Co]. Two passes in a fixed order: slices of the positions, then their
 * sum.
 *
 * @throws VoxtwirlError "bad-shape" when shapes do not fit.
 */
export function conv3dGradWeight(
  ctx: KernelContext,
  args: { label: string; x: Tensor; gradY: Tensor; gradWeight: Tensor; stride: number; padding: number },
): void {
  const { label, x, gradY, gradWeight, stride, padding } = args;
  requireShape(label, "output gradient", gradY, conv3dShape(x.shape, gradWeight.shape, stride, padding, label));
  dispatchConv3dGradWeight(ctx, { label, x, gradY, gradWeight, stride, pad: padding, transposed: false });
}

/** Both passes (one where a single slice is enough) without checks; `transposed` says that gradWeight is [k, k, k, channels of gradY, channels of x]. */
export function dispatchConv3dGradWeight(
  ctx: KernelContext,
  args: {
    label: string;
    x: Tensor;
    gradY: Tensor;
    gradWeight: Tensor;
    stride: number;
    pad: number;
    transposed: boolean;
  },
): void {
  const { label, x, gradY, gradWeight, stride, pad, transposed } = args;
  const sizes = convSizes(x.shape, gradY.shape, gradWeight.shape[0]!);
  const { kernel, batch, inputChannels, outputChannels } = sizes;
  const [outD, outH, outW] = sizes.outputSize;
  const shape = { ...convShape(sizes, stride, pad), transposed: transposed ? 1 : 0 };
  const { variant, call } = choose(ctx.caps, gradWeightFamily, shape, x.dtype);
  const tile = gradWeightTile(variant, kernel, stride);
  const blocksI = Math.ceil(inputChannels / (tile.BLOCKS_I * tile.TEAM));
  const blocksO = Math.ceil(outputChannels / (tile.BLOCKS_O * tile.TEAM));
  const rows = batch * outD * outH;
  const teams = (kernel * kernel * blocksI * blocksO) / tile.TAP_ROWS;
  const { slices, rowsPerSlice } = slicesOf(ctx.caps, rows, teams, variant.constants.teams!, byteLength(gradWeight));
  const taps = kernel ** 3;
  const direct = slices === 1 && !transposed;
  const partial = direct
    ? gradWeight
    : ctx.scratch(`${label} slices`, [slices, kernel, kernel, kernel, inputChannels, outputChannels]);
  const pairs = sizes.inputSize.map((n, i) => tapPairs(n, sizes.outputSize[i]!, kernel, stride, pad));
  ctx.dispatch({
    label,
    call,
    shader: conv3dGradWeightShader,
    constants: { KERNEL: kernel, STRIDE: stride, ...tile, ...storagePair(x, gradY) },
    params: {
      in_d: sizes.inputSize[0],
      in_h: sizes.inputSize[1],
      in_w: sizes.inputSize[2],
      in_c: inputChannels,
      out_d: outD,
      out_h: outH,
      out_w: outW,
      out_c: outputChannels,
      pad,
      rows,
      rows_per_slice: rowsPerSlice,
      slices,
      blocks_i: blocksI,
      blocks_o: blocksO,
      accumulate: direct ? 1 : 0,
    },
    bindings: { x, gradY, partial },
    workgroups: workgroups1d(teams * Math.ceil(slices / (tile.WORKGROUP / tile.TEAM))),
    flops: 2 * batch * pairs.reduce((a, b) => a * b, 1) * inputChannels * outputChannels,
    bytes: byteLength(x) + byteLength(gradY) + byteLength(partial) * (direct ? 2 : 1),
  });
  if (direct) return;
  sumPartials(ctx, {
    label,
    partial,
    y: gradWeight,
    slices,
    taps,
    rows: transposed ? outputChannels : inputChannels,
    columns: transposed ? inputChannels : outputChannels,
    transposed,
  });
}

/** Slices enough to occupy the adapter, but with room for all their partial sums in one binding. */
function slicesOf(
  caps: GpuCaps,
  rows: number,
  teams: number,
  wantedTeams: number,
  bytesPerSlice: number,
): { slices: number; rowsPerSlice: number } {
  const affordable = Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 27) / bytesPerSlice));
  const wanted = Math.min(rows, affordable, Math.ceil(wantedTeams / teams));
  const rowsPerSlice = Math.ceil(rows / wanted);
  return { slices: Math.ceil(rows / rowsPerSlice), rowsPerSlice };
}
