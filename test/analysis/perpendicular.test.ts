import { describe, expect, it } from "vitest";
import { perpendicularNorms, projectWeights } from "../../src/analysis/perpendicular.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { projectedDimension, projectKernel } from "../../src/equivariance/projection.ts";
import { Random } from "../../src/random.ts";
import { tinyConvTerms } from "./tinyConvTerms.ts";

const random = new Random(3);
const draw = (length: number) => Float64Array.from({ length }, () => 2 * random.next() - 1);
const square = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value ** 2, 0);

describe("projectKernel", () => {
  /** The mean over the rotations by coordinates: the weight at p goes to R p. */
  function byHand(weight: Float64Array, k: number, inner: number): Float64Array {
    const mean = new Float64Array(weight.length);
    const centre = (k - 1) / 2;
    const index = ([x, y, z]: readonly number[]) =>
      (Math.round(z! + centre) * k + Math.round(y! + centre)) * k + Math.round(x! + centre);
    for (const r of octahedralMatrices) {
      for (let at = 0; at < k ** 3; at++) {
        const p = [at % k, Math.floor(at / k) % k, Math.floor(at / k ** 2)].map((value) => value - centre);
        const moved = [0, 1, 2].map((i) => r[3 * i]! * p[0]! + r[3 * i + 1]! * p[1]! + r[3 * i + 2]! * p[2]!);
        for (let c = 0; c < inner; c++) mean[index(moved) * inner + c]! += weight[at * inner + c]! / 24;
      }
    }
    return mean;
  }

  it.each([1, 2, 3, 4])("of edge %i is the mean of the rotated kernels, in both precisions", (k) => {
    const weight = draw(k ** 3 * 6);
    const expected = byHand(weight, k, 6);
    const projected = projectKernel(weight, k);
    expect(projected).toBeInstanceOf(Float64Array);
    projected.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 14));
    const single = projectKernel(Float32Array.from(weight), k);
    expect(single).toBeInstanceOf(Float32Array);
    single.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
  });

  it("leaves as many free numbers as there are orbits", () => {
    expect([1, 2, 3, 4, 5].map(projectedDimension)).toEqual([1, 1, 4, 4, 10]);
    for (const k of [2, 3, 4]) {
      const values = new Set(Array.from(projectKernel(draw(k ** 3), k), (value) => value.toFixed(12)));
      expect(values.size).toBe(projectedDimension(k));
    }
  });
});

describe("theta_perp", () => {
  const { layout, weights } = tinyConvTerms("k4s2");
  const projected = projectWeights(layout, weights);
  const rest = weights.map((value, i) => value - projected[i]!);

  it("is what an orthogonal projection leaves", () => {
    projectWeights(layout, projected).forEach((value, i) => expect(value).toBeCloseTo(projected[i]!, 14));
    expect(square(projected) + square(rest)).toBeCloseTo(square(weights), 10);
    expect(projectWeights(layout, rest).every((value) => Math.abs(value) < 1e-15)).toBe(true);
    expect(projectWeights(layout, Float32Array.from(weights))).toBeInstanceOf(Float32Array);
  });

  it("has the norms of kernels, whole and by layer, and nothing of other weights", () => {
    const norms = perpendicularNorms(layout, weights);
    expect(norms.perpendicular).toBeCloseTo(Math.sqrt(square(rest)), 12);
    const kernels = layout.filter(({ kind }) => kind.startsWith("conv"));
    expect(norms.byLayer.map(({ layer }) => layer)).toEqual(["stem", "down", "up", "head"]);
    expect(norms.byLayer.map(({ edge }) => edge)).toEqual([3, 4, 4, 1]);
    kernels.forEach(({ offset, size }, i) => {
      const own = norms.byLayer[i]!;
      expect(own.weights).toBe(size);
      expect(own.norm).toBeCloseTo(Math.sqrt(square(weights.subarray(offset, offset + size))), 12);
      expect(own.perpendicular).toBeCloseTo(Math.sqrt(square(rest.subarray(offset, offset + size))), 12);
      expect(own.ratio).toBeCloseTo(own.perpendicular / own.norm, 12);
    });
    expect(norms.byLayer[3]!.perpendicular).toBeCloseTo(0, 15);
    expect(norms.norm).toBeCloseTo(Math.sqrt(square(norms.byLayer.map(({ norm }) => norm))), 12);
    expect(norms.untouched.weights + norms.weights).toBe(weights.length);
    expect(norms.untouched.norm ** 2 + norms.norm ** 2).toBeCloseTo(square(weights), 10);
    expect(norms.byLayer[0]!.randomRatio).toBeCloseTo(Math.sqrt(23 / 27), 14);
    expect(perpendicularNorms(layout, projected).ratio).toBeLessThan(1e-15);
    expect(perpendicularNorms(layout, Float32Array.from(weights)).ratio).toBeCloseTo(norms.ratio, 6);
    expect(JSON.parse(JSON.stringify(norms))).toEqual(norms);
  });

  it("has the ratio of random kernels where they are random", () => {
    const shape = [3, 3, 3, 16, 16];
    const slots = [3, 4].map((k, i) => {
      const size = k ** 3 * 256;
      return {
        name: `c${k}.weight`,
        kind: "conv" as const,
        shape: [k, k, k, ...shape.slice(3)],
        offset: i * 27 * 256,
        size,
      };
    });
    const norms = perpendicularNorms(slots, draw(91 * 256));
    expect(Math.abs(norms.ratio / norms.randomRatio - 1)).toBeLessThan(0.01);
    for (const { ratio, randomRatio } of norms.byLayer) expect(Math.abs(ratio / randomRatio - 1)).toBeLessThan(0.01);
  });

  it("is refused for a layout that does not fit", () => {
    const slot = layout[0]!;
    for (const wrong of [
      { ...slot, offset: weights.length },
      { ...slot, shape: [3, 3, 3, 1, 3] },
      { ...slot, shape: [1, 3, 9, 1, 2] },
    ]) {
      expect(() => projectWeights([wrong], weights)).toThrow(expect.objectContaining({ code: "bad-shape" }));
    }
  });
});
