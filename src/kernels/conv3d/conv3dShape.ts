import { VoxtwirlError } from "../../errors.ts";
import type { Dispatch, KernelCall } from "../../gpu/dispatch.ts";
import { formatShape, type Tensor } from "../../gpu/tensor.ts";

/** Along depth, height and width. */
export type Size3 = readonly [d: number, h: number, w: number];

/** Sizes of one convolution: of its input and output, whichever of the two is being computed. */
export interface ConvSizes {
  batch: number;
  inputSize: Size3;
  outputSize: Size3;
  inputChannels: number;
  outputChannels: number;
  kernel: number;
}

/** What a variant of the weight gradient is dispatched with, checked. */
export interface GradWeightArgs {
  label: string;
  x: Tensor;
  gradY: Tensor;
  gradWeight: Tensor;
  sizes: ConvSizes;
  stride: number;
  pad: number;
  /** The weight is [k, k, k, channels of gradY, channels of x]. */
  transposed: boolean;
  /** Useful operations of the first pass. */
  flops: number;
  call: KernelCall;
}

/** What a shader's host part makes of a convolution's sizes; operands and their flags are added by the caller. */
export type ConvDispatch = Pick<Dispatch, "shader" | "constants" | "workgroups"> & { params: Record<string, number> };

const FIX = "Give channels-last tensors [N, D, H, W, C] and weights [k, k, k, C in, C out] that fit each other.";

function badShape(label: string, what: string, fix = FIX): VoxtwirlError {
  return new VoxtwirlError("bad-shape", `${label}: ${what}`, fix);
}

/**
 * The shape [N, Do, Ho, Wo, Co] of a convolution's output, o = floor((i + 2 padding - k) / stride) + 1 an axis.
 *
 * @throws VoxtwirlError "bad-shape": ranks or channels that do not match, a kernel that is not cubic of size 1 to 4, a
 *   stride other than 1 or 2, a negative padding, or a kernel larger than the padded input.
 */
export function conv3dShape(
  xShape: readonly number[],
  weightShape: readonly number[],
  stride: number,
  padding: number,
  label = "conv3d",
): number[] {
  const kernel = checkOperands(label, xShape, weightShape, padding);
  if (stride !== 1 && stride !== 2) throw badShape(label, `stride ${stride} is not 1 or 2`, "Use stride 1 or 2.");
  const size = xShape.slice(1, 4).map((n) => Math.floor((n + 2 * padding - kernel) / stride) + 1);
  return outputShape(label, xShape, weightShape, size, padding);
}

/**
 * The shape [N, Do, Ho, Wo, Co] of a transposed convolution of stride 2, o = 2 (i - 1) - 2 padding + k an axis.
 *
 * @throws VoxtwirlError "bad-shape" as `conv3dShape` does, and for an output without voxels.
 */
export function convTranspose3dShape(
  xShape: readonly number[],
  weightShape: readonly number[],
  stride: number,
  padding: number,
  label = "convTranspose3d",
): number[] {
  const kernel = checkOperands(label, xShape, weightShape, padding);
  if (stride !== 2) throw badShape(label, `stride ${stride} is not 2`, "Transposed convolutions have stride 2.");
  const size = xShape.slice(1, 4).map((n) => 2 * (n - 1) - 2 * padding + kernel);
  return outputShape(label, xShape, weightShape, size, padding);
}

/** Sizes of a convolution from `input` to `output` (for a transposed one: from its input to its output). */
export function convSizes(input: readonly number[], output: readonly number[], kernel: number): ConvSizes {
  return {
    batch: input[0]!,
    inputSize: [input[1]!, input[2]!, input[3]!],
    outputSize: [output[1]!, output[2]!, output[3]!],
    inputChannels: input[4]!,
    outputChannels: output[4]!,
    kernel,
  };
}

/**
 * Pairs (tap, position) along one axis that meet inside the input, over all outputs of a convolution. The product over
 * the axes, times both channel counts, is the number of useful multiply-adds.
 */
export function tapPairs(input: number, output: number, kernel: number, stride: number, padding: number): number {
  let pairs = 0;
  for (let k = 0; k < kernel; k++) {
    const first = Math.max(0, Math.ceil((padding - k) / stride));
    const last = Math.min(output - 1, Math.floor((input - 1 + padding - k) / stride));
    pairs += Math.max(0, last - first + 1);
  }
  return pairs;
}

function checkOperands(
  label: string,
  xShape: readonly number[],
  weightShape: readonly number[],
  padding: number,
): number {
  if (xShape.length !== 5) throw badShape(label, `input ${formatShape(xShape)} is not [N, D, H, W, C]`);
  const [kernel = 0, ky, kx, ci] = weightShape;
  if (weightShape.length !== 5 || ky !== kernel || kx !== kernel || kernel < 1 || kernel > 4) {
    throw badShape(label, `weight ${formatShape(weightShape)} is not [k, k, k, C in, C out] with k from 1 to 4`);
  }
  if (xShape[4] !== ci) {
    throw badShape(label, `input ${formatShape(xShape)} and weight ${formatShape(weightShape)} differ in channels`);
  }
  if (!Number.isInteger(padding) || padding < 0) {
    throw badShape(label, `padding ${padding} is not a whole number of voxels`, "Use a padding of 0 or more.");
  }
  return kernel;
}

function outputShape(
  label: string,
  xShape: readonly number[],
  weightShape: readonly number[],
  size: readonly number[],
  padding: number,
): number[] {
  if (size.some((n) => n < 1)) {
    throw badShape(
      label,
      `no output voxel for input ${formatShape(xShape)}, weight ${formatShape(weightShape)} and padding ${padding}`,
      "Use a larger grid, a smaller kernel or another padding.",
    );
  }
  return [xShape[0]!, ...size, weightShape[4]!];
}

/** Whether an output depends on one voxel, its own. */
export function isPointwise({ kernel, stride, pad }: { kernel: number; stride: number; pad: number }): boolean {
  return kernel === 1 && stride === 1 && pad === 0;
}

/**
 * From a tap to the next and from a channel to the next in the weights, which are [k, k, k, Ci, Co], or [k, k, k, Co,
 * Ci] where `exchanged`; `flipped` reads from the last tap, where the caller begins, to the first.
 */
export function weightStrides(
  { inputChannels, outputChannels }: ConvSizes,
  exchanged: boolean,
  flipped: boolean,
): { weightTap: number; weightIn: number; weightOut: number } {
  const area = inputChannels * outputChannels;
  return {
    weightTap: flipped ? -area : area,
    weightIn: exchanged ? 1 : outputChannels,
    weightOut: exchanged ? inputChannels : 1,
  };
}
