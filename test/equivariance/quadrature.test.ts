import { describe, expect, it } from "vitest";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { rotatePoints, type Rotation } from "../../src/equivariance/groups.ts";
import { lebedevPoints } from "../../src/equivariance/lebedev.ts";
import { absoluteError } from "../../src/equivariance/losses.ts";
import { determinant } from "../../src/equivariance/matrices.ts";
import { measureEquivariance } from "../../src/equivariance/measure.ts";
import { octahedralElement } from "../../src/equivariance/octahedral.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";
import { weightedTerms } from "../../src/equivariance/weightedTerms.ts";
import { expectClose, randomArray } from "../harness.ts";

const bad: unknown = expect.objectContaining({ code: "bad-option" });
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The trace of D^l(R^T S), by the angle of that rotation. */
function character(l: number, r: Rotation, s: Rotation): number {
  const trace = r.reduce((total, value, i) => total + value * s[i]!, 0);
  const w = Math.acos(Math.min(1, Math.max(-1, (trace - 1) / 2)));
  return w < 1e-7 ? 2 * l + 1 : Math.sin(((2 * l + 1) * w) / 2) / Math.sin(w / 2);
}

describe.each([3, 5, 7, 9, 11] as const)("the quadrature of degree %i", (degree) => {
  const rule = quadrature(degree);
  const [rotations, weights] = [rule.enumerate!(), rule.weights!];
  const random = new Random(degree);
  // The mean of D^l is 0 where its products with all D^l(S) have the trace 0.
  const others = Array.from({ length: 12 }, () => haarRotation(random));
  const worst = (l: number) =>
    Math.max(...others.map((s) => Math.abs(sum(rotations.map((r, i) => weights[i]! * character(l, r, s))))));

  it("has proper rotations and positive weights with the sum 1", () => {
    const points = { 3: 6, 5: 14, 7: 26, 9: 38, 11: 50 }[degree];
    expect([lebedevPoints(degree).length, rotations.length, rule.order]).toEqual([
      points,
      points * (degree + 1),
      points * (degree + 1),
    ]);
    expect(new Set(rotations.map((rotation) => rotation.map((value) => value.toFixed(9)).join())).size).toBe(
      rule.order,
    );
    expect(Math.min(...weights)).toBeGreaterThan(0);
    expect(sum([...weights])).toBeCloseTo(1, 13);
    for (const rotation of rotations) {
      expect(determinant(rotation)).toBeCloseTo(1, 13);
      expectClose(rotatePoints(rotation, Float64Array.from(rotation)), [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-13);
    }
  });

  it("integrates Wigner's matrices to its degree, and not the next", () => {
    for (let l = 1; l <= degree; l++) expect(worst(l)).toBeLessThan(1e-12);
    expect(worst(degree + 1)).toBeGreaterThan(1e-3);
  });

  it("comes as a whole alone", () => {
    expect(rule.sample(random, rule.order)).toEqual(rotations);
    expect(() => rule.sample(random, rule.order - 1)).toThrow(bad);
  });
});

describe("a quadrature", () => {
  it("of degree 3 are the rotations of the cube; others than the known degrees are refused", () => {
    expect(new Set(quadrature(3).enumerate!().map(octahedralElement))).toEqual(
      new Set(Array.from({ length: 24 }).keys()),
    );
    for (const degree of [0, 4, 13, undefined]) expect(() => quadrature(degree as never)).toThrow(bad);
  });

  it("measures a model of degree 2 exactly, with nothing drawn", async () => {
    // z e_x of each atom: mu is 0, and L_equiv a third of the mean square.
    const samples = [1, 2, 3, 4, 5].map((seed) => ({
      input: randomArray(12, seed),
      target: randomArray(12, seed + 9),
    }));
    const model = (x: ArrayLike<number>) => Float64Array.from(x, (_, i) => (i % 3 === 0 ? x[i + 2]! : 0));
    const options = { group: quadrature(5), input: { kind: "vectors" } } as const;
    const measured = await measureEquivariance(model, samples, options);
    const square = (name: "input" | "target") =>
      sum(samples.flatMap((sample) => [...sample[name]].map((value) => (value * value) / 60)));
    expect(measured.rotations).toBe(84);
    expect(measured.lossEquiv).toBeCloseTo(square("input") / 3, 6);
    expect(measured.lossMean).toBeCloseTo(square("target"), 6);
    expect(measured.lossTotal).toBeCloseTo(measured.lossMean + measured.lossEquiv, 12);
    expect(measured.gains).toEqual([]);
    await expect(measureEquivariance(model, samples, { ...options, twirl: 24 })).rejects.toThrow(bad);
  });

  it("weighs predictions that were made elsewhere, for other losses too", () => {
    const [predictions, target, weights] = [
      [0, 2, 1, 3],
      [1, 1],
      [0.25, 0.75],
    ];
    const squared = decompose(predictions, target, { terms: weightedTerms(weights) });
    expectClose([squared.lossTotal, squared.lossMean, squared.lossEquiv], [1.75, 1.5625, 0.1875], 1e-12);
    const absolute = decompose(predictions, target, { terms: weightedTerms(weights), loss: absoluteError });
    expect(absolute.lossTotal).toBeCloseTo(1, 12);
    expect(absolute.lossMean).toBeCloseTo((0.25 + 1.75) / 2, 12);
    expect(absolute.lossEquiv).toBeCloseTo(0, 12);
  });

  it("takes weights that are positive, one each, with the sum 1", () => {
    for (const weights of [[], [0.5, 0.6], [1.5, -0.5], 2]) expect(() => weightedTerms(weights as never)).toThrow(bad);
    const one = () => decompose([1, 2], [1], { terms: weightedTerms([1]) });
    expect(one).toThrow(expect.objectContaining({ code: "bad-shape" }));
  });
});
