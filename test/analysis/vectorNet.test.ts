import { describe, expect, it } from "vitest";
import { TERMS } from "../../src/analysis/lossTerms.ts";
import { decomposeSums } from "../../src/equivariance/estimators.ts";
import { Random } from "../../src/random.ts";
import { vectorNet } from "./vectorNet.ts";

const nets = [
  ["two layers", vectorNet()],
  ["one linear layer", vectorNet({ linear: true })],
  ["seven of 24 rotations", vectorNet({ rotations: 7 })],
] as const;

describe.each(nets)("%s", (_, terms) => {
  const random = new Random(3);
  const direction = terms.weights.map(() => random.normal());
  const moved = (by: number) => terms.weights.map((w, i) => w + by * direction[i]!);
  const losses = async (weights: Float64Array) => {
    const { lossTotal, lossMean, lossEquiv } = decomposeSums(await terms.sums(weights), terms.sampling);
    return { total: lossTotal, mean: lossMean, equiv: lossEquiv };
  };

  it.each(TERMS)("the gradient of %s is the slope of the loss", async (term) => {
    const h = 1e-5;
    const slope = ((await losses(moved(h)))[term] - (await losses(moved(-h)))[term]) / (2 * h);
    const gradient = await terms.gradient(term, terms.weights);
    expect(slope).toBeCloseTo(dot(gradient, direction), 6);
    expect(Math.abs(slope)).toBeGreaterThan(1e-3);
  });
});

it("an equivariant net has no L_equiv", async () => {
  const terms = vectorNet({ equivariant: true });
  const { lossEquiv, lossMean } = decomposeSums(await terms.sums(terms.weights), terms.sampling);
  expect(lossEquiv).toBeLessThan(1e-25);
  expect(lossMean).toBeGreaterThan(0.1);
});

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
