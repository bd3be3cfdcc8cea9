import { describe, expect, it } from "vitest";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "../../src/kernels/conv3d/linear.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { conv3dGradBias } from "../../src/reference/conv3d.ts";
import * as twin from "../../src/reference/linear.ts";
import { needsStored, roundedTo, STORED, storedTolerance, type Stored } from "./half.ts";
import { innerProduct } from "./differences.ts";
import { abs, expectCentralDifferences, rounding } from "./linearOperators.ts";

type Case = [rows: number[], channelsIn: number, channelsOut: number];

const CASES: Case[] = [
  [[1], 1, 1],
  [[3, 5], 7, 9],
  [[2, 70], 16, 48],
  [[1, 2, 3, 2], 33, 3],
];

function setUp([rows, channelsIn, channelsOut]: Case, dtype: Stored = "f32") {
  const tensor = (shape: readonly number[], seed: number, dtype: Stored = "f32") => ({
    shape,
    dtype,
    data: roundedTo(
      dtype,
      randomArray(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
    ),
  });
  return {
    x: tensor([...rows, channelsIn], 1, dtype),
    weight: tensor([channelsIn, channelsOut], 2),
    bias: tensor([channelsOut], 3),
    addend: tensor([...rows, channelsOut], 4, dtype),
    gradY: tensor([...rows, channelsOut], 5, dtype),
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
    const out = await run(c, dtype);
    const y = (
      a: typeof x | ReturnType<typeof abs>,
      w: ArrayLike<number>,
      b?: ArrayLike<number>,
      r?: ArrayLike<number>,
    ) => twin.linear(a.data, w, channelsIn, channelsOut, b, r);
    const yRounding = rounding(channelsIn, y(abs(x), abs(weight).data, abs(bias).data, abs(addend).data));
    const exact = y(x, weight.data, bias.data, addend.data);
    expectClose(out.y, exact, storedTolerance(dtype, exact, yRounding), "y");
    expectClose(out.plain, y(x, weight.data), storedTolerance(dtype, y(x, weight.data), yRounding), "plain");
    const gradX = (g: ArrayLike<number>, w: ArrayLike<number>) => twin.linearGradInput(g, w, channelsIn, channelsOut);
    const gradXRounding = rounding(channelsOut, gradX(abs(gradY).data, abs(weight).data));
    const exactGradX = gradX(gradY.data, weight.data);
    expectClose(out.gradX, exactGradX, storedTolerance(dtype, exactGradX, gradXRounding), "gradX");
    const gradWeight = (a: ArrayLike<number>, g: ArrayLike<number>) =>
      twin.linearGradWeight(a, g, channelsIn, channelsOut);
    const count = rows.reduce((a, b) => a * b, 1);
    const gradWeightRounding = rounding(count, gradWeight(abs(x).data, abs(gradY).data));
    expectClose(out.gradWeight, gradWeight(x.data, gradY.data), gradWeightRounding, "gradWeight");
    const gradBias = (g: ArrayLike<number>) => conv3dGradBias(g, channelsOut);
    expectClose(out.gradBias, gradBias(gradY.data), rounding(count, gradBias(abs(gradY).data)), "gradBias");
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
