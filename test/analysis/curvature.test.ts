import { describe, expect, it } from "vitest";
import { curvature } from "../../src/analysis/curvature.ts";
import { gaussNewton, hessian } from "../../src/analysis/hessian.ts";
import { TERMS } from "../../src/analysis/lossTerms.ts";
import { denseHessian, denseOperator, jacobiEigenvalues, type Matrix } from "./dense.ts";
import { inSingle } from "./inSingle.ts";
import { vectorNet } from "./vectorNet.ts";

const terms = vectorNet();
const size = terms.weights.length;
const dense = {
  total: await denseHessian(terms, "total"),
  mean: await denseHessian(terms, "mean"),
  equiv: await denseHessian(terms, "equiv"),
};
const traceOf = (matrix: Matrix) => matrix.reduce((sum, row, i) => sum + row[i]!, 0);

describe.each(TERMS)("the Hessian of %s", (term) => {
  const eigenvalues = jacobiEigenvalues(dense[term]);

  it("has its eigenvalues after as many products as there are weights", async () => {
    const ks = eigenvalues.map((_, k) => k + 1);
    const all = await curvature(denseOperator(dense[term]), { products: size, probes: 1, lambdas: ks });
    expect(all.lambdas).toHaveLength(size);
    all.lambdas.forEach(({ k, value }) => expect(value).toBeCloseTo(eigenvalues[k - 1]!, 10));
  });

  it("has its extreme ones after 30, from gradients in f32", async () => {
    const found = await curvature(hessian(inSingle(terms), term), { probes: 1 });
    expect(found.lambdaMax / eigenvalues[0]!).toBeCloseTo(1, 2);
    expect(Math.abs(found.lambdaMax / eigenvalues[0]! - 1)).toBeLessThan(0.01);
    expect(Math.abs(found.lambdaMin / eigenvalues.at(-1)! - 1)).toBeLessThan(0.05);
    expect(Math.abs(found.lambdas[0]!.value / eigenvalues[1]! - 1)).toBeLessThan(0.02);
    expect(found.lambdas.map(({ k }) => k)).toEqual([2, 5, 10]);
    expect(found.lambdas[1]!.maxOverLambda).toBe(found.lambdaMax / found.lambdas[1]!.value);
    // What it says of its own error is of the right size.
    expect(Math.abs(found.lambdaMax - eigenvalues[0]!)).toBeLessThan(found.lambdaMaxStepError! + found.lambdaMaxBound);
    expect(found.lambdaMaxResidual).toBeLessThan(0.01 * found.lambdaMax);
    expect(found.productStepError).toBeLessThan(0.02);
    expect(found.products).toBe(32);
    expect(found.gradients).toBe(64);
  });
});

describe("the Hessian of a term", () => {
  const matrix = dense.equiv;
  const eigenvalues = jacobiEigenvalues(matrix);

  it("has its trace without bias, and within the standard error as often as it should be", async () => {
    const exact = traceOf(matrix);
    const runs = [];
    for (let seed = 0; seed < 150; seed++) {
      runs.push(await curvature(denseOperator(matrix), { products: 1, probes: 8, seed: 2 * seed }));
    }
    const scores = runs.map(({ trace, traceStdErr }) => (trace - exact) / traceStdErr);
    const mean = runs.reduce((sum, { trace }) => sum + trace, 0) / runs.length;
    const spread = Math.sqrt(runs.reduce((sum, { trace }) => sum + (trace - mean) ** 2, 0) / (runs.length - 1));
    expect(Math.abs(mean - exact)).toBeLessThan((4 * spread) / Math.sqrt(runs.length));
    // Student's t with seven degrees of freedom is within 2.36 in 95 of 100 cases.
    const within = scores.filter((score) => Math.abs(score) < 2.36).length / scores.length;
    expect(within).toBeGreaterThan(0.88);
    expect(within).toBeLessThan(0.995);
  });

  it("has a density of mass 1 whose mean is the trace's share", async () => {
    const options = { products: 16, probes: 4, density: { steps: 12, points: 400 } };
    const { density, trace, lambdaMax, lambdaMin } = await curvature(denseOperator(matrix), options);
    const { axis, values, stdErrs, probes, smoothing } = density!;
    const spacing = axis[1]! - axis[0]!;
    const mass = values.reduce((sum, value) => sum + value * spacing, 0);
    const mean = values.reduce((sum, value, i) => sum + value * axis[i]! * spacing, 0);
    expect(mass).toBeCloseTo(1, 5);
    expect(mean).toBeCloseTo(trace / size, 5);
    expect(axis).toHaveLength(400);
    expect(probes).toBe(4);
    expect(stdErrs.every((error) => error >= 0)).toBe(true);
    expect(axis[0]).toBeLessThan(lambdaMin);
    expect(axis.at(-1)).toBeGreaterThan(lambdaMax);
    expect(smoothing).toBeCloseTo((lambdaMax - lambdaMin) / 100, 6);
  });

  it("has the share of negative eigenvalues that it has", async () => {
    const options = { products: size, probes: 20, density: { steps: size } };
    const { negativeShare, negativeShareStdErr } = await curvature(denseOperator(matrix), options);
    const below = eigenvalues.reduce((sum, value) => sum + Math.max(0, -value), 0);
    const exact = below / eigenvalues.reduce((sum, value) => sum + Math.abs(value), 0);
    expect(exact).toBeGreaterThan(0.001);
    expect(Math.abs(negativeShare - exact)).toBeLessThan(3.5 * negativeShareStdErr);
    expect(negativeShareStdErr).toBeLessThan(exact / 4);
  });

  it("counts the eigenvalues from a fraction of the largest on", async () => {
    const fractions = [1e-9, 0.1, 0.5];
    const options = { products: size, probes: 40, density: { steps: size }, fractions };
    const { counts, lambdaMax } = await curvature(denseOperator(matrix), options);
    expect(counts!.map(({ fraction }) => fraction)).toEqual(fractions);
    for (const { fraction, count, stdErr } of counts!) {
      const exact = eigenvalues.filter((value) => value >= fraction * lambdaMax).length;
      expect(exact).toBeGreaterThan(0);
      expect(Math.abs(count - exact)).toBeLessThan(4 * stdErr);
      expect(stdErr).toBeLessThan(exact / 2);
    }
  });
});

it("the density of a matrix of two eigenvalues has a peak on each", async () => {
  const matrix = Array.from({ length: 20 }, (_, i) => Float64Array.from({ length: 20 }, (_, j) => +(i === j && i < 5)));
  const { density } = await curvature(denseOperator(matrix), { products: 5, probes: 10, density: {} });
  const { axis, values } = density!;
  const spacing = axis[1]! - axis[0]!;
  const mass = (from: number, to: number) =>
    values.reduce((sum, value, i) => sum + (axis[i]! > from && axis[i]! < to ? value * spacing : 0), 0);
  // Entries of +-1 have exactly the same part in each.
  expect(mass(0.9, 1.1)).toBeCloseTo(0.25, 6);
  expect(mass(-0.1, 0.1)).toBeCloseTo(0.75, 6);
});

it("leading eigenvectors are given on demand", async () => {
  const operator = denseOperator(dense.total);
  const { vectors, lambdas, lambdaMax } = await curvature(operator, { products: 60, probes: 1, vectors: 2 });
  expect(vectors).toHaveLength(2);
  for (const [k, value] of [lambdaMax, lambdas[0]!.value].entries()) {
    const product = await operator.multiply(vectors[k]!);
    product.forEach((x, i) => expect(x).toBeCloseTo(value * vectors[k]![i]!, 6));
  }
});

it("products without an error of differences say nothing of one", async () => {
  const found = await curvature(gaussNewton(terms, "equiv"), { products: 20, probes: 2 });
  expect(found).not.toHaveProperty("lambdaMaxStepError");
  expect(found).not.toHaveProperty("density");
  expect(found.products).toBe(22);
  expect(found.lambdaMaxResidual).toBeCloseTo(found.lambdaMaxBound, 6);
  expect(found.negativeShare).toBeLessThan(1e-12);
  expect(found.vectors).toEqual([]);
});

it("refuses numbers that cannot be", async () => {
  const operator = denseOperator(dense.total);
  await expect(curvature(operator, { products: 0 })).rejects.toThrow(/^products is 0/);
  await expect(curvature({} as typeof operator)).rejects.toThrow(/^operator is a plain object/);
  await expect(curvature(operator, { probes: 1.5 })).rejects.toThrow(/^probes is 1.5/);
  await expect(curvature(operator, { density: { points: 1 } })).rejects.toThrow(/^density.points is 1/);
  await expect(curvature(operator, { density: { smoothing: -1 } })).rejects.toThrow(/^density.smoothing is -1/);
  await expect(curvature(operator, { lambdas: [0] })).rejects.toThrow(/^lambdas\[0\] is 0/);
});
