import { describe, expect, it } from "vitest";
import { gaussNewton, hessian } from "../../src/analysis/hessian.ts";
import { TERMS } from "../../src/analysis/lossTerms.ts";
import { Random } from "../../src/random.ts";
import { denseHessian, denseOf, denseOperator, jacobiEigenvalues } from "./dense.ts";
import { inSingle, rescaled } from "./inSingle.ts";
import { vectorNet } from "./vectorNet.ts";

const terms = vectorNet();
const dense = {
  total: await denseHessian(terms, "total"),
  mean: await denseHessian(terms, "mean"),
  equiv: await denseHessian(terms, "equiv"),
};
const random = new Random(7);
const vector = terms.weights.map(() => random.normal());
const length = (v: Float64Array) => Math.hypot(...v);
const minus = (a: Float64Array, b: Float64Array) => a.map((value, i) => value - b[i]!);

describe("a product with the Hessian", () => {
  it.each(TERMS)("of %s is that of the whole matrix", async (term) => {
    const expected = await denseOperator(dense[term]).multiply(vector);
    const found = await hessian(terms, term, { step: 1e-4 }).multiply(vector);
    expect(length(minus(found, expected)) / length(expected)).toBeLessThan(1e-6);
  });

  it("of the loss is the sum of its terms'", async () => {
    const [total, mean, equiv] = await Promise.all(TERMS.map((term) => hessian(terms, term).multiply(vector)));
    total!.forEach((value, i) => expect(value).toBeCloseTo(mean![i]! + equiv![i]!, 9));
  });

  it("does not depend on the vector's length, and is 0 for 0", async () => {
    const operator = hessian(terms, "total");
    const one = await operator.multiply(vector);
    const large = await operator.multiply(vector.map((value) => 1e4 * value));
    large.forEach((value, i) => expect(value / 1e4).toBeCloseTo(one[i]!, 9));
    expect(length(await operator.multiply(vector.map(() => 0)))).toBe(0);
  });

  it("of some samples is theirs alone", async () => {
    const parts = [
      { from: 0, to: 1 },
      { from: 1, to: 3 },
    ];
    const [one, rest, all] = await Promise.all(
      [...parts, {}].map((part) => hessian(vectorNet({ samples: 3 }), "equiv", part).multiply(vector)),
    );
    all!.forEach((value, i) => expect(value).toBeCloseTo((one![i]! + 2 * rest![i]!) / 3, 9));
  });

  it("at the default step has an error that the second step tells", async () => {
    const exact = denseOperator(dense.total);
    const axis = terms.weights.map((_, i) => (i === 0 ? 1 : 0));
    for (const v of [vector, axis]) {
      const [expected, found] = [await exact.multiply(v), await hessian(terms, "total").multiply(v)];
      const told = length(minus(found, await hessian(terms, "total").other!.multiply(v)));
      const error = length(minus(found, expected));
      expect(told / error).toBeGreaterThan(2.5);
      expect(told / error).toBeLessThan(3.5);
      expect(error / length(expected)).toBeLessThan(0.01);
    }
  });

  it("refuses a step that is none", () => {
    expect(() => hessian(terms, "total", { step: 0 })).toThrow(/^step is 0/);
  });
});

describe("gradients in f32", () => {
  const layers = [
    ["as they are", terms],
    ["of very different sizes", rescaled(terms, [1000, 1, 0.001, 1])],
  ] as const;

  it.each(layers)("give products within 1 %, layers %s", async (_, scaled) => {
    const exact = denseOperator(dense.total);
    const factors = scaled.weights.map((w, i) => w / terms.weights[i]!);
    const single = hessian(inSingle(scaled), "total");
    for (let trial = 0; trial < 5; trial++) {
      // In terms of the weights as they are: H' = F^-1 H F^-1.
      const v = terms.weights.map(() => random.normal());
      const product = await single.multiply(v.map((value, i) => value * factors[i]!));
      const found = product.map((value, i) => value * factors[i]!);
      const expected = await exact.multiply(v);
      expect(length(minus(found, expected)) / length(expected)).toBeLessThan(0.01);
    }
  });
});

describe("the Gauss-Newton matrix", () => {
  it.each(TERMS)("of %s is the Hessian where predictions are linear in the weights", async (term) => {
    const linear = vectorNet({ linear: true, rotations: 7 });
    const matrix = await denseHessian(linear, term);
    const found = await gaussNewton(linear, term).multiply(vector.slice(0, linear.weights.length));
    const expected = await denseOperator(matrix).multiply(vector.slice(0, linear.weights.length));
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 8));
  });

  it.each(TERMS)("of %s is the Hessian where nothing is left to learn", async (term) => {
    const solved = vectorNet({ equivariant: true, solved: true });
    const matrix = await denseHessian(solved, term);
    const found = await gaussNewton(solved, term).multiply(vector);
    const expected = await denseOperator(matrix).multiply(vector);
    expect(length(minus(found, expected)) / length(expected)).toBeLessThan(1e-7);
  });

  it.each(["total", "equiv"] as const)("of %s has no negative eigenvalue, and the Hessian has", async (term) => {
    const operator = gaussNewton(terms, term);
    const whole = await denseOf(operator.size, (v) => operator.multiply(v));
    const least = jacobiEigenvalues(whole).at(-1)!;
    expect(least).toBeGreaterThan(-1e-12);
    expect(jacobiEigenvalues(dense[term]).at(-1)).toBeLessThan(-1e-3);
  });
});

it("the Hessian of L_equiv has no negative eigenvalue where a net is exactly equivariant", async () => {
  const equivariant = vectorNet({ equivariant: true });
  const values = jacobiEigenvalues(await denseHessian(equivariant, "equiv"));
  expect(values[0]).toBeGreaterThan(0.1);
  expect(values.at(-1)).toBeGreaterThan(-1e-9);
  // The mean term of the same net has some: nothing of the loss as a whole makes it so.
  expect(jacobiEigenvalues(await denseHessian(equivariant, "mean")).at(-1)).toBeLessThan(-1e-3);
});
