import { describe, expect, it } from "vitest";
import {
  convTranspose3d,
  convTranspose3dGradInput,
  convTranspose3dGradWeight,
  convTranspose3dShape,
} from "../../src/kernels/conv3d/convTranspose3d.ts";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import { runKernels, testGpu } from "../harness.ts";
import * as twin from "../../src/reference/convTranspose3d.ts";
import { PLAIN_GPU, PLAIN_SOFTWARE, withCaps } from "./capsOf.ts";
import { CASES, expectTwin, nameOf, setUp, type Case } from "./convTranspose3dCases.ts";
import { needsStored, STORED, type Stored } from "./half.ts";
import { innerProduct } from "./differences.ts";
import { expectCentralDifferences } from "./linearOperators.ts";

/** Forward and gradients of one case, in one plan, as on an adapter of such capabilities. */
async function run(c: Case, caps: Partial<GpuCaps> = {}, dtype: Stored = "f32") {
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
      const ctx = withCaps(graph, caps);
      convTranspose3d(ctx, { label: "y", x: t.x, weight: t.weight, bias: t.bias, y: t.y, ...options });
      convTranspose3d(ctx, { label: "plain", x: t.x, weight: t.weight, y: t.plain, ...options });
      convTranspose3dGradInput(ctx, { label: "gradX", gradY: t.gradY, weight: t.weight, gradX: t.gradX, ...options });
      const gradWeight = t.gradWeight;
      convTranspose3dGradWeight(ctx, { label: "gradW", x: t.x, gradY: t.gradY, gradWeight, ...options });
    },
  );
}

describe.each(STORED)("convTranspose3d in %s", (dtype) => {
  needsStored(dtype);

  it.each(CASES.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    expectTwin(c, await run(c, {}, dtype), dtype);
  });
});

describe("convTranspose3d", () => {
  it("agrees with the twin on a software adapter without subgroups", async () => {
    const c: Case = { x: [3, 2, 4, 3, 9], kernel: 2, channels: 12, padding: 0 };
    expectTwin(c, await run(c, PLAIN_SOFTWARE));
  });

  it("agrees with the twin on a graphics card that has WebGPU's minimum, and repeats bitwise", async () => {
    const c: Case = { x: [2, 3, 5, 6, 12], kernel: 4, channels: 20, padding: 1 };
    const out = await run(c, PLAIN_GPU);
    expectTwin(c, out);
    expect(await run(c, PLAIN_GPU)).toEqual(out);
  });

  it("is the adjoint of its gradients and repeats bitwise", async () => {
    const c = CASES[1]!;
    const { x, gradY } = setUp(c);
    const [first, second] = [await run(c), await run(c)];
    const forward = innerProduct(first.plain, gradY.data);
    expect(Math.abs(innerProduct(x.data, first.gradX) - forward)).toBeLessThan(1e-4 * Math.abs(forward) + 1e-3);
    expect(second).toEqual(first);
  });

  it("has a twin whose gradients are its central differences", () => {
    const c = { ...CASES[4]!, x: [1, 2, 1, 2, 2] as Case["x"], channels: 2 };
    const { x, weight, gradY } = setUp(c);
    const y = (a: ArrayLike<number>, w: ArrayLike<number>) =>
      innerProduct(
        twin.convTranspose3d({ ...x, data: a }, { ...weight, data: w }, gradY.shape, 2, c.padding),
        gradY.data,
      );
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
      expect(() => convTranspose3dShape(...args), args.join(" ")).toThrow(
        expect.objectContaining({ code: "bad-shape" }),
      );
    }
  });
});
