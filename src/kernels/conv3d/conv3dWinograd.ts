import conv3dWinogradOutputShader from "../../../shaders/conv3d/conv3dWinogradOutput.wgsl";
import conv3dWinogradWeightShader from "../../../shaders/conv3d/conv3dWinogradWeight.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { KernelCall, KernelContext } from "../../gpu/dispatch.ts";
import { byteLength, type Tensor } from "../../gpu/tensor.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import type { Variant } from "../kernel.ts";
import type { ConvOperands, ConvProblem } from "./conv3dBlocks.ts";
import { weightStrides, type ConvSizes } from "./conv3dShape.ts";
import {
  ceilTo,
  dispatchWinogradMatmul,
  dispatchWinogradPoints,
  gridParams,
  GROUP,
  POINTS,
  winogradFits,
  winogradGrid,
  winogradTileOf,
  winogradVariant,
  type WinogradTile,
} from "./winogradMatmul.ts";

/** Bytes of points and sums that are worked on at a time: more leave the processor's cache. */
const CHUNK_BYTES = 1 << 23;

/**
 * At the grid's corners, where few products are not with the padding's zeros, errors are still those of a whole tile:
 * sums of fewer channels would differ from the direct ones by more than those round.
 */
const MIN_CHANNELS = 8;

/** Sizes of the products: channels on both sides in whole tiles, and tiles of the grid that are worked on at once. */
function productSizes(sizes: ConvSizes, { ROWS, QUADS }: WinogradTile) {
  const channels = ceilTo(sizes.inputChannels, GROUP);
  const columns = ceilTo(sizes.outputChannels, 4 * QUADS);
  const bytesOfTile = 4 * POINTS * (channels + columns);
  const { tiles } = winogradGrid(sizes);
  const parts = Math.ceil((tiles * bytesOfTile) / CHUNK_BYTES);
  return { channels, columns, rows: ceilTo(Math.ceil(tiles / parts), 4 * ROWS) };
}

/** Whether a convolution can be made by products of Winograd's points. */
export function conv3dWinogradFits(caps: GpuCaps, { sizes, stride, pad, transposed }: ConvProblem): boolean {
  if (transposed || sizes.inputChannels < MIN_CHANNELS || !winogradFits(caps, sizes, stride, pad)) return false;
  return conv3dWinogradVariants(sizes).every((variant) => {
    const { channels, columns, rows } = productSizes(sizes, winogradTileOf(variant));
    const numbers = Math.max(channels * columns, channels * rows, columns * rows);
    return 4 * POINTS * numbers <= caps.maxBindingBytes;
  });
}

/** Points of the weights once, then of inputs, their products and outputs, for some tiles at a time. */
export function dispatchConv3dWinograd(
  ctx: KernelContext,
  args: ConvOperands & { sizes: ConvSizes; variant: Variant; flops: number; call: KernelCall },
): void {
  const { label, x, bias, addend, y, sizes, variant, flops, call } = args;
  const { outputChannels: outC } = sizes;
  const tile = winogradTileOf(variant);
  const grid = winogradGrid(sizes);
  const { channels, columns, rows } = productSizes(sizes, tile);
  const right = weightPoints(ctx, args, sizes, { channels, columns });
  const left = ctx.scratch(`${label} points`, [rows, POINTS, channels]);
  const sums = ctx.scratch(`${label} sums`, [1, POINTS, rows, columns]);
  const noBias = bias ?? ctx.scratch(`${label} no bias`, [1]);
  const noAddend = addend ?? ctx.scratch(`${label} no addend`, [1]);
  for (let begin = 0; begin < grid.tiles; begin += rows) {
    const tiles = Math.min(rows, grid.tiles - begin);
    const share = tiles / grid.tiles;
    dispatchWinogradPoints(ctx, { label: `${label} points`, x, points: left, grid, begin });
    const products = { label, left, right, sums, split: 0, tile, flops: flops * share };
    dispatchWinogradMatmul(ctx, { ...products, call: begin === 0 ? call : undefined });
    ctx.dispatch({
      label: `${label} outputs`,
      shader: conv3dWinogradOutputShader,
      constants: { WORKGROUP },
      params: {
        ...gridParams(grid),
        ...{ outC, tilesBegin: begin, tiles, rows, columns, hasBias: bias ? 1 : 0, hasAddend: addend ? 1 : 0 },
      },
      bindings: { sums, bias: noBias, addend: noAddend, y },
      workgroups: threads1d(tiles * outC),
      flops: 0,
      bytes: byteLength(sums) + (addend ? 2 : 1) * byteLength(y) * share,
    });
  }
}

/** The points of a convolution's weights, [columns, 216, channels] in a scratch tensor. */
function weightPoints(
  ctx: KernelContext,
  { label, weight, exchanged, flipped }: Pick<ConvOperands, "label" | "weight" | "exchanged" | "flipped">,
  sizes: ConvSizes,
  { channels, columns }: { channels: number; columns: number },
): Tensor {
  const { inputChannels: inC, outputChannels: outC } = sizes;
  const { weightTap: tap, weightIn: inStep, weightOut: outStep } = weightStrides(sizes, exchanged, flipped);
  const points = ctx.scratch(`${label} weight points`, [columns, POINTS, channels]);
  ctx.dispatch({
    label: `${label} weight points`,
    shader: conv3dWinogradWeightShader,
    constants: { WORKGROUP },
    params: { inC, outC, channels, outputs: columns, first: flipped ? -26 * tap : 0, tap, inStep, outStep },
    bindings: { weight, points },
    workgroups: threads1d(columns * channels),
    flops: 0,
    bytes: byteLength(weight) + byteLength(points),
  });
  return points;
}

/** Tiles x output channels of a quad's product; none twice as wide as there are channels. */
export function conv3dWinogradVariants({ outputChannels }: ConvSizes): Variant[] {
  const tiles = [
    [4, 8],
    [4, 4],
    [4, 2],
  ] as const;
  return tiles.filter(([, quads]) => quads <= 2 || 2 * quads < outputChannels).map(winogradVariant);
}
