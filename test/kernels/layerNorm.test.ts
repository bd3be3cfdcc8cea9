import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { layerNorm } from "../../src/kernels/layerNorm/layerNorm.ts";
import * as twin from "../../src/reference/layerNorm.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { centralDifferences } from "./differences.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const [ROWS, CHANNELS] = [7, 6];
const shape = [ROWS, CHANNELS];

describe.each([
  ["layer norm", false],
  ["RMSNorm", true],
])("the twin of %s", (_, rms) => {
  const c = { channels: CHANNELS, eps: 1e-3, rms };
  const x = randomArray(ROWS * CHANNELS, 1, 2);
  const weight = randomArray(CHANNELS, 2);
  const bias = randomArray(CHANNELS, 3);
  const gradY = randomArray(ROWS * CHANNELS, 4);
  const loss = (x: ArrayLike<number>, weight: ArrayLike<number>, bias: ArrayLike<number>) => {
    return twin.layerNorm(c, x, weight, bias).y.reduce((sum, value, i) => sum + value * gradY[i]!, 0);
  };

  it("has the gradients that central differences give", () => {
    const { gradX, gradWeight, gradBias } = twin.layerNormGrad(c, x, weight, twin.layerNormStats(c, x), gradY);
    const close = (gradient: ArrayLike<number>, differences: ArrayLike<number>) =>
      expectClose(gradient, differences, 1e-7, "central differences");
    close(
      gradX,
      centralDifferences((at) => loss(at, weight, bias), x, 1e-4),
    );
    close(
      gradWeight,
      centralDifferences((at) => loss(x, at, bias), weight, 1e-4),
    );
    close(
      gradBias,
      centralDifferences((at) => loss(x, weight, at), bias, 1e-4),
    );
  });
});

describe("layerNorm", () => {
  it("loses nothing where all numbers are far from zero", async () => {
    const x = Float32Array.from(randomArray(ROWS * CHANNELS, 5), (value) => 4096 + value);
    const { y } = await runKernels(
      gpu,
      { x: { shape, data: x } },
      { y: { shape }, stats: { shape: [ROWS, 2] } },
      (ctx, { x, y, stats }) => layerNorm(ctx, { label: "norm", x, y, stats, rms: false, eps: 1e-5 }),
    );
    expectClose(y, twin.layerNorm({ channels: CHANNELS, eps: 1e-5, rms: false }, x).y, 1e-3, "y");
  });

  it.each([
    ["a weight of another size", { weight: [CHANNELS + 1] }, /'weight' must have shape \[6\]/],
    ["a bias without a weight", { bias: [CHANNELS] }, /a bias needs a weight/],
    ["statistics of other rows", { stats: [ROWS + 1, 2] }, /'stats' must have shape \[7, 2\]/],
  ])("refuses %s", async (_, given: Record<string, number[]>, message) => {
    const wrong = runKernels(gpu, {}, { y: { shape } }, (ctx, { y }) => {
      const tensor = (name: string, shape: number[]) => ctx.scratch(name, given[name] ?? shape);
      const optional = Object.fromEntries(
        ["weight", "bias"].filter((name) => name in given).map((name) => [name, tensor(name, [])]),
      );
      const [x, stats] = [tensor("x", shape), tensor("stats", [ROWS, 2])];
      layerNorm(ctx, { label: "norm", x, y, stats, rms: false, eps: 1e-5, ...optional });
    });
    await expect(wrong).rejects.toMatchObject({ code: "bad-shape", message: expect.stringMatching(message) });
  });
});
