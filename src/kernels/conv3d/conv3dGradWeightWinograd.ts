import conv3dWinogradGradWeightShader from "../../../shaders/conv3d/conv3dWinogradGradWeight.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import type { KernelContext } from "../../gpu/dispatch.ts";
import { byteLength } from "../../gpu/tensor.ts";
import { threads1d, WORKGROUP } from "../threads.ts";
import type { Variant } from "../kernel.ts";
import type { ConvSizes, GradWeightArgs } from "./conv3dShape.ts";
import {
  ceilTo,
  dispatchWinogradMatmul,
  dispatchWinogradPoints,
  GROUP,
  POINTS,
  winogradFits,
  winogradGrid,
  winogradTileOf,
  winogradVariant,
  type WinogradTile,
} from "./winogradMatmul.ts";

/** Bytes of points that are worked on at a time: each part is another split of the sums to add up. */
const CHUNK_BYTES = 1 << 25;

/** Channels of both sides in whole tiles; tiles of the grid that are summed at a time, each a split of the sums. */
function productSizes(sizes: ConvSizes, { ROWS, QUADS }: WinogradTile) {
  const rows = ceilTo(sizes.inputChannels, 4 * ROWS);
  const columns = ceilTo(sizes.outputChannels, 4 * QUADS);
  const { tiles } = winogradGrid(sizes);
  const most = Math.ceil(CHUNK_BYTES / (4 * POINTS * (rows + columns)));
  const splits = Math.ceil(tiles / most);
  return { rows, columns, splits, tiles: ceilTo(Math.ceil(tiles / splits), GROUP) };
}

/** Whether a weight gradient can be made by products of Winograd's points. */
export function gradWeightWinogradFits(caps: GpuCaps, sizes: ConvSizes, stride: number, pad: number): boolean {
  if (!winogradFits(caps, sizes, stride, pad)) return false;
  return gradWeightWinogradVariants(sizes).every((variant) => {
    const { rows, columns, splits, tiles } = productSizes(sizes, winogradTileOf(variant));
    return 4 * POINTS * Math.max(rows * tiles, columns * tiles, splits * rows * columns) <= caps.maxBindingBytes;
  });
}

/** Adds the gradient of the weights [3, 3, 3, Ci, Co] to gradWeight: points of both sides, their products, taps. */
export function dispatchConv3dGradWeightWinograd(
  ctx: KernelContext,
  args: GradWeightArgs & { variant: Variant },
): void {
  const { label, x, gradY, gradWeight, sizes, variant, flops, call } = args;
  const { inputChannels: inC, outputChannels: outC } = sizes;
  const tile = winogradTileOf(variant);
  const grid = winogradGrid(sizes);
  const { rows, columns, splits, tiles } = productSizes(sizes, tile);
  const left = ctx.scratch(`${label} input points`, [rows, POINTS, tiles]);
  const right = ctx.scratch(`${label} gradient points`, [columns, POINTS, tiles]);
  const sums = ctx.scratch(`${label} sums`, [splits, POINTS, rows, columns]);
  for (let split = 0; split < splits; split++) {
    const begin = split * tiles;
    const both = { grid, begin };
    dispatchWinogradPoints(ctx, { label: `${label} input points`, x, points: left, ...both }, { byChannel: true });
    const gradient = { label: `${label} gradient points`, x: gradY, points: right, ...both };
    dispatchWinogradPoints(ctx, gradient, { gradient: true, byChannel: true });
    const products = { label, left, right, sums, split, tile, flops: flops / splits };
    dispatchWinogradMatmul(ctx, { ...products, call: split === 0 ? call : undefined });
  }
  ctx.dispatch({
    label: `${label} taps`,
    shader: conv3dWinogradGradWeightShader,
    constants: { WORKGROUP },
    params: { inC, outC, rows, columns, splits },
    bindings: { sums, gradWeight },
    workgroups: threads1d(inC * outC),
    flops: 0,
    bytes: byteLength(sums) + 2 * byteLength(gradWeight),
  });
}

/** Input channels x output channels of a quad's product; neither twice as many as there are. */
export function gradWeightWinogradVariants({ inputChannels, outputChannels }: ConvSizes): Variant[] {
  const tiles = [
    [8, 4],
    [4, 4],
    [4, 2],
    [2, 4],
    [2, 2],
  ] as const;
  const fits = (fours: number, channels: number) => fours <= 2 || 2 * fours < channels;
  return tiles.filter(([rows, quads]) => fits(rows, inputChannels) && fits(quads, outputChannels)).map(winogradVariant);
}
