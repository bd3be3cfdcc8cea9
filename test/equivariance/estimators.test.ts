import { describe, expect, it } from "vitest";
import { decomposeSums, sampleSums, type SampleSums } from "../../src/equivariance/estimators.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { drawOctahedral } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";
import { randomArray } from "../harness.ts";
import { twirl } from "../../src/reference/twirl.ts";

const SIZE = 3;
const CHANNELS = 2;
const ELEMENTS = SIZE ** 3 * CHANNELS;
const SAMPLES = 5;

/** Targets, and predictions under all 24 rotations, so that the exact terms are known. */
function enumeration() {
  const target = randomArray(SAMPLES * ELEMENTS, 1);
  const predictions = randomArray(SAMPLES * 24 * ELEMENTS, 2, 0.5);
  return { target, predictions };
}

/** Sums of each sample from the given rotations of it. */
function sums(rotationsOf: (n: number) => ArrayLike<number>): SampleSums[] {
  const { target, predictions } = enumeration();
  return Array.from({ length: SAMPLES }, (_, n) => {
    const rotations = rotationsOf(n);
    const chosen = new Float32Array(rotations.length * ELEMENTS);
    for (let k = 0; k < rotations.length; k++) {
      const at = (n * 24 + rotations[k]!) * ELEMENTS;
      chosen.set(predictions.subarray(at, at + ELEMENTS), k * ELEMENTS);
    }
    const shape = [1, SIZE, CHANNELS] as const;
    return sampleSums(twirl(chosen, rotations, target.subarray(n * ELEMENTS, (n + 1) * ELEMENTS), shape).sums)[0]!;
  });
}

const ALL = octahedralMatrices.map((_, g) => g);
const EXACT = decomposeSums(
  sums(() => ALL),
  { rotations: 24, elements: ELEMENTS },
);

describe("decomposeSums", () => {
  it("is the plain definition on the enumeration of all 24", () => {
    const { target, predictions } = enumeration();
    const { errors, m2, mean } = twirl(predictions, ALL, target, [SAMPLES, SIZE, CHANNELS]);
    const average = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / (SAMPLES * ELEMENTS);
    expect(EXACT.lossTotal).toBeCloseTo(average(errors) / 24, 12);
    expect(EXACT.lossEquiv).toBeCloseTo(average(m2) / 24, 12);
    expect(EXACT.lossMean).toBeCloseTo(average(mean.map((m, i) => (m - target[i]!) ** 2)), 12);
    expect(EXACT.lossZero).toBeCloseTo(average(target.map((y) => y * y)), 6);
    expect(EXACT.percentEquiv).toBeCloseTo((100 * average(m2)) / average(errors), 10);
    expect(EXACT.lossMean + EXACT.lossEquiv).toBeCloseTo(EXACT.lossTotal, 14);
  });

  it.each([
    { rotations: 2, replacement: false },
    { rotations: 6, replacement: false },
    { rotations: 23, replacement: false },
    { rotations: 2, replacement: true },
    { rotations: 5, replacement: true },
  ])("is unbiased for $rotations rotations, replacement $replacement", ({ rotations, replacement }) => {
    const random = new Random(3);
    const trials = 400;
    const names = ["lossTotal", "lossMean", "lossEquiv"] as const;
    const draws = Array.from({ length: trials }, () => {
      const draw = () =>
        replacement ? Array.from({ length: rotations }, () => random.int(24)) : drawOctahedral(random, rotations);
      return decomposeSums(sums(draw), { rotations, elements: ELEMENTS, groupOrder: replacement ? Infinity : 24 });
    });
    for (const name of names) {
      const values = draws.map((d) => d[name]);
      const mean = values.reduce((a, b) => a + b, 0) / trials;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / (trials - 1);
      expect(Math.abs(mean - EXACT[name]), name).toBeLessThan(3 * Math.sqrt(variance / trials));
      // The plug-in S/N would be off by more than this test allows.
      if (name === "lossEquiv" && rotations === 2) {
        expect(EXACT.lossEquiv / 2).toBeGreaterThan(10 * Math.sqrt(variance / trials));
      }
    }
  });

  it("takes the ratio of sums, not the mean of ratios, and never clamps", () => {
    const samples = [
      { meanError: 0, spread: 8, zeroError: 1 },
      { meanError: 96, spread: 0, zeroError: 3 },
    ];
    const all = decomposeSums(samples, { rotations: 2, elements: 1, groupOrder: Infinity });
    expect(all.lossTotal).toBe(50);
    expect(all.lossEquiv).toBe(4);
    expect(all.percentEquiv).toBe(8);
    expect(all.lossZero).toBe(2);
    const [first] = samples;
    expect(decomposeSums([first!], { rotations: 2, elements: 1, groupOrder: Infinity }).lossMean).toBe(-4);
  });

  it("gives the standard error of the ratio that repetition shows", () => {
    const random = new Random(4);
    const molecules = 40;
    const trials = 1500;
    const results = Array.from({ length: trials }, () => {
      const samples = Array.from({ length: molecules }, () => {
        const scale = 1 + 2 * random.next();
        return { meanError: 10 * scale * (1 + random.next()), spread: 24 * scale * random.next(), zeroError: 1 };
      });
      return decomposeSums(samples, { rotations: 24, elements: 7 });
    });
    const mean = results.reduce((sum, r) => sum + r.percentEquiv, 0) / trials;
    const spread = Math.sqrt(results.reduce((sum, r) => sum + (r.percentEquiv - mean) ** 2, 0) / (trials - 1));
    const claimed = Math.sqrt(results.reduce((sum, r) => sum + r.percentEquivStdErr ** 2, 0) / trials);
    expect(Math.abs(claimed / spread - 1)).toBeLessThan(0.08);
  });

  it("has no standard error for one sample", () => {
    expect(
      decomposeSums([{ meanError: 3, spread: 7, zeroError: 1 }], { rotations: 3, elements: 5 }).percentEquivStdErr,
    ).toBeNaN();
  });

  it("refuses what cannot be estimated", () => {
    const one = [{ meanError: 1, spread: 1, zeroError: 1 }];
    for (const rotations of [1, 0, 25, 2.5, NaN]) {
      expect(() => decomposeSums(one, { rotations, elements: 1 })).toThrow(
        expect.objectContaining({ code: "bad-option" }),
      );
    }
    expect(() => decomposeSums(one, { rotations: 25, elements: 1, groupOrder: Infinity })).not.toThrow();
    expect(() => decomposeSums([], { rotations: 2, elements: 1 })).toThrow(
      expect.objectContaining({ code: "no-data" }),
    );
    expect(() => decomposeSums(one, { rotations: 2, elements: 0 })).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
    expect(() => sampleSums([1, 2, 3])).toThrow(expect.objectContaining({ code: "bad-shape" }));
  });
});
