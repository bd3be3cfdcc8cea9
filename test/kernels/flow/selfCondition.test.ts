import { expect, it } from "vitest";
import { selfCondition, selfConditions } from "../../../src/kernels/flow/selfCondition.ts";
import { randomArray, runKernels, testGpu } from "../../harness.ts";
import { stepData } from "../stepData.ts";

const seed = 22 * 2 ** 32 + 11;
const words = { seedLo: 11, seedHi: 22 };

it("has the host's coin in every step, whatever the sample", async () => {
  const count = 200;
  const steps = Array.from({ length: count }, (_, step) => stepData({ ...words, step, sample: 7 * step }));
  const outputs = Object.fromEntries(steps.map((_, i) => [`present ${i}`, { shape: [1] }]));
  const inputs = Object.fromEntries(steps.map((data, i) => [`step ${i}`, data]));
  for (const probability of [0.5, 0.2]) {
    const endpoints = { shape: [1], data: Float32Array.of(3) };
    const found = await runKernels(await testGpu(), { ...inputs, endpoints }, outputs, (ctx, t) => {
      const all = t as Readonly<Record<string, typeof t.endpoints>>;
      steps.forEach((_, i) =>
        selfCondition(ctx, {
          ...{ label: "coin", endpoints: t.endpoints, previous: ctx.scratch("previous", [1]) },
          ...{ present: all[`present ${i}`]!, step: all[`step ${i}`]!, probability, stream: 9 },
        }),
      );
    });
    const coins = steps.map((_, i) => found[`present ${i}`]![0] === 1);
    expect(coins).toEqual(steps.map((_, step) => selfConditions({ seed, step, stream: 9, probability })));
    const heads = coins.filter(Boolean).length / count;
    expect(Math.abs(heads - probability)).toBeLessThan(4 * Math.sqrt((probability * (1 - probability)) / count));
    expect(coins).not.toEqual(steps.map((_, step) => selfConditions({ seed, step, stream: 10, probability })));
  }
});

it("is the endpoints, bit for bit, or exactly 0 whatever they hold", async () => {
  const endpoints = randomArray(3 * 40, 2);
  const run = async (step: number, data: Float32Array) =>
    runKernels(
      await testGpu(),
      { endpoints: { shape: [2, 20, 3], data }, step: stepData({ ...words, step, sample: 5 }) },
      { previous: { shape: [2, 20, 3] }, present: { shape: [1] } },
      (ctx, t) => selfCondition(ctx, { label: "coin", ...t, probability: 0.5, stream: 9 }),
    );
  const stepWith = (present: boolean) =>
    [0, 1, 2, 3, 4, 5, 6, 7, 8].find(
      (step) => selfConditions({ seed, step, stream: 9, probability: 0.5 }) === present,
    )!;
  const there = await run(stepWith(true), endpoints);
  expect([...there.present]).toEqual([1]);
  expect(there.previous).toEqual(endpoints);
  const garbage = endpoints.map((x, i) => [NaN, Infinity, -Infinity, x][i % 4]!);
  const none = await run(stepWith(false), garbage);
  expect([...none.present]).toEqual([0]);
  expect(none.previous).toEqual(new Float32Array(120));
});

it("certain coins are certain, and what is no probability or step is refused", () => {
  for (let step = 0; step < 20; step++) {
    expect(selfConditions({ seed, step, stream: 9, probability: 1 })).toBe(true);
    expect(selfConditions({ seed, step, stream: 9, probability: 0 })).toBe(false);
  }
  expect(() => selfConditions({ seed, step: 0.5, stream: 9, probability: 1 })).toThrow(/^step is 0.5/);
  expect(() => selfConditions({ seed, step: 1, stream: 9, probability: NaN })).toThrow(/^probability is NaN/);
});
