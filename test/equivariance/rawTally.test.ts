import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CUBE_SYMMETRIES,
  cubeSymmetryMatrices,
  cubeSymmetryPermutation,
  isReflection,
} from "../../src/equivariance/cubeSymmetries.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { cubeRotations, type RotationSource } from "../../src/equivariance/cubeRotations.ts";
import { givenRotations } from "../../src/equivariance/givenRotations.ts";
import { RawTally } from "../../src/equivariance/rawTally.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { Random } from "../../src/random.ts";
import { randomArray } from "../harness.ts";

const SIZE = 3;
const CHANNELS = 2;
const NUMBERS = SIZE ** 3 * CHANNELS;

function moved(grid: ArrayLike<number>, element: number): Float64Array {
  const result = new Float64Array(NUMBERS);
  cubeSymmetryPermutation(SIZE, element).forEach((from, to) => {
    for (let c = 0; c < CHANNELS; c++) result[to * CHANNELS + c] = grid[from * CHANNELS + c]!;
  });
  return result;
}

interface World {
  /** The element of each rotation of each sample. */
  readonly elements: readonly (readonly number[])[];
  readonly targets: readonly ArrayLike<number>[];
  /** Of each sample's rotations. */
  readonly raw: readonly (readonly ArrayLike<number>[])[];
}

/** What a model gives for rotated inputs; `predict` gets what an equivariant one with noise of its own gives. */
function world(
  elements: readonly (readonly number[])[],
  seed: number,
  predict = (turned: Float64Array, _n: number, _i: number): ArrayLike<number> => turned,
): World {
  const targets = elements.map((_, n) => randomArray(NUMBERS, seed + n));
  const raw = elements.map((set, n) => {
    const noise = randomArray(NUMBERS, seed + 1000 + n, 0.2);
    const upright = targets[n]!.map((value, i) => 0.9 * value + noise[i]!);
    return set.map((element, i) => predict(moved(upright, element), n, i));
  });
  return { elements, targets, raw };
}

/** Measures with the matrices that a user gives for the elements. */
function measure(
  { elements, targets, raw }: World,
  given = matricesOf(elements.flat()),
  source: RotationSource = "so3",
) {
  const count = elements[0]!.length;
  const output = { kind: "grid", size: SIZE, channels: CHANNELS } as const;
  const tally = new RawTally({ count, given: givenRotations({ matrices: given.flat(), output }, count, source) });
  targets.forEach((target, n) =>
    tally.add(
      raw[n]!.flatMap((one) => Array.from(one)),
      target,
    ),
  );
  return tally.result();
}

const matricesOf = (elements: readonly number[]) => elements.map((g) => cubeSymmetryMatrices[g]!);
const transpose = (m: readonly number[]) => [0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => m[at]!);
const AXES = ["xyz", "zyx", "yxz", "xzy", "yzx", "zxy"];

/** A rotation of x y z as somebody writes it who has the axes in another order, one of them reversed, or is passive. */
function written(m: readonly number[], { transposed, axes, flipped }: Reading): number[] {
  const sign = (axis: string) => (axis === flipped ? -1 : 1);
  const own = Array.from(axes).flatMap((row) =>
    Array.from(axes).map((column) => sign(row) * sign(column) * m[3 * "xyz".indexOf(row) + "xyz".indexOf(column)]!),
  );
  return transposed ? transpose(own) : own;
}
interface Reading {
  transposed: boolean;
  axes: string;
  flipped: string;
}

const reading = fc.record({
  transposed: fc.boolean(),
  axes: fc.constantFrom(...AXES),
  flipped: fc.constantFrom("", "x", "y", "z"),
});
const seed = fc.nat(1e6);
const drawn = (random: Random, count: number, order = 24) =>
  Array.from(random.shuffle(Uint32Array.from({ length: order }, (_, g) => g)).slice(0, count));

describe("which reading of the rotations explains raw predictions", () => {
  it("is said of any wrong one, and nothing of the right one, for an equivariant model", () => {
    fc.assert(
      fc.property(
        reading,
        seed,
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(24, 48),
        (wrong, at, samples, order) => {
          const random = new Random(at);
          const shown = world(
            Array.from({ length: samples }, () => drawn(random, order, order)),
            at,
          );
          const source = order === 24 ? "octahedral" : "full-octahedral";
          const right = measure(shown, undefined, source);
          expect(right.betterReading).toBeUndefined();
          expect(right.percentEquiv).toBeCloseTo(0, 8);
          const asked = measure(
            shown,
            matricesOf(shown.elements.flat()).map((m) => written(m, wrong)),
            source,
          );
          if (!wrong.transposed && wrong.axes === "xyz" && wrong.flipped === "") return;
          expect(asked.betterReading?.reading).toEqual({ kind: "matrices", ...wrong });
          expect(asked.betterReading).toMatchObject({ samples });
          expect(asked.betterReading!.lossTotalAsked).toBeCloseTo(asked.lossTotal, 10);
          expect(asked.betterReading!.lossTotal).toBeCloseTo(right.lossTotal, 10);
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it("is found from few rotations too, alike for all samples or drawn for each", () => {
    fc.assert(
      fc.property(reading, seed, fc.integer({ min: 4, max: 12 }), fc.boolean(), (wrong, at, rotations, alike) => {
        const random = new Random(at);
        const first = drawn(random, rotations);
        const sets = Array.from({ length: 4 }, () => (alike ? first : drawn(random, rotations)));
        const shown = world(sets, at);
        const { lossTotal } = measure(shown);
        const given = matricesOf(alike ? first : sets.flat()).map((m) => written(m, wrong));
        const { betterReading: better, lossTotal: asked } = measure(shown, given);
        if (asked > 2.5 * lossTotal) expect(better!.lossTotal).toBeCloseTo(lossTotal, 10);
        else if (asked < 1.05 * lossTotal) expect(better).toBeUndefined();
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it("is silent about models that learned nothing, and about right ones that break the symmetry", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 4, max: 24 }), (at, samples, rotations) => {
        const random = new Random(at);
        const sets = Array.from({ length: samples }, () => drawn(random, rotations));
        const noise = (n: number, i: number, scale: number) => randomArray(NUMBERS, at + 50 * n + i + 5000, scale);
        const guess = world(sets, at, (_, n, i) => noise(n, i, 1));
        expect(measure(guess).betterReading).toBeUndefined();
        expect(measure(world(sets, at, () => new Float64Array(NUMBERS))).betterReading).toBeUndefined();
        const constant = noise(0, 0, 1);
        expect(measure(world(sets, at, () => constant)).betterReading).toBeUndefined();
        const broken = world(sets, at, (turned, n, i) => {
          const error = noise(n, i, 1);
          return turned.map((value, e) => value + error[e]!);
        });
        expect(measure(broken).betterReading).toBeUndefined();
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it("is said of a model that explains little, where samples agree", () => {
    const random = new Random(8);
    const sets = Array.from({ length: 12 }, () => drawn(random, 24));
    const shown = world(sets, 9, (turned) => turned.map((value) => 0.4 * value));
    const given = matricesOf(sets.flat()).map(transpose);
    const { betterReading: better, lossTotal } = measure(shown, given);
    expect(better?.reading).toMatchObject({ transposed: true, axes: "xyz", flipped: "" });
    // Not half the loss.
    expect(better!.lossTotal).toBeGreaterThan(lossTotal / 2);
  });

  it("is that predictions are rotated back already, or the matrices in another order", () => {
    const random = new Random(4);
    const set = drawn(random, 10);
    const shown = world([set, set, set], 6);
    const back = { ...shown, raw: shown.raw.map((all) => all.map((one, i) => moved(one, inverse(set[i]!)))) };
    const { lossTotal } = measure(shown);
    expect(measure(back).betterReading).toMatchObject({ reading: { kind: "rotated-back" } });
    const rows = set.map((_, i) => (i + 3) % set.length);
    const given = set.map((_, i) => set[(i + set.length - 3) % set.length]!);
    const { betterReading: better } = measure(shown, matricesOf(given));
    expect(better).toMatchObject({ reading: { kind: "rows", rows } });
    expect(better!.lossTotal).toBeCloseTo(lossTotal, 10);
  });

  it("is judged on the first samples of many", () => {
    const set = drawn(new Random(2), 24);
    const shown = world(
      Array.from({ length: 20 }, () => set),
      3,
    );
    const { betterReading: better, samples } = measure(shown, matricesOf(set).map(transpose));
    expect([better?.samples, samples]).toEqual([16, 20]);
  });
});

function inverse(element: number): number {
  const wanted = transpose(cubeSymmetryMatrices[element]!).join();
  return cubeSymmetryMatrices.findIndex((m) => m.join() === wanted);
}

describe("RawTally", () => {
  it("decomposes what it rotates back, with the gains of the same seed", () => {
    const random = new Random(5);
    const sets = Array.from({ length: 5 }, () => drawn(random, 8));
    const shown = world(sets, 1, (turned, n, i) => {
      const error = randomArray(NUMBERS, 77 + 10 * n + i);
      return turned.map((value, e) => value + error[e]!);
    });
    const back = shown.raw.flatMap((all, n) => all.flatMap((one, i) => [...moved(one, inverse(sets[n]![i]!))]));
    const targets = shown.targets.flatMap((target) => [...Array.from(target)]);
    const { betterReading: better, ...found } = measure(shown, undefined, "octahedral");
    expect(better).toBeUndefined();
    expect(found).toEqual(decompose(back, targets, { samples: 5 }));
  });

  it("takes the 48 of the full group for what they are", () => {
    const all = Array.from({ length: CUBE_SYMMETRIES }, (_, g) => g);
    // Equivariant under rotations alone: a mirror image is predicted worse.
    const shown = world([all, all], 2, (turned, n, i) => {
      const error = randomArray(NUMBERS, 7 + 100 * n + i, isReflection(i) ? 1 : 0);
      return turned.map((value, e) => value + error[e]!);
    });
    const { lossEquiv, percentEquiv } = measure(shown, matricesOf(all), "octahedral");
    const back = shown.raw.flatMap((one) => one.flatMap((values, i) => [...moved(values, inverse(i))]));
    const targets = shown.targets.flatMap((target) => [...Array.from(target)]);
    const expected = decompose(back, targets, { samples: 2, groupOrder: 48 });
    expect(lossEquiv).toBeCloseTo(expected.lossEquiv, 10);
    expect(percentEquiv).toBeGreaterThan(5);
  });
});

describe("cubeRotations", () => {
  const two = matricesOf([0, 5, 3, 7]);
  const refuse = (matrices: readonly (readonly number[])[], text: RegExp, source: RotationSource = "octahedral") =>
    expect(() => cubeRotations(matrices.flat(), 2, source, "r.npy")).toThrow(
      expect.objectContaining({ code: "bad-file", message: expect.stringMatching(text) }),
    );

  it("knows the elements", () => {
    expect(cubeRotations(two.flat(), 2, "octahedral")).toEqual({ elements: [0, 5, 3, 7], source: "octahedral" });
    const mirrored = matricesOf([24, 1]);
    expect(cubeRotations(mirrored.flat(), 2, "full-octahedral")).toMatchObject({ elements: [24, 1] });
    const all = cubeSymmetryMatrices.flat();
    expect(cubeRotations(all, 48, "octahedral").source).toBe("full-octahedral");
    expect(cubeRotations(octahedralMatrices.flat(), 24, "octahedral").source).toBe("octahedral");
  });

  it("names the matrix that is none, and why", () => {
    refuse(matricesOf([0, 29]), /^r\.npy: matrix 1 is a reflection \(determinant -1\), not a rotation$/);
    refuse(matricesOf([0, 29, 30, 2]), /^r\.npy: matrix 1 of sample 0 is a reflection .*, and so is 1 other$/);
    refuse(matricesOf([0, 29]), /is a reflection/, "so3");
    refuse([two[0]!, two[1]!, two[2]!, new Array<number>(9).fill(0)], /matrix 1 of sample 1 is all zeros/);
    refuse([...two.slice(0, 2), two[3]!, two[3]!], /matrix 1 of sample 1 is the rotation of matrix 0 again/);
    expect(cubeRotations([two[0]!, two[0]!].flat(), 2, "so3").elements).toEqual([0, 0]);
  });
});
