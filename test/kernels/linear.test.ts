import { describe, expect, it } from "vitest";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "../../src/kernels/conv3d/linear.ts";
import { runKernels, testGpu } from "../harness.ts";
import { conv3dGradBias } from "../../src/reference/conv3d.ts";
import * as twin from "../../src/reference/linear.ts";
import { needsStored, STORED, type Stored } from "./half.ts";
import { innerProduct } from "./differences.ts";
import { abs, expectCentralDifferences, expectResults, operand, rounding, type Expected } from "./linearOperators.ts";

type Case = [rows: number[], channelsIn: number, channelsOut: number];

const CASES: Case[] = [
  [[1], 1, 1],
  [[3, 5], 7, 9],
  [[2, 70], 16, 48],
  [[1, 2, 3, 2], 33, 3],
];

function setUp([rows, channelsIn, channelsOut]: Case, dtype: Stored = "f32") {
  return {
    x: operand([...rows, channelsIn], 1, dtype),
    weight: operand([channelsIn, channelsOut], 2),
    bias: operand([channelsOut], 3),
    addend: operand([...rows, channelsOut], 4, dtype),
    gradY: operand([...rows, channelsOut], 5, dtype),
  };
}

async function run(c: Case, dtype: Stored = "f32") {
  const { x, weight, bias, addend, gradY } = setUp(c, dtype);
  return runKernels(
    await testGpu(),
    { x, weight, bias, addend, gradY },
    {
      y: { shape: gradY.shape, dtype },
      plain: { shape: gradY.shape, dtype },
      gradX: { shape: x.shape, dtype },
      gradWeight: { shape: weight.shape, init: new Float32Array(weight.data.length) },
      gradBias: { shape: bias.shape, init: new Float32Array(bias.data.length) },
    },
    (ctx, t) => {
      linear(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, addend: t.addend, y: t.y });
      linear(ctx, { label: "plain", x: t.x, weight: t.weight, y: t.plain });
      linearGradInput(ctx, { label: "gradX", gradY: t.gradY, weight: t.weight, gradX: t.gradX });
      linearGradWeight(ctx, { label: "gradW", x: t.x, gradY: t.gradY, gradWeight: t.gradWeight });
      linearGradBias(ctx, { label: "gradB", gradY: t.gradY, gradBias: t.gradBias });
    },
  );
}

describe.each(STORED)("linear in %s", (dtype) => {
  needsStored(dtype);

  it.each(CASES.map((c) => [`[${c[0]}, ${c[1]}] -> ${c[2]}`, c] as const))("%s agrees with the twin", async (_, c) => {
    const [rows, channelsIn, channelsOut] = c;
    const { x, weight, bias, addend, gradY } = setUp(c, dtype);
    type Data = ArrayLike<number>;
    const y = (a: Data, w: Data, ...operands: Data[]) => twin.linear(a, w, channelsIn, channelsOut, ...operands);
    const ofAbs = y(abs(x).data, abs(weight).data, abs(bias).data, abs(addend).data);
    const gradX = (g: Data, w: Data) => twin.linearGradInput(g, w, channelsIn, channelsOut);
    const gradWeight = (a: Data, g: Data) => twin.linearGradWeight(a, g, channelsIn, channelsOut);
    const gradBias = (g: Data) => conv3dGradBias(g, channelsOut);
    const count = rows.reduce((a, b) => a * b, 1);
    const expected: Record<string, () => Expected> = {
      y: () => [y(x.data, weight.data, bias.data, addend.data), rounding(channelsIn, ofAbs)],
      plain: () => [y(x.data, weight.data), rounding(channelsIn, ofAbs)],
      gradX: () => [gradX(gradY.data, weight.data), rounding(channelsOut, gradX(abs(gradY).data, abs(weight).data))],
      gradWeight: () => [gradWeight(x.data, gradY.data), rounding(count, gradWeight(abs(x).data, abs(gradY).data))],
      gradBias: () => [gradBias(gradY.data), rounding(count, gradBias(abs(gradY).data))],
    };
    expectResults(await run(c, dtype), expected, { y: dtype, plain: dtype, gradX: dtype });
  });
});

describe("linear", () => {
  it("is the adjoint of its gradients and repeats bitwise", async () => {
    const c = CASES[1]!;
    const { x, weight, gradY } = setUp(c);
    const [first, second] = [await run(c), await run(c)];
    const forward = innerProduct(first.plain, gradY.data);
    expect(Math.abs(innerProduct(x.data, first.gradX) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    expect(Math.abs(innerProduct(weight.data, first.gradWeight) - forward)).toBeLessThan(
      1e-4 * Math.abs(forward) + 1e-3,
    );
    expect(second).toEqual(first);
  });

  it("has a twin whose gradients are its central differences", () => {
    const [, channelsIn, channelsOut] = CASES[1]!;
    const { x, weight, gradY } = setUp(CASES[1]!);
    const y = (a: ArrayLike<number>, w: ArrayLike<number>) =>
      innerProduct(twin.linear(a, w, channelsIn, channelsOut), gradY.data);
    expectCentralDifferences(
      (a) => y(a, weight.data),
      x.data,
      twin.linearGradInput(gradY.data, weight.data, channelsIn, channelsOut),
    );
    expectCentralDifferences(
      (w) => y(x.data, w),
      weight.data,
      twin.linearGradWeight(x.data, gradY.data, channelsIn, channelsOut),
    );
  });

  it("refuses shapes that do not fit", async () => {
    const { x, weight } = setUp(CASES[1]!);
    const wrong = runKernels(await testGpu(), { x, weight }, { y: { shape: [3, 5, 8] } }, (ctx, t) => {
      linear(ctx, { label: "net/qkv", x: t.x, weight: t.weight, y: t.y });
    });
    await expect(wrong).rejects.toThrow(/net\/qkv.*\[3, 5, 8\]/);
  });
});
