import { describe, expect, it } from "vitest";
import { landscape } from "../../src/analysis/landscape.ts";
import { termSlices, termSlicesCost } from "../../src/analysis/termSlices.ts";
import { decomposeSums } from "../../src/equivariance/estimators.ts";
import { vectorNet } from "./vectorNet.ts";

const terms = vectorNet({ samples: 3 });
const curvature = await landscape(terms, { terms: ["mean", "equiv"], probes: 1, products: 12, vectors: 1 });
const few = { points: 5, planePoints: 3 };

describe("slices of the terms", () => {
  it("go along a random direction and both eigenvectors, and over their plane", async () => {
    const told: [number, number][] = [];
    const onProgress = (done: number, total: number) => void told.push([done, total]);
    const { lines, plane, samples, interrupted } = await termSlices(terms, curvature, { ...few, onProgress });
    expect([samples, interrupted]).toEqual([3, false]);
    expect(lines.map(({ direction }) => direction)).toEqual(["random", "mean", "equiv"]);
    const here = decomposeSums(await terms.sums(terms.weights), terms.sampling);
    for (const { points } of lines) {
      expect(points.map(({ at }) => at)).toEqual([[-1], [-0.5], [0], [0.5], [1]]);
      expect(points[2]).toEqual({ at: [0], ...here });
    }
    expect(plane).toMatchObject({ directions: ["mean", "equiv"], lengths: [lines[1]!.length, lines[2]!.length] });
    expect(plane!.points).toHaveLength(9);
    // The plane's axes are the lines.
    expect(plane!.points[7]!.lossMean).toBeCloseTo(lines[1]!.points[4]!.lossMean, 12);
    expect(plane!.points[5]!.lossEquiv).toBeCloseTo(lines[2]!.points[4]!.lossEquiv, 12);
    expect(told.at(-1)).toEqual([termSlicesCost(few), termSlicesCost(few)]);
    expect(told.map(([done]) => done)).toEqual(told.map((_, i) => i + 1));
  });

  it("step so far that a parabola of the eigenvalue would double the term", async () => {
    const { lines } = await termSlices(terms, curvature, few);
    const here = decomposeSums(await terms.sums(terms.weights), terms.sampling);
    const [, mean, equiv] = lines;
    expect((mean!.length ** 2 * curvature.mean!.lambdaMax) / 2).toBeCloseTo(here.lossMean, 12);
    expect((equiv!.length ** 2 * curvature.equiv!.lambdaMax) / 2).toBeCloseTo(here.lossEquiv, 12);
  });

  it("leave out what has no eigenvector, and a term that is 0", async () => {
    const random = await termSlices(terms, {}, few);
    expect(random.lines.map(({ direction }) => direction)).toEqual(["random"]);
    expect(random.plane).toBeUndefined();
    const down = { ...curvature, mean: { ...curvature.mean!, lambdaMax: -1 } };
    const one = await termSlices(terms, down, few);
    expect(one.lines.map(({ direction }) => direction)).toEqual(["random", "equiv"]);
    expect(one.plane).toBeUndefined();
  });

  it("keep what is known when they are stopped", async () => {
    const stop = new AbortController();
    const onProgress = (done: number) => done === 8 && stop.abort();
    const found = await termSlices(terms, curvature, { ...few, signal: stop.signal, onProgress });
    expect(found.interrupted).toBe(true);
    expect(found.lines.map(({ points }) => points.length)).toEqual([5, 2]);
    expect(found.plane).toBeUndefined();
  });

  it("refuse points that cannot be", async () => {
    const unused = { ...terms, sums: () => Promise.reject(new Error("nothing is computed")) };
    await expect(termSlices(unused, curvature, { points: 2 })).rejects.toMatchObject({ code: "bad-option" });
    await expect(termSlices(unused, curvature, { planePoints: 4 })).rejects.toMatchObject({ code: "bad-option" });
  });
});
