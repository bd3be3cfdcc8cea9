import { expect, it } from "vitest";
import { flowPath } from "../../../src/kernels/flow/flowPath.ts";
import { flowPath as twin } from "../../../src/reference/flowData.ts";
import type { RandomStep } from "../../../src/reference/noise.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../../harness.ts";
import { stepData } from "../stepData.ts";

const STEP: RandomStep = { seedLo: 11, seedHi: 22, step: 3, sample: 100 };
const of = { registers: 2, stream: 8 };

/** Chains of the lengths given among `side` tokens. */
async function draw(lengths: readonly number[], side: number, times: readonly number[], at = STEP, options = of) {
  const chains = lengths.length;
  const residues = Float32Array.from({ length: chains * side }, (_, token) => {
    const i = (token % side) - options.registers;
    return i >= 0 && i < lengths[Math.floor(token / side)]! ? 1 : 0;
  });
  // Not zero where there is no residue: it must play no part.
  const inputs = { targets: randomArray(3 * chains * side, 4), residues, times: Float32Array.from(times) };
  const { x } = await runKernels(
    await testGpu(),
    {
      targets: { shape: [chains, side, 3], data: inputs.targets },
      residues: { shape: [chains, side], data: inputs.residues },
      times: { shape: [chains], data: inputs.times },
      step: stepData(at),
    },
    { x: { shape: [chains, side, 3] } },
    (ctx, t) => flowPath(ctx, { label: "path", ...t, ...options }),
  );
  return { x: x as Float32Array, ...inputs, expected: twin({ chains, side, ...options }, inputs, at) };
}

it("is its twin, from centred noise to the targets", async () => {
  const { x, expected, targets } = await draw([150, 7, 80], 160, [0, 0.3, 1]);
  expectClose(x, expected, 4e-6);
  for (let a = 0; a < 3; a++) {
    const noise = Array.from({ length: 150 }, (_, i) => x[3 * (i + 2) + a]!);
    expect(Math.abs(noise.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-4);
  }
  // The third chain is at its end.
  const [from, to] = [3 * (320 + 2), 3 * (320 + 82)];
  expect(x.slice(from, to)).toEqual(targets.slice(from, to));
  expect(x.slice(to).every((value) => value === 0)).toBe(true);
  expect(x.slice(0, 6).every((value) => value === 0)).toBe(true);
});

it("belongs to seed, stream, step, sample and residue", async () => {
  const times = [0.1, 0.2, 0.3, 0.4];
  const [lengths, side] = [[20, 20, 20, 20], 22];
  const { x } = await draw(lengths, side, times);
  const alone = await draw([20, 20], side, times.slice(2), { ...STEP, sample: STEP.sample + 2 });
  const zeros = await draw([20, 20], side, [0, 0], { ...STEP, sample: STEP.sample + 2 });
  // Whatever the targets, the noise is that of the same samples.
  const noiseOf = (found: typeof alone) =>
    found.x.map((value, at) => {
      const t = found.times[Math.floor(at / (3 * side))]!;
      return (value - t * found.targets[at]! * found.residues[Math.floor(at / 3)]!) / (1 - t);
    });
  expectClose(noiseOf(alone), zeros.x, 2e-6);
  const moved = await draw([20, 20], side + 3, [0, 0], { ...STEP, sample: STEP.sample + 2 }, { ...of, registers: 5 });
  expect(moved.x.slice(15, 75)).toEqual(zeros.x.slice(6, 66));
  for (const other of [
    await draw(lengths, side, times, { ...STEP, step: 4 }),
    await draw(lengths, side, times, { ...STEP, seedHi: 23 }),
    await draw(lengths, side, times, STEP, { ...of, stream: 9 }),
  ]) {
    expect(other.x).not.toEqual(x);
  }
});

it("starts from normal numbers", async () => {
  const { x } = await draw(new Array<number>(40).fill(250), 252, new Array<number>(40).fill(0));
  const noise = x.filter((_, at) => Math.floor(at / 3) % 252 >= 2);
  const moment = (power: number) => noise.reduce((sum, value) => sum + value ** power, 0) / noise.length;
  // Centred over 250 residues the variance is 1 - 1/250.
  expect(Math.abs(moment(2) - 249 / 250)).toBeLessThan(4 * Math.sqrt(2 / noise.length));
  expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / noise.length));
  expect(Math.abs(moment(4) - 3 * (249 / 250) ** 2)).toBeLessThan(4 * Math.sqrt(96 / noise.length));
});
