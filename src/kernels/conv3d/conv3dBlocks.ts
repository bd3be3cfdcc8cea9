import conv3dSumSplitsShader from "../../../shaders/conv3d/conv3dSumSplits.wgsl";
import type { GpuCaps } from "../../gpu/caps.ts";
import { workgroups1d, type KernelCall, type KernelContext } from "../../gpu/dispatch.ts";
import type { Shader } from "../../gpu/shader.ts";
import { byteLength, elementCount, type DType, type Tensor } from "../../gpu/tensor.ts";
import type { Constants } from "../../gpu/preprocess.ts";
import { isPointwise, tapPairs, type ConvSizes } from "./conv3dShape.ts";
import { storage, storagePair } from "../storage.ts";
import { threads1d } from "../threads.ts";

// What kernels share that compute convolutions in blocks of outputs. Their shaders share shared/convBlocks.wgsl.

/** A convolution by its numbers; `transposed` is one of stride 2 from the smaller grid to the larger. */
export interface ConvProblem {
  sizes: ConvSizes;
  stride: number;
  pad: number;
  transposed: boolean;
}

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

/** What a workgroup computes of a problem. */
export interface Division {
  /** Positions z, y, x and output channels. */
  block: readonly [z: number, y: number, x: number, channels: number];
  /** Input channels it works on at a time. */
  chunk: number;
  /** Blocks cover one row of the positions of all samples, not each sample's grid. */
  flattened: boolean;
}

/** A shader that computes in blocks, and its constants that the problem does not tell. */
export interface BlockKernel {
  shader: Shader;
  constants: Constants;
  division: Division;
}

/** What every WebGPU device has of workgroup memory; blocks ask for no more. */
export const PORTABLE_WORKGROUP_BYTES = 16_384;

/** Workgroups that keep a GPU busy: several for each of its multiprocessors. */
export const WANTED_WORKGROUPS = { discrete: 512, integrated: 64, apple: 64, unknown: 128, software: 8 } as const;
/** Input channels below which a split is not worth its partial sums. */
const LEAST_CHANNELS = 16;

/** Useful operations: two for each pair of a tap and an output that meets an input, and each pair of channels. */
export function usefulFlops({ sizes, stride, pad, transposed }: ConvProblem): number {
  const { batch, inputSize, outputSize, inputChannels, outputChannels, kernel } = sizes;
  const [from, to] = transposed ? [outputSize, inputSize] : [inputSize, outputSize];
  const pairs = from.map((n, i) => tapPairs(n, to[i]!, kernel, stride, pad));
  return 2 * batch * pairs.reduce((a, b) => a * b, 1) * inputChannels * outputChannels;
}

/** Whether an output depends on one voxel, its own: a matrix product over voxels. */
export function isPointwiseProblem({ sizes: { kernel }, stride, pad }: ConvProblem): boolean {
  return isPointwise({ kernel, stride, pad });
}

/**
 * Taps an axis and stride of the convolution that the shader does; the grid of positions that blocks cover, and how
 * many such grids there are: samples, and classes of a transposed convolution.
 */
export function blockGrid(
  problem: ConvProblem,
  flattened: boolean,
): { taps: number; step: number; grid: [number, number, number]; grids: number } {
  const { sizes, stride, transposed } = problem;
  const classes = transposed ? 8 : 1;
  const [d, h, w] = sizes.outputSize.map((n) => (transposed ? Math.ceil(n / 2) : n)) as [number, number, number];
  const sums = transposed ? { taps: Math.ceil(sizes.kernel / 2), step: 1 } : { taps: sizes.kernel, step: stride };
  if (flattened) return { ...sums, grid: [1, 1, sizes.batch * d * h * w], grids: classes };
  return { ...sums, grid: [d, h, w], grids: classes * sizes.batch };
}

/** Blocks an axis, and of channels. */
function blocksOf(problem: ConvProblem, { block, flattened }: Division): number[] {
  const { grid } = blockGrid(problem, flattened);
  return [...grid, problem.sizes.outputChannels].map((n, i) => Math.ceil(n / block[i]!));
}

/** The share of a launch's multiply-adds that outputs need. */
export function utilisation(problem: ConvProblem, division: Division): number {
  const { grid } = blockGrid(problem, division.flattened);
  const blocks = blocksOf(problem, division);
  const sides = [...grid, problem.sizes.outputChannels];
  return sides.reduce((share, n, i) => (share * n) / (blocks[i]! * division.block[i]!), 1);
}

/** Workgroups of one split. */
export function blockWorkgroups(problem: ConvProblem, division: Division): number {
  return blocksOf(problem, division).reduce((a, b) => a * b, blockGrid(problem, division.flattened).grids);
}

/**
 * Tiles with the default first, the others in their order, which is that of their size. A larger tile is worth some
 * padding, but not more than a fifth of the work, nor a GPU that is mostly idle.
 */
export function defaultFirst<T>(
  caps: GpuCaps,
  problem: ConvProblem,
  tiles: readonly T[],
  divide: (tile: T) => Division,
): T[] {
  const shares = tiles.map((tile) => utilisation(problem, divide(tile)));
  const worthy = tiles.filter((_, i) => shares[i]! >= 0.8 * Math.max(...shares));
  const most = worthy.map((tile) => blockWorkgroups(problem, divide(tile)) * mostSplits(problem));
  const enough = Math.min(WANTED_WORKGROUPS[caps.adapterClass] / 2, Math.max(...most));
  const chosen = worthy[most.findIndex((n) => n >= enough)]!;
  return [chosen, ...tiles.filter((tile) => tile !== chosen)];
}

function mostSplits(problem: ConvProblem): number {
  return Math.max(1, Math.floor(problem.sizes.inputChannels / LEAST_CHANNELS));
}

/** Splits of the input channels, so that there are workgroups enough. */
export function blockSplits(
  caps: GpuCaps,
  problem: ConvProblem,
  division: Division,
): { splits: number; channelsPerSplit: number } {
  const { sizes } = problem;
  const { chunk } = division;
  const workgroups = blockWorkgroups(problem, division);
  const bytes = 4 * sizes.batch * sizes.outputSize.reduce((a, b) => a * b, 1) * sizes.outputChannels;
  const affordable = Math.max(1, Math.floor(Math.min(caps.maxBindingBytes, 1 << 26) / bytes));
  // Splits are written and read again: not for a GPU that is half full without.
  const full = WANTED_WORKGROUPS[caps.adapterClass];
  const wanted = workgroups >= full / 2 ? 1 : Math.ceil(full / workgroups);
  const splits = Math.min(wanted, affordable, mostSplits(problem));
  const channelsPerSplit = Math.ceil(sizes.inputChannels / (splits * chunk)) * chunk;
  return { splits: Math.ceil(sizes.inputChannels / channelsPerSplit), channelsPerSplit };
}

/**
 * One problem by one kernel, and the sum of its splits where there are several.
 *
 * @param flops useful operations of the convolution
 */
export function dispatchConvBlocks(
  ctx: KernelContext,
  args: ConvOperands & { problem: ConvProblem; kernel: BlockKernel; flops: number; call: KernelCall },
): void {
  const { label, x, weight, bias, addend, y, exchanged, problem, kernel, flops } = args;
  const { division } = kernel;
  const { batch, inputChannels, outputChannels, inputSize, outputSize } = problem.sizes;
  const pointwise = isPointwiseProblem(problem);
  const { taps, step, grid } = blockGrid(problem, division.flattened);
  const [tilesZ, tilesY, tilesX, blocksC] = blocksOf(problem, division) as [number, number, number, number];
  const { splits, channelsPerSplit } = blockSplits(ctx.caps, problem, division);
  const none = () => ctx.scratch(`${label} no bias`, [4]);
  const target = splits === 1 ? y : ctx.scratch(`${label} splits`, [splits, ...y.shape]);
  const [ownBias, ownAddend] = splits === 1 ? [bias, addend] : [];
  const vec4 = inputChannels % 4 === 0 && outputChannels % 4 === 0;
  const [inD, inH, inW] = pointwise ? [1, 1, grid[2]] : inputSize;
  const [outD, outH, outW] = pointwise ? grid : outputSize;
  ctx.dispatch({
    label,
    call: args.call,
    shader: kernel.shader,
    constants: {
      KERNEL: taps,
      STRIDE: step,
      TRANSPOSED_KERNEL: problem.transposed && problem.sizes.kernel,
      ...kernel.constants,
      VEC4: vec4,
      WEIGHT_IN: exchanged,
      ADDEND: ownAddend !== undefined,
      ...storagePair(x, target),
    },
    params: {
      samples: division.flattened ? 1 : batch,
      inD,
      inH,
      inW,
      inC: inputChannels,
      outD,
      outH,
      outW,
      outC: outputChannels,
      pad: problem.pad,
      tilesX,
      tilesY,
      tilesZ,
      blocksC,
      splits,
      channelsPerSplit,
      splitSize: elementCount(y.shape),
      positions: grid.reduce((a, b) => a * b, 1),
      ...blockWeightStrides(problem, exchanged, args.flipped),
      hasBias: ownBias ? 1 : 0,
    },
    bindings: { x, weight, bias: ownBias ?? none(), y: target, ...(ownAddend && { addend: ownAddend }) },
    workgroups: workgroups1d(splits * blockWorkgroups(problem, division)),
    flops,
    bytes: [x, weight, target, ownBias, ownAddend].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
  if (splits > 1) sumSplits(ctx, { label, partial: target, bias, addend, y, splits });
}

/** Where the shader finds the weight of a tap and two channels. */
function blockWeightStrides(problem: ConvProblem, exchanged: boolean, flipped: boolean): Record<string, number> {
  const { kernel, inputChannels, outputChannels } = problem.sizes;
  const area = inputChannels * outputChannels;
  // A class of a transposed convolution reads every other tap, backwards, from its last one.
  const step = problem.transposed ? -2 : flipped ? -1 : 1;
  const last = problem.transposed ? 2 * (Math.ceil(kernel / 2) - 1) : flipped ? kernel - 1 : 0;
  return {
    weightFirst: last * (kernel * kernel + kernel + 1) * area,
    weightZ: step * kernel * kernel * area,
    weightY: step * kernel * area,
    weightX: step * area,
    weightIn: exchanged ? 1 : outputChannels,
    weightOut: exchanged ? inputChannels : 1,
  };
}

function sumSplits(
  ctx: KernelContext,
  args: Pick<ConvOperands, "label" | "bias" | "addend" | "y"> & { partial: Tensor; splits: number },
): void {
  const { label, partial, bias, addend, y, splits } = args;
  const elements = elementCount(y.shape);
  const none = (name: string, dtype?: DType) => ctx.scratch(`${label} no ${name}`, [4], dtype);
  ctx.dispatch({
    label: `${label} sum`,
    shader: conv3dSumSplitsShader,
    constants: storage(label, { y, ...(addend && { addend }) }),
    params: {
      splits,
      elements,
      channels: y.shape[y.shape.length - 1]!,
      hasBias: bias ? 1 : 0,
      hasAddend: addend ? 1 : 0,
    },
    bindings: { partial, bias: bias ?? none("bias"), addend: addend ?? none("addend", y.dtype), y },
    workgroups: threads1d(elements),
    flops: elements * (splits - 1 + (bias ? 1 : 0) + (addend ? 1 : 0)),
    bytes: [partial, bias, addend, y].reduce((sum, t) => sum + (t ? byteLength(t) : 0), 0),
  });
}
