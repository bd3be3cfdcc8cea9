import { describe, expect, it } from "vitest";
import { octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import {
  measurePredictions,
  PredictionTally,
  type MeasurePredictionsOptions,
  type PredictedSample,
} from "../../src/equivariance/predictions.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { randomArray } from "../harness.ts";

const [SIZE, CHANNELS] = [3, 2];
const NUMBERS = SIZE ** 3 * CHANNELS;
const GRID = { output: { kind: "grid", size: SIZE, channels: CHANNELS } } as const;
const ELEMENTS = [5, 0, 11, 7];
const matrices = ELEMENTS.flatMap((g) => octahedralMatrices[g]!);

/** Predictions of five samples, rotated back, and the raw ones that these come from. */
const samples = Array.from({ length: 5 }, (_, n) => {
  const target = randomArray(NUMBERS, n);
  const back = ELEMENTS.map((_, i) => {
    const error = randomArray(NUMBERS, 100 + 10 * n + i, 0.5);
    return target.map((value, e) => 0.8 * value + error[e]!);
  });
  const raw = back.map((one, i) => rotateGridOctahedral(one, SIZE, CHANNELS, ELEMENTS[i]!));
  return { target, back: joined(back), raw: joined(raw) };
});

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => Array.from(part)));
}

const upright: PredictedSample[] = samples.map(({ back, target }) => ({ predictions: back, target }));
const rotated: PredictedSample[] = samples.map(({ raw, target }) => ({ predictions: raw, target }));
const expected = decompose(joined(samples.map(({ back }) => back)), joined(samples.map(({ target }) => target)), {
  samples: samples.length,
});

describe("measurePredictions", () => {
  it("decomposes predictions that are rotated back, and raw ones with their rotations, in the same way", async () => {
    const found = { ...expected, group: "octahedral", betterReading: undefined };
    expect(await measurePredictions(upright)).toEqual(found);
    expect(await measurePredictions(rotated, { rotations: { ...GRID, matrices } })).toEqual(found);
    const each = { ...GRID, matrices: samples.flatMap(() => matrices) };
    expect(await measurePredictions(rotated, { rotations: each })).toEqual(found);
    expect((await measurePredictions(rotated)).lossTotal).toBeGreaterThan(1.5 * expected.lossTotal);
  });

  it("takes independent draws, and another seed for the gains", async () => {
    const { lossEquiv, gains } = await measurePredictions(upright, { group: "so3", seed: 1 });
    expect(lossEquiv).toBeGreaterThan(expected.lossEquiv);
    expect(gains.length).toBe(expected.gains.length);
    expect(gains).not.toEqual(expected.gains);
  });

  it("says which other reading of the rotations explains the predictions better", async () => {
    const transposed = ELEMENTS.flatMap((g) => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => octahedralMatrices[g]![at]!));
    const { betterReading } = await measurePredictions(rotated, { rotations: { ...GRID, matrices: transposed } });
    expect(betterReading?.reading).toMatchObject({ kind: "matrices", transposed: true });
  });

  it("takes samples as they come, tells how far it is, and stops when told", async () => {
    const controller = new AbortController();
    const done: number[] = [];
    let asked = 0;
    async function* source() {
      for (const sample of upright) {
        asked++;
        yield sample;
      }
    }
    await measurePredictions(source(), { onProgress: (count) => done.push(count) });
    expect(done).toEqual([1, 2, 3, 4, 5]);
    asked = 0;
    const onProgress = (count: number) => {
      if (count === 2) controller.abort();
    };
    const stopped = measurePredictions(source(), { signal: controller.signal, onProgress });
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(asked).toBe(3);
  });

  it("refuses what does not belong together", async () => {
    const refuse = (
      given: readonly PredictedSample[],
      options: MeasurePredictionsOptions,
      code: string,
      text: RegExp,
    ) =>
      expect(measurePredictions(given, options)).rejects.toMatchObject({ code, message: expect.stringMatching(text) });
    const one = { predictions: new Float32Array(NUMBERS), target: new Float32Array(NUMBERS) };
    await refuse([], {}, "no-data", /no sample/);
    await refuse([one], {}, "bad-shape", /not two or more predictions/);
    const many = { predictions: new Float32Array(25), target: new Float32Array(1) };
    await refuse([many], {}, "bad-option", /25 predictions a sample, the octahedral group has 24/);
    await refuse(rotated, { rotations: { ...GRID, matrices: matrices.slice(1) } }, "bad-shape", /35 numbers/);
    await refuse(rotated, { rotations: { ...GRID, matrices: matrices.map(() => 0) } }, "bad-file", /all zeros/);
    const large = { matrices, output: { kind: "grid", size: 4, channels: 2 } } as const;
    await refuse(rotated, { rotations: large }, "bad-shape", /^the target of sample 0 holds 54 numbers; .* holds 128$/);
    const two = { ...GRID, matrices: [...matrices, ...matrices] };
    await refuse(rotated, { rotations: two }, "bad-shape", /rotations of 2 samples, and more/);
  });
});

describe("PredictionTally", () => {
  it("knows at any time what the samples so far say", () => {
    const tally = new PredictionTally(ELEMENTS.length, { rotations: { ...GRID, matrices } });
    for (const { predictions, target } of rotated.slice(0, 2)) tally.add(predictions, target);
    expect(tally.result()).toMatchObject({ samples: 2, rotations: 4, gains: [] });
    for (const { predictions, target } of rotated.slice(2)) tally.add(predictions, target);
    expect(tally.result()).toMatchObject(expected);
  });
});
