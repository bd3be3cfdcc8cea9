import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { dropout } from "../../src/kernels/dropout.ts";
import { expectClose, randomArray, runKernels, testGpu } from "../harness.ts";
import { dropoutFactors } from "../../src/reference/dropout.ts";
import { philox4x32 } from "../../src/kernels/philox.ts";
import { PHILOX_KNOWN_ANSWERS } from "../../src/reference/philox.ts";
import { EPS } from "./differences.ts";
import { needsStored, roundedTo, STORED, storedTolerance, type Stored } from "./half.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const SEED: [number, number] = [0x9e3779b9, 0x7f4a7c15];

async function run(
  x: Float32Array,
  rate: number,
  stream = 7,
  step = 3,
  samples = 1,
  first = 0,
  dtype: Stored = "f32",
): Promise<Float32Array> {
  const shape = [samples, x.length / samples];
  const uniform = Uint32Array.of(...SEED, step, first, 0, 0, 0, 0);
  const { y } = await runKernels(
    gpu,
    { x: { shape, dtype, data: x }, step: { shape: [8], data: uniform } },
    { y: { shape, dtype } },
    (ctx, { x, y, step }) => dropout(ctx, { label: "dropout", x, y, rate, stream, step }),
  );
  return y as Float32Array;
}

describe.each(STORED)("dropout in %s", (dtype) => {
  needsStored(dtype);

  it.each([
    [1, 0.5],
    [3, 0.1],
    [4, 0.9],
    [515, 0.1],
    [1024, 0.25],
    [2050, 0.5],
    [100, 0],
  ])("drops of %d elements those that the twin drops at rate %d", async (count, rate) => {
    const x = roundedTo(dtype, randomArray(count, 1));
    const expected = dropoutFactors(count, rate, 7, 3, SEED).map((factor, i) => factor * x[i]!);
    const y = await run(x, rate, 7, 3, 1, 0, dtype);
    expectClose(
      y,
      expected,
      storedTolerance(
        dtype,
        expected,
        expected.map((value) => 3 * EPS * Math.abs(value)),
      ),
    );
  });

  it.each([
    [3, 5],
    [3, 8],
    [2, 1],
    [5, 130],
  ])("drops in each of %d samples of %d elements what the twin drops there", async (samples, count) => {
    const x = new Float32Array(samples * count).fill(1);
    const expected = Array.from({ length: samples }, (_, n) => [
      ...dropoutFactors(count, 0.4, 7, 3, SEED, 10 + n),
    ]).flat();
    expectClose(await run(x, 0.4, 7, 3, samples, 10, dtype), expected, storedTolerance(dtype, expected, 3 * EPS));
  });
});

describe("dropout", () => {
  it("has a twin whose generator gives the published answers", () => {
    for (const { counter, key, result } of PHILOX_KNOWN_ANSWERS) expect(philox4x32(counter, key)).toEqual(result);
  });

  it("keeps the mean and drops the stated share", async () => {
    const count = 1 << 16;
    const y = await run(new Float32Array(count).fill(1), 0.3);
    const kept = y.filter((value) => value !== 0);
    // Four standard deviations of a binomial share.
    expect(Math.abs(kept.length / count - 0.7)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / count));
    expectClose(kept, new Float32Array(kept.length).fill(1 / 0.7), 1e-6);
  });

  it("repeats bitwise, and gives other masks for another stream and another step", async () => {
    const x = new Float32Array(256).fill(1);
    const [first, again, otherStream, otherStep] = [
      await run(x, 0.5),
      await run(x, 0.5),
      await run(x, 0.5, 8),
      await run(x, 0.5, 7, 4),
    ];
    expect(again).toEqual(first);
    expect(otherStream).not.toEqual(first);
    expect(otherStep).not.toEqual(first);
    expect(otherStep).not.toEqual(otherStream);
  });

  it("refuses a rate of 1", async () => {
    await expect(run(new Float32Array(4), 1)).rejects.toMatchObject({ code: "bad-option" });
  });
});
