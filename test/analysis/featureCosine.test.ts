import { describe, expect, it } from "vitest";
import { featureCosine } from "../../src/analysis/featureCosine.ts";
import { randomArray } from "../harness.ts";

/** The same by plain loops over arrays of channels. */
function twin(a: Float32Array, b: Float32Array, channels: number) {
  const columns = (values: Float32Array) =>
    Array.from({ length: channels }, (_, c) => [...values].filter((_, at) => at % channels === c));
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const cosine = (x: number[], y: number[]) => dot(x, y) / (Math.sqrt(dot(x, x)) * Math.sqrt(dot(y, y)));
  const centre = (column: number[]) => {
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    return column.map((value) => value - mean);
  };
  return {
    cosine: cosine(columns(a).flat(), columns(b).flat()),
    centred: cosine(columns(a).map(centre).flat(), columns(b).map(centre).flat()),
  };
}

describe("featureCosine", () => {
  it("is what plain loops give, with an offset in each channel too", () => {
    for (const [channels, offset] of [
      [1, 0],
      [3, 0.5],
      [5, 30],
    ] as const) {
      const shifted = (seed: number) => randomArray(channels * 64, seed).map((x, at) => x + offset * (at % channels));
      const [a, b] = [shifted(1), shifted(2)];
      const found = featureCosine(a, b, channels);
      const expected = twin(a, b, channels);
      expect(found.cosine).toBeCloseTo(expected.cosine, 12);
      expect(found.centred).toBeCloseTo(expected.centred, 12);
    }
  });

  it("is exactly 1 for equal arrays, -1 for opposite ones, and does not know lengths", () => {
    const a = randomArray(60, 3);
    expect(featureCosine(a, a, 4)).toEqual({ cosine: 1, centred: 1 });
    expect(
      featureCosine(
        a,
        a.map((x) => -x),
        4,
      ),
    ).toEqual({ cosine: -1, centred: -1 });
    expect(
      featureCosine(
        a,
        a.map((x) => 8 * x),
        4,
      ),
    ).toEqual({ cosine: 1, centred: 1 });
  });

  it("is about 0 for unrelated numbers, with variance 1/n", () => {
    const n = 400;
    const cosines = Array.from({ length: 500 }, (_, i) =>
      featureCosine(randomArray(n, 2 * i), randomArray(n, 2 * i + 1), 4),
    );
    for (const which of ["cosine", "centred"] as const) {
      const values = cosines.map((found) => found[which]);
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(500 * n));
      // Four means are taken away: as many dimensions fewer.
      const dimensions = which === "cosine" ? n : n - 4;
      // The standard error of a variance of 500 numbers is its sqrt(2/500).
      expect(Math.abs(variance * dimensions - 1)).toBeLessThan(4 * Math.sqrt(2 / 500));
    }
  });

  it("does not take what all positions share for likeness when centred", () => {
    const shifted = (seed: number) => randomArray(3000, seed).map((x) => x + 20);
    const { cosine, centred } = featureCosine(shifted(5), shifted(6), 3);
    expect(cosine).toBeGreaterThan(0.99);
    expect(Math.abs(centred)).toBeLessThan(4 / Math.sqrt(3000));
  });

  it("is not a number where there is nothing to compare", () => {
    const [zero, one] = [new Float32Array(8), new Float32Array(8).fill(0.1)];
    expect(featureCosine(zero, one, 2)).toEqual({ cosine: NaN, centred: NaN });
    expect(featureCosine(one, one, 2)).toEqual({ cosine: 1, centred: NaN });
    const almost = one.map((x, at) => x * (1 + (at % 3) * 1e-7));
    expect(
      featureCosine(
        almost,
        one.map((x, at) => x * (1 + (at % 4) * 1e-7)),
        1,
      ).centred,
    ).toBeNaN();
  });

  it("refuses arrays that do not fit together, and numbers that are none", () => {
    for (const [a, b, channels] of [
      [4, 8, 2],
      [6, 6, 4],
      [6, 6, 0],
      [0, 0, 1],
    ] as const) {
      expect(() => featureCosine(new Float32Array(a), new Float32Array(b), channels)).toThrow(/channels/);
    }
    expect(() => featureCosine(undefined as never, new Float32Array(2), 1)).toThrow(/a is undefined/);
    expect(() => featureCosine(Float32Array.of(1, NaN), Float32Array.of(1, 2), 1)).toThrow(/finite/);
    expect(() => featureCosine(Float32Array.of(1, 1), Float32Array.of(1, Infinity), 1)).toThrow(/finite/);
  });
});
