import { convTranspose3dShape } from "../../src/kernels/conv3d/convTranspose3d.ts";
import type { Array64 } from "../../src/reference/conv3d.ts";
import * as twin from "../../src/reference/convTranspose3d.ts";
import { roundedTo, type Stored } from "./half.ts";
import { abs, expectResults, lazy, once, operand, rounding, type Expected } from "./linearOperators.ts";

export interface Case {
  x: [number, number, number, number, number];
  kernel: number;
  channels: number;
  padding: number;
}

/** Transposed convolutions that every variant must get right. */
export const CASES: readonly Case[] = [
  { x: [1, 1, 1, 1, 1], kernel: 4, channels: 1, padding: 1 },
  { x: [3, 2, 5, 3, 5], kernel: 4, channels: 9, padding: 1 },
  { x: [1, 4, 4, 9, 16], kernel: 4, channels: 8, padding: 1 },
  // Rows of conv3dPolyphase: narrow ones beside one another, as wide as a block, one more, several blocks.
  { x: [3, 2, 3, 1, 5], kernel: 4, channels: 12, padding: 1 },
  { x: [2, 2, 5, 7, 12], kernel: 4, channels: 17, padding: 1 },
  { x: [1, 2, 4, 8, 5], kernel: 4, channels: 5, padding: 1 },
  { x: [3, 1, 9, 16, 3], kernel: 4, channels: 8, padding: 1 },
  { x: [1, 2, 3, 17, 5], kernel: 4, channels: 12, padding: 1 },
  { x: [1, 1, 2, 35, 4], kernel: 4, channels: 33, padding: 1 },
  { x: [3, 3, 2, 4, 7], kernel: 2, channels: 5, padding: 0 },
  { x: [1, 2, 9, 17, 5], kernel: 2, channels: 33, padding: 0 },
  { x: [1, 2, 5, 17, 5], kernel: 3, channels: 12, padding: 1 },
  { x: [3, 2, 2, 9, 3], kernel: 3, channels: 17, padding: 1 },
  { x: [1, 3, 4, 2, 3], kernel: 3, channels: 4, padding: 1 },
  { x: [2, 3, 2, 3, 2], kernel: 3, channels: 3, padding: 0 },
  { x: [1, 2, 3, 2, 3], kernel: 1, channels: 2, padding: 0 },
  { x: [1, 3, 5, 9, 12], kernel: 4, channels: 20, padding: 1 },
];

/** Operands of a case, from fixed seeds. */
export function setUp(c: Case, dtype: Stored = "f32") {
  const weightShape = [c.kernel, c.kernel, c.kernel, c.x[4], c.channels];
  const yShape = convTranspose3dShape(c.x, weightShape, 2, c.padding);
  return {
    x: operand(c.x, 1, dtype),
    weight: operand(weightShape, 2),
    bias: operand([c.channels], 3),
    gradY: operand(yShape, 4, dtype),
    gradWeight0: operand(weightShape, 5),
  };
}

export function nameOf(c: Case): string {
  return `transposed [${c.x}] -> ${c.channels}, kernel ${c.kernel}, padding ${c.padding}`;
}

/**
 * Compares results with the twin's: any of y, plain (without bias), gradX and gradWeight.
 *
 * @param weights what the twin rounds them to, as kernels on matrices do
 */
export function expectTwin(
  c: Case,
  results: Readonly<Record<string, ArrayLike<number>>>,
  dtype: Stored = "f32",
  weights: Stored = "f32",
): void {
  const expected = once(c, `${dtype} ${weights}`, () => expectedOf(c, dtype, weights));
  expectResults(results, expected, { y: dtype, plain: dtype, gradX: dtype });
}

function expectedOf(c: Case, dtype: Stored, weights: Stored): Record<string, () => Expected> {
  const { x, weight: given, bias, gradY, gradWeight0 } = setUp(c, dtype);
  const weight = { ...given, data: roundedTo(weights, given.data) };
  const taps = c.kernel ** 3;
  const y = (a: Array64, w: Array64, b?: ArrayLike<number>) => twin.convTranspose3d(a, w, gradY.shape, 2, c.padding, b);
  const yRounding = lazy(() => rounding(taps * c.x[4], y(abs(x), abs(weight), abs(bias).data)));
  const gradX = (g: Array64, w: Array64) => twin.convTranspose3dGradInput(g, w, x.shape, 2, c.padding);
  const gradWeight = (a: Array64, g: Array64, start: ArrayLike<number>) =>
    twin.convTranspose3dGradWeight(a, g, weight.shape, 2, c.padding).map((v, i) => v + start[i]!);
  return {
    y: lazy(() => [y(x, weight, bias.data), yRounding()]),
    plain: lazy(() => [y(x, weight), yRounding()]),
    gradX: lazy(() => [gradX(gradY, weight), rounding(taps * c.channels, gradX(abs(gradY), abs(weight)))]),
    gradWeight: lazy(() => [
      gradWeight(x, gradY, gradWeight0.data),
      rounding(x.data.length / c.x[4], gradWeight(abs(x), abs(gradY), abs(gradWeight0).data)),
    ]),
  };
}
