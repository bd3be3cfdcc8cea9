import { expect, it } from "vitest";
import { chainWindows } from "../../../src/kernels/flow/chainWindows.ts";
import { streamUniform } from "../../../src/kernels/philox.ts";
import { cropWindow } from "../../../src/proteins/packing.ts";
import { runKernels, testGpu } from "../../harness.ts";
import type { RandomStep } from "../../../src/reference/noise.ts";
import { stepData } from "../stepData.ts";

const OFFSETS = Uint32Array.of(0, 3, 67, 131, 387);
const STEP: RandomStep = { seedLo: 11, seedHi: 22, step: 3, sample: 100 };

async function draw(chosen: readonly number[], places: number, at = STEP, stream = 6) {
  const { windows } = await runKernels(
    await testGpu(),
    {
      offsets: { shape: [OFFSETS.length], data: OFFSETS },
      chosen: { shape: [chosen.length], data: Uint32Array.from(chosen) },
      step: stepData(at),
    },
    { windows: { shape: [chosen.length, 2], dtype: "u32" } },
    (ctx, t) => chainWindows(ctx, { label: "windows", ...t, places, stream }),
  );
  return Array.from({ length: chosen.length }, (_, b) => [windows[2 * b]!, windows[2 * b + 1]!] as const);
}

it("draws the window that cropWindow draws by the host's number", async () => {
  const chosen = Array.from({ length: 200 }, (_, b) => b % 4);
  const seed = STEP.seedHi * 2 ** 32 + STEP.seedLo;
  for (const places of [1, 64, 100, 300]) {
    const expected = chosen.map((chain, b) => {
      const residues = OFFSETS[chain + 1]! - OFFSETS[chain]!;
      const uniform = streamUniform({ seed, stream: 6, step: STEP.step, sample: STEP.sample + b });
      const { start, length } = cropWindow(residues, places, uniform);
      return [OFFSETS[chain]! + start, length];
    });
    expect(await draw(chosen, places)).toEqual(expected);
  }
});

it("depends on the sample's number, not its place in the batch", async () => {
  const chosen = [3, 3, 2, 0, 1, 3, 3, 3, 1, 3];
  const whole = await draw(chosen, 50);
  expect(await draw(chosen.slice(6), 50, { ...STEP, sample: STEP.sample + 6 })).toEqual(whole.slice(6));
  expect(await draw(chosen, 50, { ...STEP, step: 4 })).not.toEqual(whole);
  expect(await draw(chosen, 50, STEP, 7)).not.toEqual(whole);
});

it("draws every possible window, equally often", async () => {
  const counts = new Map<number, number>();
  for (const [row, length] of await draw(new Array<number>(3_000).fill(2), 59)) {
    expect(length).toBe(59);
    counts.set(row - OFFSETS[2]!, (counts.get(row - OFFSETS[2]!) ?? 0) + 1);
  }
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 500) ** 2 / 500, 0);
  expect(chiSquared).toBeLessThan(5 + 4 * Math.sqrt(10));
});
