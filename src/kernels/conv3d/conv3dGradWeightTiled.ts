import conv3dGradWeightTiledShader from "../../../shaders/conv3d/conv3dGradWeightTiled.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d, type KernelContext } from "../../gpu/dispatch.ts";
import { byteLength } from "../../gpu/tensor.ts";
import { PORTABLE_WORKGROUP_BYTES, WANTED_WORKGROUPS } from "./conv3dBlocks.ts";
import type { ConvSizes, GradWeightArgs } from "./conv3dShape.ts";
import { storagePair } from "../storage.ts";
import { affordableSplits, partialSums } from "../sumRows.ts";

/** Specialisation constants of conv3dGradWeightTiled.wgsl that are a choice. */
export interface GradWeightTiling extends Record<string, number> {
  RUN: number;
  RUNS_X: number;
  STEP_Y: number;
  LANES_I: number;
  LANES_O: number;
  THREAD_I4: number;
  THREAD_O4: number;
}

/** Bytes of workgroup memory, as the shader declares it. */
export function gradWeightTiledBytes(tile: GradWeightTiling, kernel: number, stride: number): number {
  const columns = (tile.RUN * tile.RUNS_X - 1) * stride + kernel;
  const rows = (tile.STEP_Y - 1) * stride + kernel;
  const lane = tile.RUN * tile.THREAD_O4;
  const gradient = tile.STEP_Y * tile.RUNS_X * tile.LANES_O * (lane % 2 === 0 ? lane + 1 : lane);
  return 16 * (rows * columns * tile.LANES_I * tile.THREAD_I4 + gradient);
}

/** Such as `tiled 32x64 w192`: input and output channels of a workgroup, and its invocations. */
export function gradWeightTiledName(tile: GradWeightTiling, kernel: number): string {
  const channels = [tile.LANES_I * tile.THREAD_I4, tile.LANES_O * tile.THREAD_O4].map((n) => 4 * n);
  return `tiled ${channels.join("x")} w${gradWeightTiledInvocations(tile, kernel)}`;
}

export function gradWeightTiledInvocations(tile: GradWeightTiling, kernel: number): number {
  return kernel * tile.LANES_I * tile.LANES_O;
}

// Positions of a run: enough that the inputs before the first are a small part, few enough for grids of 4 an axis.
const RUN = 4;

/**
 * The tiles that an adapter can run, the default first. What argues for them, in the terms of conv3dTiled.ts, for
 * 64 channels or more and grids of 8 or more:
 *
 *   kernel, stride  channels   invocations  bytes   registers  multiply-adds a load  FLOP a byte
 *   3, 1            32 x 64    192           9,728  120        27                    64
 *   3, 1            32 x 32    192          12,800   84        19                    50
 *   4, 2            32 x 32    256          16,384   96        18                    33
 *   2, 2            32 x 64    128          12,800  108        16                    21
 *   1, 1            128 x 128  256           8,704   84        16                    32
 */
export function gradWeightTilings(caps: GpuCaps, sizes: ConvSizes, stride: number): GradWeightTiling[] {
  const large = caps.adapterClass === "discrete" && sizes.outputChannels > 32;
  const counts = THREAD_CHANNELS[sizes.kernel - 1]!;
  const most = sizes.kernel === 1 ? [16, 8] : [8];
  const tiles = (large ? counts : [...counts].reverse()).flatMap(([threadI4, threadO4]) =>
    most.map((lanes) => tileOf(sizes, stride, threadI4, threadO4, lanes)),
  );
  const distinct = tiles.filter((tile, i) => tiles.findIndex((t) => same(t, tile)) === i);
  return distinct.filter((tile) => gradWeightTiledInvocations(tile, sizes.kernel) <= caps.maxWorkgroupInvocations);
}

// By kernel: vec4s of input and output channels of an invocation, the larger choice first. Sums are 16 times the
// product and the kernel.
const THREAD_CHANNELS: readonly (readonly (readonly [number, number])[])[] = [
  [
    [2, 2],
    [1, 2],
  ],
  [
    [1, 2],
    [1, 1],
  ],
  [
    [1, 2],
    [1, 1],
  ],
  [[1, 1]],
];

function tileOf(sizes: ConvSizes, stride: number, threadI4: number, threadO4: number, most: number): GradWeightTiling {
  const [, height, width] = sizes.outputSize;
  const tile = {
    ...{ RUN, RUNS_X: width > RUN ? 2 : 1 },
    ...{
      LANES_I: lanes(sizes.inputChannels, 4 * threadI4, most),
      LANES_O: lanes(sizes.outputChannels, 4 * threadO4, most),
    },
    ...{ THREAD_I4: threadI4, THREAD_O4: threadO4 },
  };
  // More rows share more of the input tile's halo, and meet at fewer barriers.
  const steps = [4, 2].filter((step) => step <= height);
  const fits = (STEP_Y: number) =>
    gradWeightTiledBytes({ ...tile, STEP_Y }, sizes.kernel, stride) <= PORTABLE_WORKGROUP_BYTES;
  return { ...tile, STEP_Y: steps.find(fits) ?? 1 };
}

/** As many lanes as do not waste a fifth more of their work than fewer would. */
function lanes(channels: number, each: number, most: number): number {
  const counts = [16, 8, 4, 2, 1].filter((n) => n <= most);
  const shares = counts.map((n) => channels / (Math.ceil(channels / (n * each)) * n * each));
  return counts[shares.findIndex((share) => share >= 0.8 * Math.max(...shares))]!;
}

function same(a: GradWeightTiling, b: GradWeightTiling): boolean {
  return Object.keys(a).every((key) => a[key] === b[key]);
}

/** Blocks of positions below which a split is not worth its partial sums. */
const LEAST_BLOCKS = 4;

/** Both passes, without checks (one where a single split is enough). */
export function dispatchConv3dGradWeightTiled(
  ctx: KernelContext,
  args: GradWeightArgs & { tile: GradWeightTiling },
): void {
  const { label, x, gradY, gradWeight, sizes, stride, pad, transposed, tile, flops } = args;
  const { kernel, batch, inputChannels, outputChannels } = sizes;
  const [outD, outH, outW] = sizes.outputSize;
  const blocksI = Math.ceil(inputChannels / (4 * tile.LANES_I * tile.THREAD_I4));
  const blocksO = Math.ceil(outputChannels / (4 * tile.LANES_O * tile.THREAD_O4));
  const tilesX = Math.ceil(outW / (tile.RUN * tile.RUNS_X));
  const tilesY = Math.ceil(outH / tile.STEP_Y);
  const blocks = batch * outD * tilesY * tilesX;
  const workgroups = kernel * blocksI * blocksO;
  const affordable = affordableSplits(ctx.caps, gradWeight);
  const wanted = Math.ceil(WANTED_WORKGROUPS[ctx.caps.adapterClass] / workgroups);
  const most = Math.max(1, Math.min(wanted, affordable, Math.ceil(blocks / LEAST_BLOCKS)));
  const blocksPerSplit = Math.ceil(blocks / most);
  const splits = Math.ceil(blocks / blocksPerSplit);
  const direct = splits === 1;
  const sums = direct ? undefined : partialSums(ctx, label, [gradWeight], splits);
  const partial = sums?.partial ?? gradWeight;
  ctx.dispatch({
    label,
    call: args.call,
    shader: conv3dGradWeightTiledShader,
    constants: {
      KERNEL: kernel,
      STRIDE: stride,
      KEPT: Math.max(0, kernel - stride),
      ...tile,
      VEC4: inputChannels % 4 === 0 && outputChannels % 4 === 0,
      ACCUMULATE: direct,
      TRANSPOSED: transposed,
      ...storagePair(x, gradY),
    },
    params: {
      inD: sizes.inputSize[0],
      inH: sizes.inputSize[1],
      inW: sizes.inputSize[2],
      inC: inputChannels,
      outD,
      outH,
      outW,
      outC: outputChannels,
      pad,
      tilesX,
      tilesY,
      blocks,
      blocksPerSplit,
      splits,
      blocksI,
      blocksO,
    },
    bindings: { x, gradY, partial },
    workgroups: workgroups1d(splits * workgroups),
    flops,
    bytes: byteLength(x) + byteLength(gradY) + byteLength(partial) * (direct ? 2 : 1),
  });
  sums?.add();
}
