import { describe, expect, it } from "vitest";
import { curvature } from "../../src/analysis/curvature.ts";
import { filterDirection } from "../../src/analysis/directions.ts";
import { hessian } from "../../src/analysis/hessian.ts";
import type { LossTerms } from "../../src/analysis/lossTerms.ts";
import { landscapeSlice } from "../../src/analysis/slices.ts";
import { decomposeSums } from "../../src/equivariance/estimators.ts";
import { vectorNet } from "./vectorNet.ts";

const terms = vectorNet({ samples: 3 });

describe("filterDirection", () => {
  const direction = filterDirection(terms, 4);

  it("is as long as the weights in each output channel, and does not move biases", () => {
    for (const { kind, shape, offset, size } of terms.layout) {
      const part = (of: Float64Array) => [...of.subarray(offset, offset + size)];
      if (kind === "vector") {
        expect(part(direction).every((value) => value === 0)).toBe(true);
        continue;
      }
      const columns = shape[1]!;
      for (let j = 0; j < columns; j++) {
        const filter = (of: Float64Array) => part(of).filter((_, i) => i % columns === j);
        expect(Math.hypot(...filter(direction))).toBeCloseTo(Math.hypot(...filter(terms.weights)), 12);
        expect(filter(direction)).not.toEqual(filter(terms.weights));
      }
    }
  });

  it("is drawn by the seed, and takes filters of zeros", () => {
    expect(filterDirection(terms, 4)).toEqual(direction);
    expect(filterDirection(terms, 5)).not.toEqual(direction);
    const zeros = { layout: terms.layout, weights: new Float64Array(terms.weights.length) };
    expect(filterDirection(zeros).every((value) => value === 0)).toBe(true);
  });
});

describe("landscapeSlice", () => {
  it("has the losses of the weights that it says, with their errors", async () => {
    const direction = filterDirection(terms);
    const { points, interrupted } = await landscapeSlice(terms, [direction], { points: 5, extent: 0.5 });
    expect(interrupted).toBe(false);
    expect(points.map(({ at }) => at)).toEqual([[-0.5], [-0.25], [0], [0.25], [0.5]]);
    for (const { at, ...losses } of points) {
      const weights = terms.weights.map((w, i) => w + at[0]! * direction[i]!);
      expect(losses).toEqual(decomposeSums(await terms.sums(weights), terms.sampling));
      expect(losses.lossTotal).toBeCloseTo(losses.lossMean + losses.lossEquiv, 12);
      expect(losses.lossEquivStdErr).toBeGreaterThan(0);
    }
  });

  it("bends along the leading eigenvector as the eigenvalue says", async () => {
    const { vectors, lambdaMax } = await curvature(hessian(terms, "equiv"), { probes: 1, vectors: 1 });
    const { points } = await landscapeSlice(terms, vectors, { points: 3, extent: 1e-3 });
    const [before, here, after] = points.map(({ lossEquiv }) => lossEquiv);
    expect((before! - 2 * here! + after!) / 1e-6 / lambdaMax).toBeCloseTo(1, 2);
  });

  it("is a plane for two directions, whose axes are its lines", async () => {
    const directions = [filterDirection(terms, 1), filterDirection(terms, 2)];
    const seen: number[] = [];
    const plane = await landscapeSlice(terms, directions, {
      points: 3,
      onProgress: (done, total) => seen.push(done, total),
    });
    expect(plane.points.map(({ at }) => at)).toEqual([-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => [a, b])));
    expect(seen.slice(-2)).toEqual([9, 9]);
    for (const [i, middle] of [
      [0, (at: readonly number[]) => at[1] === 0],
      [1, (at: readonly number[]) => at[0] === 0],
    ] as const) {
      const line = await landscapeSlice(terms, [directions[i]!], { points: 3 });
      const found = plane.points.filter(({ at }) => middle(at)).map(({ lossMean }) => lossMean);
      line.points.forEach(({ lossMean }, k) => expect(found[k]).toBeCloseTo(lossMean, 12));
    }
  });

  it("gives the points so far when it is stopped", async () => {
    const controller = new AbortController();
    const onProgress = (done: number) => {
      if (done === 4) controller.abort();
    };
    const directions = [filterDirection(terms)];
    const { points, interrupted } = await landscapeSlice(terms, directions, { signal: controller.signal, onProgress });
    expect(points).toHaveLength(4);
    expect(interrupted).toBe(true);
  });

  it("refuses what is no slice", async () => {
    const direction = filterDirection(terms);
    await expect(landscapeSlice(terms, [direction], { points: 4 })).rejects.toThrow(/^points is 4/);
    await expect(landscapeSlice(terms, [direction], { extent: 0 })).rejects.toThrow(/^extent is 0/);
    await expect(landscapeSlice({} as LossTerms, [direction])).rejects.toThrow(/^terms is a plain object/);
    await expect(landscapeSlice(terms, [])).rejects.toThrow(/^there are 0 directions/);
    await expect(landscapeSlice(terms, [direction.slice(1)])).rejects.toMatchObject({ code: "bad-shape" });
  });
});
