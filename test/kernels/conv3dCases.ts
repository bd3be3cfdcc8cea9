import { conv3dShape } from "../../src/kernels/conv3d/conv3d.ts";
import type { ConvProblem } from "../../src/kernels/conv3d/conv3dBlocks.ts";
import { convSizes } from "../../src/kernels/conv3d/conv3dShape.ts";
import * as twin from "../../src/reference/conv3d.ts";
import { roundedTo, type Stored } from "./half.ts";
import { abs, expectResults, lazy, once, operand, rounding, type Expected } from "./linearOperators.ts";

export interface Case {
  x: [number, number, number, number, number];
  kernel: number;
  channels: number;
  stride: number;
  padding: number;
  addend?: boolean;
  /** Run with operands of both precisions too: one of each variant of the shaders. */
  mixed?: boolean;
}

/** Convolutions that every variant must get right. */
export const CASES: readonly Case[] = [
  { x: [1, 1, 1, 1, 1], kernel: 1, channels: 1, stride: 1, padding: 0 },
  { x: [1, 1, 1, 1, 3], kernel: 3, channels: 2, stride: 1, padding: 1 },
  { x: [3, 5, 3, 7, 5], kernel: 3, channels: 8, stride: 1, padding: 1, addend: true, mixed: true },
  { x: [2, 4, 4, 4, 9], kernel: 3, channels: 18, stride: 1, padding: 1 },
  // Rows wider than a tile of conv3dRows, as wide, and narrow ones beside one another; channels beyond its blocks.
  { x: [2, 3, 6, 37, 6], kernel: 3, channels: 11, stride: 1, padding: 1, addend: true },
  { x: [3, 2, 9, 12, 5], kernel: 3, channels: 9, stride: 1, padding: 1 },
  { x: [2, 3, 9, 7, 4], kernel: 3, channels: 8, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 6, 3, 4], kernel: 3, channels: 20, stride: 1, padding: 1, mixed: true },
  // Several blocks of conv3dRows along z in a workgroup, the last with one plane; more channels than it keeps at a
  // time.
  { x: [2, 17, 10, 17, 34], kernel: 3, channels: 9, stride: 1, padding: 1, addend: true },
  { x: [1, 5, 9, 8, 65], kernel: 3, channels: 20, stride: 1, padding: 1, addend: true },
  // Several slabs of conv3dGradWeightRows a split; one slab of several samples, and more channels than it keeps at a
  // time.
  { x: [1, 13, 14, 65, 9], kernel: 3, channels: 10, stride: 1, padding: 1 },
  { x: [9, 1, 5, 65, 9], kernel: 3, channels: 33, stride: 1, padding: 1 },
  { x: [3, 2, 3, 13, 12], kernel: 3, channels: 41, stride: 1, padding: 1, mixed: true },
  { x: [3, 2, 6, 14, 12], kernel: 3, channels: 17, stride: 1, padding: 1 },
  // So many channels that it makes narrow grids too: of all samples' rows in one slab, and in several.
  { x: [2, 3, 5, 7, 128], kernel: 3, channels: 130, stride: 1, padding: 1 },
  { x: [3, 7, 6, 8, 129], kernel: 3, channels: 128, stride: 1, padding: 1 },
  // So many weights for so few positions that their gradient takes one split.
  { x: [1, 2, 2, 2, 64], kernel: 3, channels: 256, stride: 1, padding: 1 },
  { x: [1, 3, 6, 18, 6], kernel: 3, channels: 5, stride: 1, padding: 0 },
  { x: [1, 3, 4, 5, 2], kernel: 3, channels: 3, stride: 1, padding: 4 },
  // So few output channels that the weight gradient slides its window over the output's gradient.
  { x: [2, 3, 6, 5, 19], kernel: 3, channels: 5, stride: 1, padding: 1, mixed: true },
  { x: [1, 3, 6, 5, 9], kernel: 3, channels: 8, stride: 1, padding: 0 },
  { x: [1, 3, 4, 5, 9], kernel: 3, channels: 3, stride: 1, padding: 4 },
  { x: [2, 4, 5, 6, 10], kernel: 4, channels: 2, stride: 1, padding: 2 },
  { x: [3, 4, 3, 5, 17], kernel: 1, channels: 20, stride: 1, padding: 0, addend: true, mixed: true },
  { x: [1, 2, 3, 2, 3], kernel: 1, channels: 4, stride: 1, padding: 2 },
  { x: [2, 3, 5, 4, 5], kernel: 1, channels: 3, stride: 2, padding: 0 },
  { x: [2, 6, 4, 8, 5], kernel: 3, channels: 9, stride: 2, padding: 1, mixed: true },
  { x: [3, 5, 7, 9, 4], kernel: 3, channels: 6, stride: 2, padding: 1, addend: true },
  { x: [2, 8, 6, 4, 8], kernel: 4, channels: 16, stride: 2, padding: 1 },
  { x: [1, 5, 7, 9, 3], kernel: 4, channels: 5, stride: 2, padding: 5 },
  { x: [1, 4, 5, 6, 3], kernel: 4, channels: 2, stride: 1, padding: 2 },
  // Rows of outputs of conv3dPolyphase: blocks of them, as wide as one, one more, narrow ones beside one another.
  { x: [3, 3, 10, 34, 5], kernel: 4, channels: 12, stride: 2, padding: 1, addend: true, mixed: true },
  { x: [1, 4, 18, 32, 2], kernel: 4, channels: 17, stride: 2, padding: 1 },
  // Odd rows, whose last output has an input beyond: of one tile and less.
  { x: [1, 4, 5, 33, 3], kernel: 4, channels: 6, stride: 2, padding: 1 },
  { x: [2, 5, 4, 9, 3], kernel: 4, channels: 5, stride: 2, padding: 1 },
  { x: [3, 2, 4, 2, 12], kernel: 4, channels: 5, stride: 2, padding: 1 },
  { x: [2, 3, 5, 66, 3], kernel: 3, channels: 5, stride: 2, padding: 1 },
  { x: [3, 4, 9, 18, 5], kernel: 3, channels: 12, stride: 2, padding: 1 },
  { x: [1, 5, 4, 17, 12], kernel: 3, channels: 7, stride: 2, padding: 1 },
  { x: [3, 1, 2, 1, 5], kernel: 3, channels: 33, stride: 2, padding: 1 },
  { x: [3, 4, 6, 5, 7], kernel: 2, channels: 5, stride: 2, padding: 0 },
  { x: [1, 3, 18, 19, 12], kernel: 2, channels: 33, stride: 2, padding: 0, addend: true },
  { x: [1, 1, 2, 9, 5], kernel: 1, channels: 12, stride: 1, padding: 0 },
  { x: [1, 3, 4, 3, 2], kernel: 2, channels: 3, stride: 1, padding: 1 },
  // Whole vec4s of channels, and more of them than conv3dTiled takes in a block; channels enough for splits.
  { x: [1, 5, 6, 9, 12], kernel: 3, channels: 76, stride: 1, padding: 1, addend: true },
  { x: [1, 2, 3, 2, 68], kernel: 3, channels: 12, stride: 1, padding: 1, addend: true },
  { x: [2, 3, 7, 8, 20], kernel: 1, channels: 36, stride: 1, padding: 0 },
];

/** What x and y, with their gradients, are stored as; a network's first and last layers have two kinds. */
export type Kinds = readonly [x: Stored, y: Stored];
export const F32: Kinds = ["f32", "f32"];

/** The shapes of a case's weights and output. */
export function shapesOf({ kernel, x, channels, stride, padding }: Case) {
  const weightShape = [kernel, kernel, kernel, x[4], channels];
  return { weightShape, yShape: conv3dShape(x, weightShape, stride, padding) };
}

/** Operands of a case, from fixed seeds. */
export function setUp(c: Case, [ofX, ofY] = F32) {
  const { weightShape, yShape } = shapesOf(c);
  return {
    x: operand(c.x, 1, ofX),
    weight: operand(weightShape, 2),
    bias: operand([c.channels], 3),
    addend: operand(yShape, 4, ofY),
    gradY: operand(yShape, 5, ofY),
    gradWeight0: operand(weightShape, 6),
    gradBias0: operand([c.channels], 7),
  };
}

/** A case as kernels take it apart. */
export function problemOf(c: Case): ConvProblem {
  const { stride, padding: pad } = c;
  return { sizes: convSizes(c.x, shapesOf(c).yShape, c.kernel), stride, pad, transposed: false };
}

export function nameOf(c: Case): string {
  const addend = c.addend ? ", addend" : "";
  return `[${c.x}] -> ${c.channels}, kernel ${c.kernel}, stride ${c.stride}, padding ${c.padding}${addend}`;
}

/**
 * Compares results with the twin's: any of y, plain (without bias and addend), gradX, gradWeight and gradBias.
 *
 * @param weights what the twin rounds them to, as kernels on matrices do
 */
export function expectTwin(
  c: Case,
  results: Readonly<Record<string, ArrayLike<number>>>,
  [ofX, ofY] = F32,
  weights: Stored = "f32",
): void {
  const expected = once(c, `${ofX} ${ofY} ${weights}`, () => expectedOf(c, [ofX, ofY], weights));
  expectResults(results, expected, { y: ofY, plain: ofY, gradX: ofX });
}

function expectedOf(c: Case, kinds: Kinds, weights: Stored): Record<string, () => Expected> {
  const { weight: given, bias, addend, gradWeight0, gradBias0, ...operands } = setUp(c, kinds);
  const of = linearPartsOf(c, { ...operands, weight: { ...given, data: roundedTo(weights, given.data) } });
  const allowed = allowedOf(c);
  return {
    y: lazy(() => [of.y(bias.data, c.addend ? addend.data : undefined), allowed.y()]),
    plain: lazy(() => [of.y(), allowed.y()]),
    gradX: lazy(() => [of.gradX(), allowed.gradX()]),
    gradWeight: lazy(() => [of.gradWeight(gradWeight0.data), allowed.gradWeight()]),
    gradBias: lazy(() => [of.gradBias(gradBias0.data), allowed.gradBias()]),
  };
}

/** Of a case's operands whatever they are stored as: that moves sums of |a||b| by far less than the bound has room. */
function allowedOf(c: Case): Record<"y" | "gradX" | "gradWeight" | "gradBias", () => Float64Array> {
  return once(c, "allowed", () => {
    const { bias, addend, gradWeight0, gradBias0, x, weight, gradY } = setUp(c);
    const of = linearPartsOf(c, { x: abs(x), weight: abs(weight), gradY: abs(gradY) });
    const taps = c.kernel ** 3;
    const voxels = gradY.data.length / c.channels;
    return {
      y: lazy(() => rounding(taps * c.x[4], of.y(abs(bias).data, c.addend ? abs(addend).data : undefined))),
      gradX: lazy(() => rounding(taps * c.channels, of.gradX())),
      gradWeight: lazy(() => rounding(voxels, of.gradWeight(abs(gradWeight0).data))),
      gradBias: lazy(() => rounding(voxels, of.gradBias(abs(gradBias0).data))),
    };
  });
}

/** The twin's results for such operands. */
function linearPartsOf(c: Case, { x, weight, gradY }: Record<"x" | "weight" | "gradY", twin.Array64>) {
  const { stride, padding } = c;
  return {
    y: (...added: (ArrayLike<number> | undefined)[]) => twin.conv3d(x, weight, gradY.shape, stride, padding, ...added),
    gradX: () => twin.conv3dGradInput(gradY, weight, x.shape, stride, padding),
    gradWeight: (start: ArrayLike<number>) =>
      twin.conv3dGradWeight(x, gradY, weight.shape, stride, padding).map((v, i) => v + start[i]!),
    gradBias: (start: ArrayLike<number>) => twin.conv3dGradBias(gradY.data, c.channels).map((v, i) => v + start[i]!),
  };
}
