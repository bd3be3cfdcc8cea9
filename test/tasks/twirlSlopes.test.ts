import { describe, expect, it } from "vitest";
import { decomposeSums, type Sampling } from "../../src/equivariance/estimators.ts";
import { TERMS, type Term } from "../../src/analysis/lossTerms.ts";
import { absoluteError, huber, squaredError, type Loss } from "../../src/equivariance/losses.ts";
import { exactSums, sampleTerms, squaredSums } from "../../src/equivariance/sampleTerms.ts";
import { Random } from "../../src/random.ts";
import { twirlSlopes } from "../../src/tasks/twirlSlopes.ts";
import { isSquared, termWeights } from "../../src/tasks/termLoss.ts";

const LOSSES = { total: "lossTotal", mean: "lossMean", equiv: "lossEquiv" } as const;
const elements = 5;

function values(length: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length }, () => random.normal());
}

describe.each([
  ["squared", squaredError, 24],
  ["squared", squaredError, 7],
  ["absolute", absoluteError, 24],
  ["huber", huber({ delta: 0.4 }), 24],
] as const)("the slopes of the %s error's terms", (_, loss: Loss, rotations) => {
  const sampling: Sampling = { rotations, elements, groupOrder: 24 };
  const target = values(elements, 1);
  const predictions = values(elements * rotations, 2);
  const lossOf = (term: Term, at: Float64Array) => {
    const sample = { predictions: at, target, rotations };
    const sums = isSquared(loss)
      ? squaredSums(sample)
      : exactSums(sampleTerms(loss, { ...sample, groupOrder: 24 }, 0), rotations);
    return elements * decomposeSums([sums], sampling)[LOSSES[term]];
  };

  it.each(TERMS)("are the differences of %s", (term) => {
    const slopes = twirlSlopes({ predictions, target, loss, factors: termWeights(term, sampling, loss) });
    const h = 1e-6;
    for (const at of [0, 3, elements * rotations - 1]) {
      const moved = (by: number) => predictions.map((value, i) => (i === at ? value + by : value));
      expect(slopes[at]).toBeCloseTo((lossOf(term, moved(h)) - lossOf(term, moved(-h))) / (2 * h), 6);
    }
  });
});
