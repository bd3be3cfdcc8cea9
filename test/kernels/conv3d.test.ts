import { describe, expect, it } from "vitest";
import {
  conv3d,
  conv3dGradBias,
  conv3dGradInput,
  conv3dGradWeight,
  conv3dShape,
} from "../../src/kernels/conv3d/conv3d.ts";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import { randomArray, runKernels, testGpu } from "../harness.ts";
import * as twin from "../../src/reference/conv3d.ts";
import { PLAIN_GPU, PLAIN_SOFTWARE, withCaps } from "./capsOf.ts";
import { CASES, expectTwin, F32, nameOf, setUp, type Case, type Kinds } from "./conv3dCases.ts";
import { needsStored } from "./half.ts";
import { innerProduct } from "./differences.ts";
import { expectCentralDifferences } from "./linearOperators.ts";

/** Forward and all gradients of one case, in one plan, as on an adapter of such capabilities. */
async function run(c: Case, caps: Partial<GpuCaps> = {}, kinds = F32) {
  const { x, weight, bias, addend, gradY, gradWeight0, gradBias0 } = setUp(c, kinds);
  const [ofX, ofY] = kinds;
  const { stride, padding } = c;
  return runKernels(
    await testGpu(),
    { x, weight, bias, addend, gradY },
    {
      y: { shape: gradY.shape, dtype: ofY },
      plain: { shape: gradY.shape, dtype: ofY },
      gradX: { shape: x.shape, dtype: ofX },
      gradWeight: { shape: weight.shape, init: gradWeight0.data },
      gradBias: { shape: bias.shape, init: gradBias0.data },
    },
    (graph, t) => {
      const ctx = withCaps(graph, caps);
      const residual = c.addend ? { addend: t.addend } : {};
      conv3d(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, ...residual, y: t.y, stride, padding });
      conv3d(ctx, { label: "plain", x: t.x, weight: t.weight, y: t.plain, stride, padding });
      conv3dGradInput(ctx, { label: "gradX", gradY: t.gradY, weight: t.weight, gradX: t.gradX, stride, padding });
      const gradWeight = t.gradWeight;
      conv3dGradWeight(ctx, { label: "gradW", x: t.x, gradY: t.gradY, gradWeight, stride, padding });
      conv3dGradBias(ctx, { label: "gradB", gradY: t.gradY, gradBias: t.gradBias });
    },
  );
}

const MIXED = CASES.filter(({ mixed }) => mixed);

describe.each<[...Kinds, readonly Case[]]>([
  ["f32", "f32", CASES],
  ["f16", "f16", CASES],
  ["f32", "f16", MIXED],
  ["f16", "f32", MIXED],
])("conv3d from %s to %s", (ofX, ofY, cases) => {
  needsStored(ofX === "f32" ? ofY : ofX);

  it.each(cases.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    expectTwin(c, await run(c, {}, [ofX, ofY]), [ofX, ofY]);
  });

  it("agrees with the twin on a software adapter without subgroups", async () => {
    const c: Case = { x: [3, 4, 3, 5, 17], kernel: 1, channels: 20, stride: 1, padding: 0 };
    expectTwin(c, await run(c, PLAIN_SOFTWARE, [ofX, ofY]), [ofX, ofY]);
  });
});

describe("conv3d", () => {
  // Few: these compile slowly.
  it.each<Case>([
    { x: [3, 4, 6, 5, 9], kernel: 2, channels: 18, stride: 2, padding: 0 },
    { x: [2, 3, 5, 3, 5], kernel: 2, channels: 7, stride: 1, padding: 1, addend: true },
    { x: [3, 4, 3, 5, 17], kernel: 1, channels: 20, stride: 1, padding: 0 },
  ])("agrees with the twin on a software adapter without subgroups: %o", async (c) => {
    expectTwin(c, await run(c, PLAIN_SOFTWARE));
  });

  it.each<Case>([
    { x: [2, 5, 7, 9, 12], kernel: 3, channels: 36, stride: 1, padding: 1, addend: true },
    { x: [3, 4, 5, 6, 5], kernel: 2, channels: 6, stride: 2, padding: 0, addend: true },
    { x: [3, 4, 3, 5, 17], kernel: 1, channels: 20, stride: 1, padding: 0 },
  ])("agrees with the twin on a graphics card that has WebGPU's minimum: %o", async (c) => {
    const out = await run(c, PLAIN_GPU);
    expectTwin(c, out);
    expect(await run(c, PLAIN_GPU)).toEqual(out);
  });

  it("is the adjoint of its gradients and repeats bitwise", async () => {
    const c = CASES[3]!;
    const { x, weight, gradY, gradWeight0 } = setUp(c);
    const [first, second] = [await run(c), await run(c)];
    const forward = innerProduct(first.plain, gradY.data);
    expect(Math.abs(innerProduct(x.data, first.gradX) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    const added = first.gradWeight.map((v, i) => v - gradWeight0.data[i]!);
    expect(Math.abs(innerProduct(weight.data, added) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    expect(second).toEqual(first);
  });

  it("has a twin whose gradients are its central differences", () => {
    const c: Case = { x: [1, 3, 2, 3, 2], kernel: 3, channels: 2, stride: 1, padding: 4 };
    const { x, weight, gradY } = setUp(c);
    const { stride, padding } = c;
    const y = (a: ArrayLike<number>, w: ArrayLike<number>) =>
      innerProduct(twin.conv3d({ ...x, data: a }, { ...weight, data: w }, gradY.shape, stride, padding), gradY.data);
    expectCentralDifferences(
      (a) => y(a, weight.data),
      x.data,
      twin.conv3dGradInput(gradY, weight, x.shape, stride, padding),
    );
    expectCentralDifferences(
      (w) => y(x.data, w),
      weight.data,
      twin.conv3dGradWeight(x, gradY, weight.shape, stride, padding),
    );
  });

  it("gives the output shape and refuses what does not fit", () => {
    expect(conv3dShape([2, 5, 6, 7, 3], [3, 3, 3, 3, 4], 2, 1)).toEqual([2, 3, 3, 4, 4]);
    expect(conv3dShape([1, 1, 1, 1, 3], [2, 2, 2, 3, 1], 1, 3)).toEqual([1, 6, 6, 6, 1]);
    const refused: [number[], number[], number, number][] = [
      [[2, 5, 6, 3], [3, 3, 3, 3, 4], 1, 1],
      [[2, 5, 6, 7, 3], [3, 3, 3, 2, 4], 1, 1],
      [[2, 5, 6, 7, 3], [3, 3, 2, 3, 4], 1, 1],
      [[2, 9, 9, 9, 3], [5, 5, 5, 3, 4], 1, 2],
      [[2, 5, 6, 7, 3], [3, 3, 3, 3, 4], 3, 1],
      [[2, 5, 6, 7, 3], [3, 3, 3, 3, 4], 1, -1],
      [[2, 2, 6, 7, 3], [3, 3, 3, 3, 4], 1, 0],
    ];
    for (const args of refused) {
      expect(() => conv3dShape(...args), args.join(" ")).toThrow(expect.objectContaining({ code: "bad-shape" }));
    }
  });

  it("refuses an output of another shape, naming the call", async () => {
    const x = { shape: [1, 2, 2, 2, 1], data: randomArray(8, 1) };
    const weight = { shape: [1, 1, 1, 1, 1], data: randomArray(1, 1) };
    const wrong = runKernels(await testGpu(), { x, weight }, { y: { shape: [1, 2, 2, 2, 2] } }, (ctx, t) => {
      conv3d(ctx, { label: "net/conv", x: t.x, weight: t.weight, y: t.y, stride: 1, padding: 0 });
    });
    await expect(wrong).rejects.toThrow(/net\/conv.*\[1, 2, 2, 2, 1\].*\[1, 2, 2, 2, 2\]/);
  });
});
