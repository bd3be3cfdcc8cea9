// conv3dGradWeightSubgroupMatrix.wgsl on adapters with subgroup matrices.
import conv3dGradWeightSubgroupMatrixShader from "../../shaders/conv3d/conv3dGradWeightSubgroupMatrix.wgsl";
import { describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Dispatch, KernelContext } from "../../src/gpu/dispatch.ts";
import { dispatchConv3dGradWeight } from "../../src/kernels/conv3d/conv3dGradWeight.ts";
import { gradWeightSubgroupMatrixVariant } from "../../src/kernels/conv3d/conv3dGradWeightVariants.ts";
import {
  gradWeightSubgroupMatrixName,
  type GradWeightSubgroupMatrixTile,
} from "../../src/kernels/conv3d/conv3dGradWeightSubgroupMatrixTiles.ts";
import { runKernels, testGpu } from "../harness.ts";
import { withCaps } from "./capsOf.ts";
import { CASES, expectTwin, nameOf, setUp, type Case } from "./conv3dCases.ts";
import { dispatchesOf, HALF, tilesOf } from "./gradWeightDispatches.ts";
import * as transposed from "./convTranspose3dCases.ts";
import { needsMatrices } from "./half.ts";
import { MATRIX_ADAPTERS, MATRIX_GPUS } from "./subgroupMatrixCaps.ts";
import { shaderErrors } from "./shaderChecks.ts";

/** This adapter's tiles, as one of that class has them. */
async function tilesHere(adapterClass: GpuCaps["adapterClass"], c: Case): Promise<GradWeightSubgroupMatrixTile[]> {
  return tilesOf({ ...(await testGpu()).caps, adapterClass }, c);
}

async function run(c: Case, tile: GradWeightSubgroupMatrixTile) {
  const { x, gradY, weight, gradWeight0 } = setUp(c, HALF);
  const { stride, padding: pad } = c;
  return runKernels(
    await testGpu(),
    { x, gradY },
    { gradWeight: { shape: weight.shape, init: gradWeight0.data } },
    (ctx, t) =>
      dispatchConv3dGradWeight(ctx, {
        ...{ label: "gradWeight", x: t.x, gradY: t.gradY, gradWeight: t.gradWeight, stride, pad, transposed: false },
        variant: gradWeightSubgroupMatrixVariant(tile),
      }),
  );
}

/** Lines of several rows and rows of several lines; taps that meet no position; channels of several blocks. */
const MORE_CASES: readonly Case[] = [
  { x: [2, 3, 5, 3, 64], kernel: 3, channels: 36, stride: 1, padding: 1 },
  { x: [1, 3, 4, 70, 5], kernel: 3, channels: 8, stride: 1, padding: 1 },
  { x: [2, 1, 1, 20, 8], kernel: 3, channels: 8, stride: 1, padding: 1 },
  { x: [1, 6, 6, 6, 36], kernel: 4, channels: 8, stride: 2, padding: 1 },
  { x: [2, 5, 5, 5, 8], kernel: 2, channels: 72, stride: 1, padding: 0 },
  { x: [1, 4, 5, 6, 40], kernel: 1, channels: 64, stride: 2, padding: 1 },
];

describe("conv3dGradWeightSubgroupMatrix with small tiles", () => {
  needsMatrices();

  it.each([...CASES, ...MORE_CASES].map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const [tile] = await tilesHere("software", c);
    expectTwin(c, await run(c, tile!), HALF);
  });

  it.each(transposed.CASES.map((c) => [transposed.nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const { x, weight, gradY, gradWeight0 } = transposed.setUp(c, "f16");
    const { kernel, padding: pad } = c;
    // Of a convolution from gradY to x.
    const from = [...gradY.shape] as Case["x"];
    const [tile] = await tilesHere("software", { x: from, kernel, channels: c.x[4], stride: 2, padding: pad });
    const out = await runKernels(
      await testGpu(),
      { x, gradY },
      { gradWeight: { shape: weight.shape, init: gradWeight0.data } },
      (ctx, t) =>
        dispatchConv3dGradWeight(ctx, {
          ...{ label: "gradWeight", x: t.gradY, gradY: t.x, gradWeight: t.gradWeight, stride: 2, pad },
          ...{ transposed: true, variant: gradWeightSubgroupMatrixVariant(tile!) },
        }),
    );
    transposed.expectTwin(c, out, "f16");
  });

  it("repeats bitwise, in splits too", async () => {
    const split: Case = { x: [1, 13, 14, 65, 9], kernel: 3, channels: 10, stride: 1, padding: 1 };
    expect(dispatchesOf(MATRIX_ADAPTERS.Apple!, split, HALF).length).toBe(2);
    for (const c of [CASES[2]!, split]) {
      const [tile] = await tilesHere("software", c);
      expect(await run(c, tile!)).toEqual(await run(c, tile!));
    }
  });
});

describe("conv3dGradWeightSubgroupMatrix with the tiles of GPUs", () => {
  needsMatrices();

  const cases: Case[] = [
    { x: [1, 2, 3, 17, 60], kernel: 3, channels: 63, stride: 1, padding: 1 },
    { x: [1, 4, 4, 12, 64], kernel: 4, channels: 60, stride: 2, padding: 1 },
    { x: [2, 2, 4, 8, 64], kernel: 2, channels: 64, stride: 2, padding: 0 },
    { x: [2, 2, 3, 9, 126], kernel: 1, channels: 124, stride: 1, padding: 0 },
  ];

  it.each(cases.map((c) => [nameOf(c), c] as const))("%s agrees with the twin", async (_, c) => {
    const [[large], [middle]] = [await tilesHere("discrete", c), await tilesHere("integrated", c)];
    expect(gradWeightSubgroupMatrixName(large!)).not.toBe(gradWeightSubgroupMatrixName(middle!));
    for (const tile of [large!, middle!]) expectTwin(c, await run(c, tile), HALF);
  });

  it("is what they run where x and gradY are both f16", async () => {
    const c = cases[0]!;
    const { x, gradY, weight, gradWeight0 } = setUp(c, HALF);
    const calls: (string | undefined)[] = [];
    const out = await runKernels(
      await testGpu(),
      { x, gradY },
      { gradWeight: { shape: weight.shape, init: gradWeight0.data } },
      (graph, t) => {
        const ctx = withCaps(graph, { adapterClass: "integrated" });
        const dispatch = (d: Dispatch) => {
          calls.push(d.call?.variant);
          ctx.dispatch(d);
        };
        const watched: KernelContext = { ...ctx, dispatch };
        dispatchConv3dGradWeight(watched, {
          ...{ label: "gradWeight", x: t.x, gradY: t.gradY, gradWeight: t.gradWeight, stride: 1, pad: 1 },
          transposed: false,
        });
      },
    );
    expect(calls[0]).toMatch(/^subgroup matrix /);
    expectTwin(c, out, HALF);
  });

  it("has shaders that Dawn accepts for the matrices of other adapters", async () => {
    const { device } = await testGpu();
    for (const [c, caps] of cases.flatMap((c) => MATRIX_GPUS.map((caps) => [c, caps] as const))) {
      const [{ shader, constants }] = dispatchesOf(caps, c, HALF) as [Dispatch];
      expect(shader).toBe(conv3dGradWeightSubgroupMatrixShader);
      expect(await shaderErrors(device, shader, constants!), JSON.stringify(constants)).toEqual([]);
    }
  });
});
