import { describe, expect, it } from "vitest";
import { flowTimes } from "../../../src/kernels/flow/flowTimes.ts";
import { flowTimes as twin } from "../../../src/reference/flowData.ts";
import type { RandomStep } from "../../../src/reference/noise.ts";
import { expectClose, runKernels, testGpu } from "../../harness.ts";
import { stepData } from "../stepData.ts";

const STEP: RandomStep = { seedLo: 11, seedHi: 22, step: 3, sample: 100 };
const CASE = { uniformShare: 0.02, alpha: 1.9, stream: 7 };

async function draw(chains: number, at = STEP, of = CASE) {
  const { times } = await runKernels(
    await testGpu(),
    { step: stepData(at) },
    { times: { shape: [chains] } },
    (ctx, t) => flowTimes(ctx, { label: "times", ...t, ...of }),
  );
  return times as Float32Array;
}

/** The largest distance between a sample's distribution function and that of the times. */
function distance(times: ArrayLike<number>, { uniformShare, alpha }: typeof CASE): number {
  const sorted = Float64Array.from(times).sort();
  const n = sorted.length;
  return sorted.reduce((most, t, i) => {
    const exact = uniformShare * t + (1 - uniformShare) * t ** alpha;
    return Math.max(most, (i + 1) / n - exact, exact - i / n);
  }, 0);
}

describe.each([CASE, { ...CASE, uniformShare: 0.7, alpha: 4 }])("times with %o", (of) => {
  const count = 20_000;

  it("pass Kolmogorov and Smirnov's test, as their twin's do, and are those", async () => {
    const [times, expected] = [await draw(count, STEP, of), twin({ ...of, chains: count }, STEP)];
    expectClose(times, expected, 1e-6);
    for (const found of [times, expected]) {
      expect(found.every((t) => t >= 0 && t <= 1)).toBe(true);
      // Exceeded once in a thousand seeds.
      expect(distance(found, of)).toBeLessThan(1.95 / Math.sqrt(count));
      // What it is of another distribution.
      expect(distance(found, { ...of, alpha: 1.1 * of.alpha })).toBeGreaterThan(1.95 / Math.sqrt(count));
    }
  });

  it("have its mean", async () => {
    const times = await draw(count, { ...STEP, step: 4 }, of);
    const momentOf = (power: number) =>
      of.uniformShare / (1 + power) + ((1 - of.uniformShare) * of.alpha) / (of.alpha + power);
    const mean = times.reduce((sum, t) => sum + t, 0) / count;
    const deviation = Math.sqrt((momentOf(2) - momentOf(1) ** 2) / count);
    expect(Math.abs(mean - momentOf(1))).toBeLessThan(4 * deviation);
  });
});

it("a time depends on the sample's number, not its place in the batch", async () => {
  const whole = await draw(10);
  expect(await draw(4, { ...STEP, sample: STEP.sample + 6 })).toEqual(whole.slice(6));
  expect(await draw(10, { ...STEP, step: 4 })).not.toEqual(whole);
  expect(await draw(10, STEP, { ...CASE, stream: 8 })).not.toEqual(whole);
});
