import conv3dGradWeightCode from "../../shaders/conv3dGradWeight.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { byteLength, workgroups1d, type KernelContext, type Tensor } from "../gpu/dispatch.ts";
import { dispatchConv3dGradWeightBrick } from "./conv3dGradWeightBrick.ts";
import { conv3dShape, convSizes, tapPairs } from "./conv3dShape.ts";
import { defaultGradWeightVariant, type GradWeightVariant } from "./conv3dVariants.ts";
import { requireShape } from "./shapes.ts";
import { storagePair } from "./storage.ts";
import { sumPartials } from "./sumRows.ts";

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
    /** The adapter's default where it is not given. */
    variant?: GradWeightVariant;
  },
): void {
  const { label, x, gradY, gradWeight, stride, pad, transposed } = args;
  const sizes = convSizes(x.shape, gradY.shape, gradWeight.shape[0]!);
  const variant = args.variant ?? defaultGradWeightVariant(ctx.caps, sizes, stride);
  if (variant.kind === "brick") {
    const { batch, inputChannels, outputChannels, kernel, inputSize, outputSize } = sizes;
    const pairs = inputSize.map((n, i) => tapPairs(n, outputSize[i]!, kernel, stride, pad));
    const flops = 2 * batch * pairs.reduce((a, b) => a * b, 1) * inputChannels * outputChannels;
    dispatchConv3dGradWeightBrick(ctx, { ...args, sizes, tile: variant.tile, flops });
    return;
  }
  const { kernel, batch, inputChannels, outputChannels } = sizes;
  const [outD, outH, outW] = sizes.outputSize;
  const tile = gradWeightTile(ctx.caps, kernel, stride, outputChannels);
  const blocksI = Math.ceil(inputChannels / (tile.BLOCKS_I * tile.TEAM));
  const blocksO = Math.ceil(outputChannels / (tile.BLOCKS_O * tile.TEAM));
  const rows = batch * outD * outH;
  const teams = (kernel * kernel * blocksI * blocksO) / tile.TAP_ROWS;
  const { slices, rowsPerSlice } = slicesOf(ctx.caps, rows, teams, byteLength(gradWeight));
  const taps = kernel ** 3;
  const direct = slices === 1 && !transposed;
  const partial = direct
    ? gradWeight
    : ctx.scratch(`${label} slices`, [slices, kernel, kernel, kernel, inputChannels, outputChannels]);
  const pairs = sizes.inputSize.map((n, i) => tapPairs(n, sizes.outputSize[i]!, kernel, stride, pad));
  ctx.dispatch({
    label,
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

interface GradWeightTile extends Record<string, number | boolean> {
  TEAM: number;
  WORKGROUP: number;
  BLOCKS_I: number;
  BLOCKS_O: number;
  TAP_ROWS: number;
  STEP: number;
  WINDOW: number;
  KEPT: number;
  SUBGROUPS: boolean;
}

function gradWeightTile(caps: GpuCaps, kernel: number, stride: number, outputChannels: number): GradWeightTile {
  // The shader's teams are whole subgroups of a known size; elsewhere it does without.
  const subgroup = caps.subgroups && caps.subgroupMinSize === caps.subgroupMaxSize ? caps.subgroupMinSize : 1;
  const subgroups = subgroup === 4 || subgroup === 8;
  const team = subgroups ? subgroup : 8;
  const blocks = 8 / team;
  const step = 2;
  return {
    TEAM: team,
    WORKGROUP: subgroups || caps.adapterClass === "software" ? team : 64,
    SUBGROUPS: subgroups,
    // 64 to 144 accumulators; without neighbours, more channels instead of taps. Two blocks of input channels with a
    // kernel of 3 and a team of 4 do not finish compiling on SwiftShader.
    BLOCKS_I: kernel === 1 ? 2 * blocks : 1,
    BLOCKS_O: outputChannels > 8 ? 2 * blocks : blocks,
    TAP_ROWS: kernel === 4 ? 2 : kernel,
    STEP: step,
    WINDOW: (step - 1) * stride + kernel,
    KEPT: Math.max(0, kernel - stride),
  };
}

/** Slices enough to occupy the adapter, but with room for all their partial sums in one binding. */
function slicesOf(
  caps: GpuCaps,
  rows: number,
  teams: number,
  bytesPerSlice: number,
): { slices: number; rowsPerSlice: number } {
  const wantedTeams = caps.adapterClass === "software" ? 64 : 4096;
  const affordable = Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 27) / bytesPerSlice));
  const wanted = Math.min(rows, affordable, Math.ceil(wantedTeams / teams));
  const rowsPerSlice = Math.ceil(rows / wanted);
  return { slices: Math.ceil(rows / rowsPerSlice), rowsPerSlice };
}
