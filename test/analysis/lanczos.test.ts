import { describe, expect, it } from "vitest";
import { Lanczos } from "../../src/analysis/lanczos.ts";
import { Random } from "../../src/random.ts";
import { denseOperator, jacobiEigenvalues, type Matrix } from "./dense.ts";

/** A symmetric matrix with these eigenvalues, by Householder reflections. */
function withEigenvalues(values: readonly number[], random: Random): Matrix {
  let rows = values.map((value, i) => Float64Array.from(values, (_, j) => (i === j ? value : 0)));
  for (let turn = 0; turn < 3; turn++) {
    const u = Float64Array.from(values, () => random.normal());
    const square = u.reduce((sum, x) => sum + x * x, 0);
    const reflect = (x: Float64Array) => {
      const along = (2 * x.reduce((sum, value, i) => sum + value * u[i]!, 0)) / square;
      return x.map((value, i) => value - along * u[i]!);
    };
    rows = rows.map(reflect);
    rows = rows.map((_, j) => reflect(Float64Array.from(rows, (row) => row[j]!)));
  }
  return rows;
}

function lanczos(matrix: Matrix, seed = 1): Lanczos {
  const random = new Random(seed);
  return new Lanczos(
    denseOperator(matrix),
    Float64Array.from(matrix, () => random.normal()),
    random,
  );
}

const decaying = Array.from({ length: 80 }, (_, k) => 100 * 0.8 ** k - 1e-3 * k);

describe("as many steps as there are numbers", () => {
  it("give all eigenvalues, once each", async () => {
    const run = lanczos(withEigenvalues(decaying, new Random(2)));
    while (!run.complete) await run.step();
    expect(run.steps).toBe(80);
    const expected = [...decaying].sort((a, b) => b - a);
    run.ritzValues().forEach(({ value }, k) => expect(value).toBeCloseTo(expected[k]!, 10));
  });

  it("give those of higher multiplicity as often as they are there", async () => {
    const values = [5, 5, 5, 2, 2, 0, 0, 0, 0, -1];
    const run = lanczos(withEigenvalues(values, new Random(3)));
    while (!run.complete) await run.step();
    const found = run.ritzValues();
    found.forEach(({ value }, k) => expect(value).toBeCloseTo(values[k]!, 10));
    expect(found.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
  });

  it("are enough for a matrix of zeros", async () => {
    const run = lanczos([new Float64Array(2), new Float64Array(2)]);
    while (!run.complete) await run.step();
    await run.step();
    expect(run.ritzValues().map(({ value }) => value)).toEqual([0, 0]);
  });
});

describe("30 steps of 80", () => {
  const matrix = withEigenvalues(decaying, new Random(4));

  it("give the extreme eigenvalues and their vectors, and residuals that bound their errors", async () => {
    const run = lanczos(matrix);
    for (let i = 0; i < 30; i++) await run.step();
    const ritz = run.ritzValues();
    const expected = jacobiEigenvalues(matrix);
    for (const k of [0, 1, 4, 9]) expect(ritz[k]!.value / expected[k]!).toBeCloseTo(1, 8);
    const vector = run.ritzVector(0);
    const product = await denseOperator(matrix).multiply(vector);
    const miss = product.map((value, i) => value - ritz[0]!.value * vector[i]!);
    expect(Math.hypot(...miss)).toBeLessThan(1e-8);
    for (const { value, residual } of ritz) {
      const nearest = Math.min(...expected.map((eigenvalue) => Math.abs(eigenvalue - value)));
      expect(nearest).toBeLessThanOrEqual(residual + 1e-10);
    }
  });

  it("have weights that are Gauss quadrature of the start vector's moments", async () => {
    const random = new Random(5);
    const start = Float64Array.from(matrix, () => random.normal());
    const run = new Lanczos(denseOperator(matrix), start, random);
    for (let i = 0; i < 4; i++) await run.step();
    let power: Float64Array = start;
    const square = start.reduce((sum, x) => sum + x * x, 0);
    for (let moment = 0; moment < 8; moment++) {
      const expected = start.reduce((sum, x, i) => sum + x * power[i]!, 0) / square;
      const found = run.ritzValues().reduce((sum, { value, weight }) => sum + weight * value ** moment, 0);
      expect(found / expected).toBeCloseTo(1, 9);
      power = await denseOperator(matrix).multiply(power);
    }
  });
});

it("keeps what it knows when a product fails, and refuses one that is not finite", async () => {
  const operator = denseOperator(withEigenvalues([3, 2, 1], new Random(6)));
  let fail = false;
  const multiply = async (v: Float64Array) => (fail ? v.map(() => NaN) : operator.multiply(v));
  const run = new Lanczos({ ...operator, multiply }, new Float64Array([1, 1, 1]), new Random(1));
  await run.step();
  const known = run.ritzValues();
  fail = true;
  await expect(run.step()).rejects.toMatchObject({ code: "not-finite" });
  expect(run.ritzValues()).toEqual(known);
  fail = false;
  await run.step();
  expect(run.steps).toBe(2);
});
