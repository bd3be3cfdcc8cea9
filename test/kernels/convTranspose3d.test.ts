import { describe, expect, it } from "vitest";
import {
  convTranspose3d,
  convTranspose3dGradInput,
  convTranspose3dGradWeight,
  convTranspose3dShape,
} from "../../src/kernels/convTranspose3d.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import type { Array64 } from "../reference/conv3d.ts";
import * as twin from "../reference/convTranspose3d.ts";
import { needsStored, roundedTo, STORED, storedTolerance, type Stored } from "./half.ts";
import { abs, dot, expectCentralDifferences, rounding, withoutSubgroups } from "./linearOperators.ts";

interface Case {
  x: [number, number, number, number, number];
  kernel: number;
  channels: number;
  padding: number;
  /** Runs the variants of adapters without subgroups. */
  plain?: boolean;
}

const CASES: Case[] = [
  { x: [1, 1, 1, 1, 1], kernel: 4, channels: 1, padding: 1 },
  { x: [3, 2, 5, 3, 5], kernel: 4, channels: 9, padding: 1 },
  { x: [1, 4, 4, 9, 16], kernel: 4, channels: 8, padding: 1 },
  // Rows of conv3dParity: narrow ones beside one another, as wide as a block, one more, several blocks.
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
  { x: [3, 2, 4, 3, 9], kernel: 2, channels: 12, padding: 0, plain: true },
];

function setUp(c: Case, dtype: Stored = "f32") {
  const weightShape = [c.kernel, c.kernel, c.kernel, c.x[4], c.channels];
  const yShape = convTranspose3dShape(c.x, weightShape, 2, c.padding);
  const tensor = (shape: readonly number[], seed: number, dtype: Stored = "f32") => ({
    shape,
    dtype,
    data: roundedTo(dtype, randomArray(shape.reduce((a, b) => a * b, 1), seed)),
  });
  return {
    x: tensor(c.x, 1, dtype),
    weight: tensor(weightShape, 2),
    bias: tensor([c.channels], 3),
    gradY: tensor(yShape, 4, dtype),
    gradWeight0: tensor(weightShape, 5),
  };
}

async function run(c: Case, dtype: Stored = "f32") {
  const { x, weight, bias, gradY, gradWeight0 } = setUp(c, dtype);
  const options = { stride: 2, padding: c.padding };
  return runKernels(
    await testGpu(),
    { x, weight, bias, gradY },
    {
      y: { shape: gradY.shape, dtype },
      plain: { shape: gradY.shape, dtype },
      gradX: { shape: x.shape, dtype },
      gradWeight: { shape: weight.shape, init: gradWeight0.data },
    },
    (graph, t) => {
      const ctx = c.plain ? withoutSubgroups(graph) : graph;
      convTranspose3d(ctx, { label: "y", x: t.x!, weight: t.weight!, bias: t.bias!, y: t.y!, ...options });
      convTranspose3d(ctx, { label: "plain", x: t.x!, weight: t.weight!, y: t.plain!, ...options });
      convTranspose3dGradInput(ctx, { label: "gradX", gradY: t.gradY!, weight: t.weight!, gradX: t.gradX!, ...options });
      const gradWeight = t.gradWeight!;
      convTranspose3dGradWeight(ctx, { label: "gradW", x: t.x!, gradY: t.gradY!, gradWeight, ...options });
    },
  );
}

describe.each(STORED)("convTranspose3d in %s", (dtype) => {
  needsStored(dtype);

  it.each(CASES.map((c) => [`[${c.x}] -> ${c.channels}, kernel ${c.kernel}, padding ${c.padding}${c.plain ? ", no subgroups" : ""}`, c] as const))(
    "%s agrees with the twin",
    async (_, c) => {
      const { x, weight, bias, gradY, gradWeight0 } = setUp(c, dtype);
      const out = await run(c, dtype);
      const k = c.kernel ** 3;
      const y = (a: Array64, w: Array64, b?: ArrayLike<number>) => twin.convTranspose3d(a, w, gradY.shape, 2, c.padding, b);
      const yRounding = rounding(k * c.x[4], y(abs(x), abs(weight), abs(bias).data));
      expectClose(out.y!, y(x, weight, bias.data), storedTolerance(dtype, y(x, weight, bias.data), yRounding), "y");
      expectClose(out.plain!, y(x, weight), storedTolerance(dtype, y(x, weight), yRounding), "plain");
      const gradX = (g: Array64, w: Array64) => twin.convTranspose3dGradInput(g, w, x.shape, 2, c.padding);
      const exactGradX = gradX(gradY, weight);
      const gradXRounding = rounding(k * c.channels, gradX(abs(gradY), abs(weight)));
      expectClose(out.gradX!, exactGradX, storedTolerance(dtype, exactGradX, gradXRounding), "gradX");
      const gradWeight = (a: Array64, g: Array64, start: ArrayLike<number>) =>
        twin.convTranspose3dGradWeight(a, g, weight.shape, 2, c.padding).map((v, i) => v + start[i]!);
      expectClose(
        out.gradWeight!,
        gradWeight(x, gradY, gradWeight0.data),
        rounding(x.data.length / c.x[4], gradWeight(abs(x), abs(gradY), abs(gradWeight0).data)),
        "gradWeight",
      );
    },
  );
});

describe("convTranspose3d", () => {
  it("is the adjoint of its gradients and repeats bitwise", async () => {
    const c = CASES[1]!;
    const { x, gradY } = setUp(c);
    const [first, second] = [await run(c), await run(c)];
    const forward = dot(first.plain!, gradY.data);
    expect(Math.abs(dot(x.data, first.gradX!) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    for (const key of Object.keys(first)) expect(second[key], key).toEqual(first[key]);
  });

  it("has a twin whose gradients are its central differences", () => {
    const c = { ...CASES[4]!, x: [1, 2, 1, 2, 2] as Case["x"], channels: 2 };
    const { x, weight, gradY } = setUp(c);
    const y = (a: ArrayLike<number>, w: ArrayLike<number>) =>
      dot(twin.convTranspose3d({ ...x, data: a }, { ...weight, data: w }, gradY.shape, 2, c.padding), gradY.data);
    const gradX = twin.convTranspose3dGradInput(gradY, weight, x.shape, 2, c.padding);
    expectCentralDifferences((a) => y(a, weight.data), x.data, gradX);
    const gradWeight = twin.convTranspose3dGradWeight(x, gradY, weight.shape, 2, c.padding);
    expectCentralDifferences((w) => y(x.data, w), weight.data, gradWeight);
  });

  it("gives PyTorch's output shape and refuses what does not fit", () => {
    expect(convTranspose3dShape([2, 4, 5, 6, 3], [4, 4, 4, 3, 7], 2, 1)).toEqual([2, 8, 10, 12, 7]);
    expect(convTranspose3dShape([2, 4, 5, 6, 3], [2, 2, 2, 3, 7], 2, 0)).toEqual([2, 8, 10, 12, 7]);
    const refused: [number[], number[], number, number][] = [
      [[2, 4, 5, 6, 3], [4, 4, 4, 3, 7], 1, 1],
      [[2, 4, 5, 6, 2], [4, 4, 4, 3, 7], 2, 1],
      [[2, 1, 5, 6, 3], [2, 2, 2, 3, 7], 2, 1],
    ];
    for (const args of refused) {
      expect(() => convTranspose3dShape(...args), args.join(" ")).toThrow(expect.objectContaining({ code: "bad-shape" }));
    }
  });
});
