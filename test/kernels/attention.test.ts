import { beforeAll, describe, expect, it } from "vitest";
import type { GpuCaps } from "../../src/gpu/caps.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { attention, attentionGrad } from "../../src/kernels/attention.ts";
import { expectClose, randomArray, relativeError, runKernels, testGpu } from "../harness.ts";
import { attention as twin, attentionGrad as gradTwin, type AttentionCase } from "../reference/attention.ts";
import { ADAPTERS, withCaps } from "./capsOf.ts";
import { centralDifferences, EPS, innerProduct } from "./differences.ts";
import { needsStored, roundedTo, STORED, storedTolerance, type Stored } from "./half.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function run(c: AttentionCase, qkv: Float32Array, gradY: Float32Array, caps: Partial<GpuCaps> = {}, dtype: Stored = "f32") {
  const shape = [c.samples, c.tokens, 3 * c.channels];
  const shapeY = [c.samples, c.tokens, c.channels];
  const { scale } = c;
  const out = await runKernels(
    gpu, { qkv: { shape, dtype, data: qkv }, gradY: { shape: shapeY, dtype, data: gradY } },
    { y: { shape: shapeY, dtype }, logSumExp: { shape: [c.samples, c.tokens] }, gradQkv: { shape, dtype } },
    (context, { qkv, gradY, y, logSumExp, gradQkv }) => {
      const ctx = withCaps(context, caps);
      attention(ctx, { label: "attention", qkv, y, logSumExp, scale });
      attentionGrad(ctx, { label: "attentionGrad", qkv, y, logSumExp, gradY, gradQkv, scale });
    },
  );
  return out as Record<"y" | "logSumExp" | "gradQkv", Float32Array>;
}

function caseOf(samples: number, tokens: number, channels: number): AttentionCase {
  return { samples, tokens, channels, scale: channels ** -0.5 };
}

const random = (c: AttentionCase, size = 1): [Float32Array, Float32Array] => [
  randomArray(c.samples * c.tokens * c.channels * 3, 1, size),
  randomArray(c.samples * c.tokens * c.channels, 2),
];

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((max, value) => Math.max(max, Math.abs(value)), 0);

const VARIANTS = STORED.flatMap((dtype) => Object.entries(ADAPTERS).map(([name, caps]) => [dtype, name, caps] as const));

describe.each(VARIANTS)("attention in %s, the adapter %s", (dtype, _, caps) => {
  needsStored(dtype);

  it.each([
    [1, 1, 8, 1],
    [3, 1, 1, 1],
    [1, 27, 8, 1],
    [3, 64, 12, 1],
    [2, 63, 5, 3],
    [1, 125, 33, 1],
    [1, 16, 512, 1],
    [1, 300, 8, 2],
    [2, 530, 4, 1],
  ])("and its gradient follow the twin: %d samples, %d tokens, %d channels, values of size %d", async (n, t, channels, size) => {
    const c = caseOf(n, t, channels);
    const [qkv, gradY] = random(c, size).map((data) => roundedTo(dtype, data)) as [Float32Array, Float32Array];
    const result = await run(c, qkv, gradY, caps, dtype);
    const exact = twin(c, qkv);
    const grad = gradTwin(c, qkv, gradY);
    // A score is right to sqrt(C) roundings of its terms' size, and exp turns that into a relative error.
    const score = c.scale * channels * size * size * 4;
    const relative = EPS * (16 + 2 * score + 2 * Math.sqrt(channels) * score);
    expectClose(result.logSumExp, exact.logSumExp, relative + 4 * EPS * largest(exact.logSumExp) + 2 ** -20, "logSumExp");
    expectClose(result.y, exact.y, storedTolerance(dtype, exact.y, relative * largest(qkv)), "y");
    const half = dtype === "f16" ? 2 ** -11 : 0;
    expect(relativeError(result.y, exact.y)).toBeLessThan(relative + half);
    // The gradient's terms p (dp - D) q, of which up to T are added.
    const term = c.scale * Math.sqrt(channels) * size * largest(gradY) * largest(qkv) + largest(gradY);
    // The terms p (dp - D) have D from the stored y.
    const dots = half * term * largest(qkv) * Math.sqrt(channels);
    expectClose(result.gradQkv, grad, storedTolerance(dtype, grad, 4 * relative * term * Math.sqrt(t) + dots), "gradQkv");
    // With one token queries and keys get a gradient of zero exactly.
    expect(relativeError(result.gradQkv, grad)).toBeLessThan(4 * relative + 4 * half);
  });

  it("keeps samples apart", async () => {
    const c = caseOf(3, 70, 8);
    const [qkv, gradY] = random(c);
    const whole = await run(c, qkv, gradY, caps, dtype);
    const changed = qkv.slice();
    changed.fill(NaN, 70 * 24, 2 * 70 * 24);
    const result = await run(c, changed, gradY, caps, dtype);
    for (const [name, width] of [["y", 8], ["gradQkv", 24], ["logSumExp", 1]] as const) {
      const sample = (values: Float32Array, n: number) => values.subarray(n * 70 * width, (n + 1) * 70 * width);
      for (const n of [0, 2]) expect(sample(result[name], n)).toEqual(sample(whole[name], n));
      expect(sample(result[name], 1).every((value) => Number.isNaN(value))).toBe(true);
    }
  });

  it("repeats bitwise", async () => {
    const c = caseOf(2, 300, 12);
    expect(await run(c, ...random(c), caps, dtype)).toEqual(await run(c, ...random(c), caps, dtype));
  });
});

describe("attention", () => {
  it("is exact to rounding where one key takes all the weight, and does not overflow", async () => {
    const c = { ...caseOf(1, 300, 4), scale: 1 };
    const qkv = new Float32Array(300 * 12);
    const gradY = randomArray(300 * 4, 3);
    for (let t = 0; t < 300; t++) {
      // Scores are 0, but 10,000 at the key 277, which lies in a later tile than the first.
      qkv[t * 12] = 100;
      qkv[t * 12 + 4] = t === 277 ? 100 : 0;
      qkv.set([t, 2 * t, -t, 1], t * 12 + 8);
    }
    const { y, logSumExp } = await run(c, qkv, gradY);
    expectClose(y, Float64Array.from(y, (_, i) => [277, 554, -277, 1][i % 4]!), 1e-4);
    expectClose(logSumExp, new Float64Array(300).fill(10_000), 1e-2);
  });

  it("has a twin whose gradient is that of central differences", () => {
    const c = caseOf(2, 5, 3);
    const [qkv, gradY] = random(c);
    const differences = centralDifferences((v) => innerProduct(twin(c, v).y, gradY), qkv);
    expectClose(gradTwin(c, qkv, gradY), differences, 1e-8);
  });

  it("refuses a width that is not three parts", async () => {
    const wrong = runKernels(
      gpu, { qkv: { shape: [1, 2, 4], data: new Float32Array(8) } }, { y: { shape: [1, 2, 1] }, logSumExp: { shape: [1, 2] } },
      (ctx, { qkv, y, logSumExp }) => attention(ctx, { label: "attention", qkv, y, logSumExp, scale: 1 }),
    );
    await expect(wrong).rejects.toMatchObject({ code: "bad-shape" });
  });
});
