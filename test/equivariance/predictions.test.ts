import { describe, expect, it } from "vitest";
import { cubeSymmetryMatrices } from "../../src/equivariance/cubeSymmetries.ts";
import { act, inverseRotation, so3, type Rotation } from "../../src/equivariance/groups.ts";
import { octahedralMatrices, rotateGridOctahedral } from "../../src/equivariance/octahedral.ts";
import {
  measurePredictions,
  PredictionTally,
  type MeasurePredictionsOptions,
  type PredictedSample,
} from "../../src/equivariance/predictions.ts";
import { matrixGroup } from "../../src/equivariance/matrixGroup.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { weightedTerms } from "../../src/equivariance/weightedTerms.ts";
import { decompose, Tally } from "../../src/equivariance/decomposition.ts";
import type { Representation } from "../../src/equivariance/representations.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";
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
    const found = { ...expected, group: "octahedral", exact: false, betterReading: undefined };
    expect(await measurePredictions(upright)).toEqual(found);
    expect(await measurePredictions(rotated, { rotations: { ...GRID, matrices } })).toEqual(found);
    const each = { ...GRID, matrices: samples.flatMap(() => matrices) };
    expect(await measurePredictions(rotated, { rotations: each })).toEqual(found);
    expect((await measurePredictions(rotated)).lossTotal).toBeGreaterThan(1.5 * expected.lossTotal);
  });

  it("weighs predictions under a quadrature's rotations, which it knows in any order", async () => {
    const [group, matrices] = [quadrature(5), quadrature(5).enumerate!()];
    const order = new Random(3).shuffle(Uint32Array.from(matrices, (_, i) => i));
    const vectors = { kind: "vectors" } as const;
    const made = [1, 2, 3, 4, 5].map((seed) => {
      const target = Float64Array.from(randomArray(6, seed));
      // A field along z, and a part that only weights tell apart from a plain mean.
      const back = matrices.map((r) => target.map((y, e) => y + r[6 + (e % 3)]! + 0.5 * r[0]! ** 2 * r[4]! ** 2));
      const raw = matrices.map((r, i) => act(so3(), vectors, r, back[i]!));
      return { target, back, raw };
    });
    const flat = (parts: readonly Float64Array[]) => Float64Array.from(parts.flatMap((part) => [...part]));
    const terms = weightedTerms(group.weights!);
    const [all, targets] = [flat(made.flatMap(({ back }) => back)), flat(made.map(({ target }) => target))];
    const { lossEquiv, lossMean } = decompose(all, targets, { samples: 5, groupOrder: 84, terms });
    const upright = made.map(({ back, target }) => ({ predictions: flat(back), target }));
    const known = { group: "quadrature-5", exact: true, gains: [], heldOut: [] };
    const close = {
      lossEquiv: expect.closeTo(lossEquiv, 9) as number,
      lossMean: expect.closeTo(lossMean, 9) as number,
    };
    expect(await measurePredictions(upright, { group })).toMatchObject({ ...known, ...close });
    const shuffled = made.map(({ raw, target }) => ({ predictions: flat([...order].map((i) => raw[i]!)), target }));
    const rotations = { output: vectors, matrices: Float32Array.from([...order].flatMap((i) => matrices[i]!)) };
    for (const asked of ["so3", group] as const) {
      const found = await measurePredictions(shuffled, { group: asked, rotations });
      expect(found).toMatchObject({ ...known, lossEquiv: expect.closeTo(lossEquiv, 5) as number });
    }
    // Draws that lack one are draws.
    const few = shuffled.map(({ predictions, target }) => ({ predictions: predictions.subarray(6), target }));
    const fewer = { ...rotations, matrices: rotations.matrices.subarray(9) };
    expect((await measurePredictions(few, { group: "so3", rotations: fewer })).group).toBe("so3");
    await expect(measurePredictions(few, { group, rotations: fewer })).rejects.toThrow(
      /84 rotations of .* go together/,
    );
    const twice = Float32Array.from([...rotations.matrices.subarray(0, 9), ...rotations.matrices.subarray(0, 747)]);
    const doubled = { ...rotations, matrices: twice };
    await expect(measurePredictions(shuffled, { group, rotations: doubled })).rejects.toThrow(/matrix 1 is that of/);
  });

  it("takes a group of matrices, whose order is that of the estimates", async () => {
    const [c, s] = [-0.5, Math.sqrt(3) / 2];
    const group = matrixGroup({ name: "c3", generators: [[c, -s, 0, s, c, 0, 0, 0, 1]] });
    const two = group.enumerate!().slice(1);
    const output = { kind: "vectors" } as const;
    const target = Float64Array.of(1, 2, 3);
    const field = {
      predictions: two.flatMap((r) => [...act(so3(), output, r, target)].map((v, i) => v + Number(!i))),
      target,
    };
    const given = [field, field];
    const found = await measurePredictions(given, { group, rotations: { output, matrices: two.flat() } });
    const draws = await measurePredictions(given, { group: "so3", rotations: { output, matrices: two.flat() } });
    expect([found.group, found.exact]).toEqual(["c3", false]);
    expect(found.lossEquiv).toBeCloseTo((2 / 3) * draws.lossEquiv, 12);
    const foreign = { output, matrices: [...two[0]!, 0, -1, 0, 1, 0, 0, 0, 0, 1] };
    await expect(measurePredictions(given, { group, rotations: foreign })).rejects.toThrow(
      "matrix 1 is no element of c3",
    );
    const { back, target: y } = samples[0]!;
    const grids = [{ predictions: back.subarray(0, 2 * NUMBERS), target: y }];
    const grid = { ...GRID, matrices: two.flat() };
    await expect(measurePredictions(grids, { group, rotations: grid })).rejects.toThrow("c3 would interpolate voxels");
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

describe("predictions of vectors, tensors and scalars", () => {
  const seen = new Random(9);
  const turns = Array.from({ length: 12 }, () => haarRotation(seen));
  /** Predictions for every rotated input, as a model gives them that errs in its own axes; samples differ in length. */
  const made = (output: Representation, rotations: readonly Rotation[], broken: number) =>
    [2, 1, 3, 2, 2].map((n, at) => {
      const target = Float64Array.from(randomArray(9 * n, 20 + at));
      const upright = target.map((value, e) => value + 0.1 * Math.sin(e + at));
      const predictions = rotations.flatMap((rotation) =>
        Array.from(act(so3(), output, rotation, upright), (value, e) => value + broken * Math.cos(e)),
      );
      return { predictions, target };
    });
  const kinds = (["vectors", "tensors", "scalars"] as const).map((kind) => ({ kind }));

  it.each(kinds)("are rotated back by any rotations, as measureEquivariance does: $kind", async (output) => {
    const samples = made(output, turns, 0.3);
    const rotations = { matrices: turns.flat(), output };
    const found = await measurePredictions(samples, { group: "so3", rotations });
    expect(found).toMatchObject({ group: "so3", rotations: 12, betterReading: undefined });
    const tally = new Tally({ rotations: 12, groupOrder: Infinity });
    for (const { predictions, target } of samples) {
      const back = turns.flatMap((rotation, i) => {
        const one = Float64Array.from(predictions.slice(i * target.length, (i + 1) * target.length));
        return Array.from(act(so3(), output, inverseRotation(rotation), one));
      });
      tally.add(back, target);
    }
    expect(found).toMatchObject(tally.result());
    if (output.kind === "scalars") expect(found.percentEquiv).toBeCloseTo(0, 8);
    else expect(found.percentEquiv).toBeGreaterThan(10);
    const exact = await measurePredictions(made(output, turns, 0), { group: "so3", rotations });
    expect(exact.percentEquiv).toBeCloseTo(0, 8);
    expect(exact.lossTotal).toBeGreaterThan(1e-4);
  });

  it.each(kinds.slice(0, 2))("show rotations that mean something else: $kind", async (output) => {
    const samples = made(output, turns, 0);
    const reading = async (given: readonly Rotation[]) => {
      const rotations = { matrices: given.flat(), output };
      const { betterReading: better, lossTotal } = await measurePredictions(samples, { group: "so3", rotations });
      expect(better!.lossTotalAsked).toBeCloseTo(lossTotal, 10);
      return better!.reading;
    };
    expect(await reading(turns.map(inverseRotation))).toMatchObject({ transposed: true, axes: "xyz", flipped: "" });
    expect(await reading(turns.map((turn) => [...turn].reverse()))).toMatchObject({ transposed: false, axes: "zyx" });
    expect(await reading([...turns.slice(1), turns[0]!])).toMatchObject({ kind: "rows" });
  });

  it("take the symmetries of the cube with their groups, reflections too", async () => {
    const output = { kind: "vectors" } as const;
    const measured = (rotations: readonly Rotation[]) =>
      measurePredictions(made(output, rotations, 0), { rotations: { matrices: rotations.flat(), output } });
    expect(await measured(octahedralMatrices)).toMatchObject({ group: "octahedral", rotations: 24 });
    const full = await measured(cubeSymmetryMatrices);
    expect(full).toMatchObject({ group: "full-octahedral", rotations: 48 });
    expect(full.percentEquiv).toBeCloseTo(0, 8);
  });

  it("refuse matrices that are no rotations of the group, and numbers that are no such arrays", async () => {
    const output = { kind: "vectors" } as const;
    const refused = async (given: readonly Rotation[], group: "so3" | "octahedral", text: RegExp, fix: RegExp) => {
      const rotations = { matrices: given.flat(), output };
      const failure = { code: "bad-file", message: expect.stringMatching(text), fix: expect.stringMatching(fix) };
      await expect(measurePredictions(made(output, given, 0), { group, rotations })).rejects.toMatchObject(failure);
    };
    const [a, b] = [turns[0]!, turns[1]!];
    await refused([a, b], "octahedral", /^the rotations: matrix 0 is a rotation by .* degrees/, /--group so3/);
    await refused([a, b.map((value) => -value)], "so3", /matrix 1 is a reflection/, /orthogonal/);
    await refused([a, b.map((value) => 1.01 * value)], "so3", /matrix 1 scales by 1\.01/, /orthogonal/);
    await refused([a, [b[0]! + 0.05, ...b.slice(1)]], "so3", /matrix 1 is not orthogonal/, /orthogonal/);
    const tensors = { matrices: turns.flat(), output: { kind: "tensors" } } as const;
    const samples = [{ predictions: new Float64Array(12 * 6), target: new Float64Array(6) }];
    const bad = {
      code: "bad-shape",
      message: expect.stringMatching(/^the target of sample 0 holds 6 .* multiple of 9/),
    };
    await expect(measurePredictions(samples, { group: "so3", rotations: tensors })).rejects.toMatchObject(bad);
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
