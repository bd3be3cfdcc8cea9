import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { add } from "../../src/kernels/add.ts";
import { concatChannels, splitChannels } from "../../src/kernels/concatChannels.ts";
import { gelu, geluGrad, silu, siluGrad } from "../../src/kernels/activations.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { add as addTwin } from "../../src/reference/add.ts";
import { concatChannels as concatTwin } from "../../src/reference/concatChannels.ts";
import * as twin from "../../src/reference/activations.ts";
import { centralDifferences, EPS } from "./differences.ts";
import { needsStored, roundedTo, STORED, storedTolerance } from "./half.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const SHAPES: [number[]][] = [
  [[1]],
  [[3]],
  [[1, 1, 1, 1, 4]],
  [[3, 5, 7, 3]],
  [[2, 8, 8, 8, 4]],
  [[511]],
  [[3, 9, 9, 9, 4]],
];

describe.each(STORED)("add in %s", (dtype) => {
  needsStored(dtype);

  it.each(SHAPES)("is the rounded sum for %j", async (shape) => {
    const n = shape.reduce((a, b) => a * b);
    const [a, b] = [roundedTo(dtype, randomArray(n, 1, 10)), roundedTo(dtype, randomArray(n, 2))];
    const inputs = { a: { shape, dtype, data: a }, b: { shape, dtype, data: b } };
    const { y } = await runKernels(gpu, inputs, { y: { shape, dtype } }, (ctx, { a, b, y }) =>
      add(ctx, { label: "test", a, b, y }),
    );
    expect(y).toEqual(roundedTo(dtype, addTwin(a, b)));
  });

  it("refuses operands of which only one is so", async () => {
    const shape = [6];
    const data = new Float32Array(6);
    const other = dtype === "f32" ? "f16" : "f32";
    const wrong = runKernels(
      gpu,
      { a: { shape, dtype, data }, b: { shape, dtype: other, data } },
      { y: { shape, dtype } },
      (ctx, { a, b, y }) => add(ctx, { label: "unet/add", a, b, y }),
    );
    await expect(wrong).rejects.toMatchObject({
      code: "bad-shape",
      message: expect.stringMatching(/unet\/add.*\[6\] f16/),
    });
  });
});

describe("add", () => {
  it("refuses other shapes, naming them", async () => {
    const wrong = runKernels(
      gpu,
      { a: { shape: [2, 3], data: new Float32Array(6) }, b: { shape: [3, 2], data: new Float32Array(6) } },
      { y: { shape: [2, 3] } },
      (ctx, { a, b, y }) => add(ctx, { label: "unet/add", a, b, y }),
    );
    await expect(wrong).rejects.toMatchObject({
      code: "bad-shape",
      message: expect.stringMatching(/unet\/add.*\[3, 2\]/),
    });
  });
});

describe.each(STORED)("silu in %s", (dtype) => {
  needsStored(dtype);

  it.each(SHAPES)("and its gradient follow the twin for %j", async (shape) => {
    const n = shape.reduce((a, b) => a * b);
    const x = roundedTo(dtype, randomArray(n, 3, 4));
    const gradY = roundedTo(dtype, randomArray(n, 4));
    const { y, gradX } = await runKernels(
      gpu,
      { x: { shape, dtype, data: x }, gradY: { shape, dtype, data: gradY } },
      { y: { shape, dtype }, gradX: { shape, dtype } },
      (ctx, { x, gradY, y, gradX }) => {
        silu(ctx, { label: "silu", x, y });
        siluGrad(ctx, { label: "siluGrad", x, gradY, gradX });
      },
    );
    // exp is allowed 3 + 2 |x| units in the last place, the division 2.5.
    const relative = Float64Array.from(x, (v) => 2 * EPS * (8 + 2 * Math.abs(v)));
    const exact = Float64Array.from(x, twin.silu);
    expectClose(
      y,
      exact,
      storedTolerance(
        dtype,
        exact,
        relative.map((r, i) => r * Math.abs(x[i]!)),
      ),
    );
    const exactGrad = Float64Array.from(x, (v, i) => gradY[i]! * twin.siluSlope(v));
    const allowed = relative.map((r, i) => 2 * r * Math.abs(gradY[i]!) * (1 + Math.abs(x[i]!)));
    expectClose(gradX, exactGrad, storedTolerance(dtype, exactGrad, allowed));
  });
});

describe("silu", () => {
  it("stays finite far from zero and passes NaN on", async () => {
    const x = Float32Array.of(-1e30, -1000, -88, 88, 1000, 1e30, 0, NaN);
    const shape = [8];
    const { y, gradX } = await runKernels(
      gpu,
      { x: { shape, data: x }, one: { shape, data: new Float32Array(8).fill(1) } },
      { y: { shape }, gradX: { shape } },
      (ctx, { x, one, y, gradX }) => {
        silu(ctx, { label: "silu", x, y });
        siluGrad(ctx, { label: "siluGrad", x, gradY: one, gradX });
      },
    );
    expectClose(y.subarray(1, 5), [0, 0, 88, 1000], 1e-4);
    expectClose(gradX.subarray(1, 5), [0, 0, 1, 1], 1e-6);
    expect(y[5]).toBeCloseTo(Math.fround(1e30), -25);
    expect(Math.abs(y[0]!)).toBeLessThan(1);
    expect([y[6], gradX[6]]).toEqual([0, 0.5]);
    expect([y[7], gradX[7]]).toEqual([NaN, NaN]);
  });
});

describe.each([
  ["silu", twin.silu, twin.siluSlope],
  ["gelu", twin.gelu, twin.geluSlope],
  ["sigmoid", twin.sigmoid, twin.sigmoidSlope],
])("the twin of %s", (_, f, slope) => {
  it("has the slope that central differences give", () => {
    const x = randomArray(20, 5, 6);
    const differences = centralDifferences((v) => v.reduce((sum, value) => sum + f(value), 0), x);
    expectClose(differences, Float64Array.from(x, slope), 1e-8);
  });
});

describe("gelu", () => {
  // Values of the normal distribution from tables, to all their digits.
  const known = [
    [1, 0.841344746068543],
    [-1, -0.158655253931457],
    [3, 2.99595030590511],
    [-3, -0.00404969409489],
    [-6, -5.91952587022623e-9],
  ] as const;

  it("is what tables say", () => {
    for (const [x, y] of known) expect(Math.abs(twin.gelu(x) / y - 1)).toBeLessThan(1e-8);
  });

  it("keeps its digits far from zero, stays finite and passes NaN on", async () => {
    const x = Float32Array.of(...known.map(([x]) => x), 0, -1e30, 1e30, NaN);
    const shape = [x.length];
    const { y, gradX } = await runKernels(
      gpu,
      { x: { shape, data: x }, one: { shape, data: new Float32Array(x.length).fill(1) } },
      { y: { shape }, gradX: { shape } },
      (ctx, { x, one, y, gradX }) => {
        gelu(ctx, { label: "gelu", x, y });
        geluGrad(ctx, { label: "geluGrad", x, gradY: one, gradX });
      },
    );
    // An exponential is allowed 3 + 2 z^2 units in the last place, z^2 being up to 18 here.
    known.forEach(([, value], i) => expect(Math.abs(y[i]! / value - 1)).toBeLessThan(45 * 2 * EPS));
    expect(y.subarray(known.length)).toEqual(Float32Array.of(0, -0, 1e30, NaN));
    expect(gradX.subarray(known.length)).toEqual(Float32Array.of(0.5, 0, 1, NaN));
  });
});

describe.each([
  ["f32", "f32"],
  ["f16", "f16"],
  ["f32", "f16"],
  ["f16", "f32"],
] as const)("concatChannels of %s to %s", (one, other) => {
  needsStored(one === "f32" ? other : one);

  it.each([
    [1, 1, 1, 1],
    [1, 1, 4, 8],
    [3, 5, 3, 2],
    [3, 27, 8, 5],
    [2, 64, 32, 64],
    [1, 343, 16, 16],
  ])(
    "puts channels side by side and takes them apart: %d samples, %d voxels, %d and %d channels",
    async (n, voxels, wa, wb) => {
      const a = roundedTo(one, randomArray(n * voxels * wa, 6));
      const b = roundedTo(one, randomArray(n * voxels * wb, 7));
      const shape = (width: number) => [n, voxels, 1, width];
      const inputs = { a: { shape: shape(wa), dtype: one, data: a }, b: { shape: shape(wb), dtype: one, data: b } };
      const outputs = {
        y: { shape: shape(wa + wb), dtype: other },
        c: { shape: shape(wa), dtype: one },
        d: { shape: shape(wb), dtype: one },
      };
      const { y, c, d } = await runKernels(gpu, inputs, outputs, (ctx, { a, b, y, c, d }) => {
        concatChannels(ctx, { label: "concat", a, b, y });
        splitChannels(ctx, { label: "split", y, a: c, b: d });
      });
      // Copies are exact; splitting, a permutation's inverse, is then also its transpose.
      expect(Float64Array.from(y)).toEqual(concatTwin(roundedTo(other, a), roundedTo(other, b), n * voxels));
      expect(c).toEqual(roundedTo(other, a));
      expect(d).toEqual(roundedTo(other, b));
    },
  );
});

describe("concatChannels", () => {
  it("takes two types, and one tensor twice", async (context) => {
    if (!gpu.caps.f16) context.skip("this adapter has no shader-f16");
    const [a, b] = [randomArray(10, 6), roundedTo("f16", randomArray(15, 7))];
    const shape = (width: number) => [1, 5, width];
    const { mixed, twice, c, d } = await runKernels(
      gpu,
      { a: { shape: shape(2), data: a }, b: { shape: shape(3), dtype: "f16", data: b } },
      {
        mixed: { shape: shape(5) },
        twice: { shape: shape(4) },
        c: { shape: shape(2) },
        d: { shape: shape(3), dtype: "f16" },
      },
      (ctx, { a, b, mixed, twice, c, d }) => {
        concatChannels(ctx, { label: "mixed", a, b, y: mixed });
        concatChannels(ctx, { label: "twice", a, b: a, y: twice });
        splitChannels(ctx, { label: "split", y: mixed, a: c, b: d });
      },
    );
    expect(Float64Array.from(mixed)).toEqual(concatTwin(a, b, 5));
    expect(Float64Array.from(twice)).toEqual(concatTwin(a, a, 5));
    expect([c, d]).toEqual([a, b]);
  });

  it("refuses outputs of the wrong width", async () => {
    const data = new Float32Array(12);
    const wrong = runKernels(
      gpu,
      { a: { shape: [2, 6], data }, b: { shape: [2, 6], data } },
      { y: { shape: [2, 11] } },
      (ctx, { a, b, y }) => concatChannels(ctx, { label: "concat", a, b, y }),
    );
    await expect(wrong).rejects.toMatchObject({ code: "bad-shape" });
  });
});
