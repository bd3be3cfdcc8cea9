import { describe, expect, it } from "vitest";
import { addNoise, fillNormal, fillUniform } from "../../src/kernels/noise.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { noiseNumbers, type RandomStep } from "../../src/reference/noise.ts";
import { stepData } from "./stepData.ts";

const STEP: RandomStep = { seedLo: 0x12345678, seedHi: 0x9abcdef0, step: 41, sample: 7 };

async function noisy(shape: readonly number[], x: Float32Array, sigma: number, stream: number, at: RandomStep) {
  const { y } = await runKernels(
    await testGpu(),
    { x: { shape, data: x }, step: stepData(at) },
    { y: { shape } },
    (ctx, t) => addNoise(ctx, { label: "noise", x: t.x, y: t.y, step: t.step, sigma, stream }),
  );
  return y as Float32Array;
}

describe("addNoise", () => {
  it.each([
    { shape: [1, 1, 1, 1, 1] },
    { shape: [3, 2, 2, 2, 5] },
    { shape: [3, 1, 1, 1, 7] },
    { shape: [2, 5, 5, 5, 3] },
    { shape: [1, 4, 4, 4, 8] },
  ])("is its twin on $shape", async ({ shape }) => {
    const size = shape.reduce((a, b) => a * b);
    const x = randomArray(size, 3);
    const numbers = noiseNumbers("normal", { samples: shape[0]!, perSample: size / shape[0]!, stream: 2 }, STEP);
    const y = await noisy(shape, x, 0.9, 2, STEP);
    expectClose(
      y,
      x.map((value, i) => value + 0.9 * numbers[i]!),
      4e-6,
    );
    expect(await noisy(shape, x, 0.9, 2, STEP)).toEqual(y);
  });

  it("belongs to seed, stream, step and sample, however a batch is cut", async () => {
    const shape = [4, 3, 3, 3, 5];
    const per = 135;
    const zeros = new Float32Array(4 * per);
    const whole = await noisy(shape, zeros, 1, 1, STEP);
    const tail = await noisy([2, 3, 3, 3, 5], zeros.slice(0, 2 * per), 1, 1, { ...STEP, sample: STEP.sample + 2 });
    expect(tail).toEqual(whole.slice(2 * per));
    const others = await Promise.all([
      noisy(shape, zeros, 1, 2, STEP),
      noisy(shape, zeros, 1, 1, { ...STEP, step: 42 }),
      noisy(shape, zeros, 1, 1, { ...STEP, seedLo: 1 }),
      noisy(shape, zeros, 1, 1, { ...STEP, seedHi: 1 }),
    ]);
    for (const other of others) {
      const product = other.reduce((sum, value, i) => sum + value * whole[i]!, 0) / whole.length;
      expect(Math.abs(product)).toBeLessThan(4 / Math.sqrt(whole.length));
    }
  });

  it("refuses tensors of different shapes", async () => {
    await expect(
      runKernels(
        await testGpu(),
        { x: { shape: [1, 2], data: new Float32Array(2) }, step: stepData(STEP) },
        { y: { shape: [1, 3] } },
        (ctx, t) => addNoise(ctx, { label: "wrong", x: t.x, y: t.y, step: t.step, sigma: 1, stream: 0 }),
      ),
    ).rejects.toMatchObject({ code: "bad-shape" });
  });
});

describe("the distribution", () => {
  const count = 60_000;
  const fill = async () =>
    runKernels(
      await testGpu(),
      { step: stepData(STEP) },
      { normal: { shape: [2, count / 2] }, uniform: { shape: [2, count / 2] } },
      (ctx, t) => {
        fillNormal(ctx, { label: "normal", y: t.normal, step: t.step, stream: 5, mean: 1, deviation: 2 });
        fillUniform(ctx, { label: "uniform", y: t.uniform, step: t.step, stream: 6, low: -1, high: 3 });
      },
    );

  it("fills are their twins", async () => {
    const { normal, uniform } = await fill();
    const shape = { samples: 2, perSample: count / 2 };
    expectClose(
      normal,
      noiseNumbers("normal", { ...shape, stream: 5 }, STEP).map((z) => 1 + 2 * z),
      8e-6,
    );
    expectClose(
      uniform,
      noiseNumbers("uniform", { ...shape, stream: 6 }, STEP).map((u) => 4 * u - 1),
      5e-7,
    );
  });

  it("normal numbers have the moments of N(0, 1) and no correlation of neighbours", async () => {
    const { normal } = await fill();
    const z = Array.from(normal, (value) => (value - 1) / 2);
    const mean = (f: (value: number, i: number) => number) => z.reduce((sum, value, i) => sum + f(value, i), 0) / count;
    // Standard errors: the variance of z^k is (2k-1)!! less the square of the mean.
    const within = 4 / Math.sqrt(count);
    expect(Math.abs(mean((v) => v))).toBeLessThan(within);
    expect(Math.abs(mean((v) => v ** 2) - 1)).toBeLessThan(within * Math.sqrt(2));
    expect(Math.abs(mean((v) => v ** 3))).toBeLessThan(within * Math.sqrt(15));
    expect(Math.abs(mean((v) => v ** 4) - 3)).toBeLessThan(within * Math.sqrt(96));
    for (const lag of [1, 2, 3, 4]) {
      expect(Math.abs(mean((v, i) => v * z[(i + lag) % count]!))).toBeLessThan(within);
    }
    expect(Math.abs(mean((v) => (Math.abs(v) < 1 ? 1 : 0)) - 0.682689)).toBeLessThan(within * 0.466);
  });

  it("uniform numbers fill 64 bins evenly", async () => {
    const { uniform } = await fill();
    const bins = new Array<number>(64).fill(0);
    for (const value of uniform) bins[Math.floor((value + 1) * 16)]!++;
    const expected = count / 64;
    const chiSquared = bins.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // 63 degrees of freedom: mean 63, deviation 11.2.
    expect(chiSquared).toBeGreaterThan(63 - 4 * 11.2);
    expect(chiSquared).toBeLessThan(63 + 4 * 11.2);
  });
});
