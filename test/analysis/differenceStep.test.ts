import { expect, it } from "vitest";
import { parameterScales, relativeLength } from "../../src/analysis/differenceStep.ts";
import type { WeightSlot } from "../../src/analysis/lossTerms.ts";

const layout: readonly WeightSlot[] = [
  { name: "a.weight", kind: "linear", shape: [2, 2], offset: 0, size: 4 },
  { name: "a.bias", kind: "vector", shape: [2], offset: 4, size: 2 },
  { name: "norm.weight", kind: "vector", shape: [2], offset: 6, size: 2 },
  { name: "b.weight", kind: "linear", shape: [2, 1], offset: 8, size: 2 },
];
const weights = new Float64Array([0.1, -0.1, 0.1, 0.1, 0, 0, 1, 1, 0.01, 0.01]);

it("scales are root mean squares, of biases at least the median", () => {
  // The median of 0.1, 0, 1 and 0.01 is 0.055.
  const scales = parameterScales(layout, weights);
  [0.1, 0.055, 1, 0.01].forEach((scale, i) => expect(scales[i]).toBeCloseTo(scale, 12));
});

it("nothing is small where all weights are 0", () => {
  expect(parameterScales(layout, new Float64Array(10))).toEqual([1, 1, 1, 1]);
});

it("the weights themselves have the length of a step that doubles each parameter", () => {
  const scales = parameterScales(layout, weights);
  // Three parameters by their whole length; the bias is 0.
  expect(relativeLength(layout, scales, weights)).toBeCloseTo(Math.sqrt(3), 12);
  const onB = new Float64Array(10);
  onB[9] = 1;
  expect(relativeLength(layout, scales, onB)).toBeCloseTo(1 / (Math.SQRT2 * 0.01), 9);
});
