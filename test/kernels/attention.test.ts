import { describe, expect, it } from "vitest";
import { attention } from "../../src/kernels/attention/attention.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { attention as twin, attentionGrad as gradTwin } from "../../src/reference/attention.ts";
import { caseOf, CASES, expectTwin, random, run } from "./attentionCases.ts";
import { ADAPTERS } from "./capsOf.ts";
import { centralDifferences, innerProduct } from "./differences.ts";
import { needsStored, STORED } from "./half.ts";

const VARIANTS = STORED.flatMap((dtype) =>
  Object.entries(ADAPTERS).map(([name, caps]) => [dtype, name, caps] as const),
);

describe.each(VARIANTS)("attention in %s, the adapter %s", (dtype, _, caps) => {
  needsStored(dtype);

  it.each(CASES)(
    "and its gradient follow the twin: %d samples, %d tokens, %d channels, values of size %d",
    async (n, t, channels, size) => {
      const c = caseOf(n, t, channels);
      const [qkv, gradY] = random(c, size, dtype);
      expectTwin(c, size, qkv, gradY, await run(c, qkv, gradY, caps, dtype), dtype);
    },
  );

  it("keeps samples apart", async () => {
    const c = caseOf(3, 70, 8);
    const [qkv, gradY] = random(c);
    const whole = await run(c, qkv, gradY, caps, dtype);
    const changed = qkv.slice();
    changed.fill(NaN, 70 * 24, 2 * 70 * 24);
    const result = await run(c, changed, gradY, caps, dtype);
    for (const [name, width] of [
      ["y", 8],
      ["gradQkv", 24],
      ["logSumExp", 1],
    ] as const) {
      const sample = (values: Float32Array, n: number) => values.subarray(n * 70 * width, (n + 1) * 70 * width);
      for (const n of [0, 2]) expect(sample(result[name], n)).toEqual(sample(whole[name], n));
      expect(sample(result[name], 1).every((value) => Number.isNaN(value))).toBe(true);
    }
  });

  it.each(["queries", "keys", "values"])("passes NaN of %s on, into later tiles too", async (part) => {
    const c = caseOf(1, 300, 8);
    const [qkv, gradY] = random(c, 1, dtype);
    qkv[5 * 24 + ["queries", "keys", "values"].indexOf(part) * 8] = NaN;
    const result = await run(c, qkv, gradY, caps, dtype);
    const exact = { ...twin(c, qkv), gradQkv: gradTwin(c, qkv, gradY).gradQkv };
    for (const name of ["y", "logSumExp", "gradQkv"] as const) {
      expect(Array.from(result[name], Number.isNaN), name).toEqual(Array.from(exact[name], Number.isNaN));
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
    expectClose(
      y,
      Float64Array.from(y, (_, i) => [277, 554, -277, 1][i % 4]!),
      1e-4,
    );
    expectClose(logSumExp, new Float64Array(300).fill(10_000), 1e-2);
  });

  it("has a twin whose gradient is that of central differences", () => {
    const c = caseOf(2, 5, 3);
    const [qkv, gradY] = random(c);
    const differences = centralDifferences((v) => innerProduct(twin(c, v).y, gradY), qkv);
    expectClose(gradTwin(c, qkv, gradY).gradQkv, differences, 1e-8);
  });

  it("refuses a width that is not three parts", async () => {
    const wrong = runKernels(
      await testGpu(),
      { qkv: { shape: [1, 2, 4], data: new Float32Array(8) } },
      { y: { shape: [1, 2, 1] }, logSumExp: { shape: [1, 1, 2] } },
      (ctx, { qkv, y, logSumExp }) => attention(ctx, { label: "attention", qkv, y, logSumExp, scale: 1 }),
    );
    await expect(wrong).rejects.toMatchObject({ code: "bad-shape" });
  });
});
