import { describe, expect, it } from "vitest";
import { ratioInterval } from "../../src/equivariance/intervals.ts";
import { ratioOfSums } from "../../src/equivariance/estimators.ts";
import { Random } from "../../src/random.ts";

/** The share in percent of data sets of n structures, sizes varying threefold, whose interval holds the mean. */
function coverage(n: number, sigma: number, sets: number): number {
  const random = new Random(1000 * n + 10 * sigma);
  const truth = Math.exp(sigma ** 2 / 2);
  let held = 0;
  for (let set = 0; set < sets; set++) {
    const sizes = Array.from({ length: n }, () => 10 + random.int(21));
    const losses = sizes.map((size) => size * Math.exp(sigma * random.normal()));
    const { low, high } = ratioInterval(losses, sizes);
    if (low <= truth && truth <= high) held++;
  }
  return (100 * held) / sets;
}

describe("ratioInterval", () => {
  it.each([
    [32, 0.5],
    [32, 1],
    [256, 0.5],
    [256, 1],
  ])("holds the truth in 93 to 97 of 100 data sets of %i structures, sigma %f", (n, sigma) => {
    const share = coverage(n, sigma, n > 100 ? 400 : 1000);
    // 400 data sets tell a share with a standard error of 1.1 %.
    const slack = n > 100 ? 2.2 : 0;
    expect(share).toBeGreaterThanOrEqual(93 - slack);
    expect(share).toBeLessThanOrEqual(97 + slack);
  });

  it("has the linearised error, and t's interval of the logarithm where structures are many", () => {
    const random = new Random(3);
    const below = Array.from({ length: 3000 }, () => 1 + random.next());
    const above = below.map((size) => size * (2 + random.normal()));
    const { value, stdErr, low, high } = ratioInterval(above, below);
    expect({ value, stdErr }).toEqual(ratioOfSums(above, below));
    expect(low).toBeCloseTo(value * Math.exp((-1.9608 * stdErr) / value), 4);
    expect(high).toBeCloseTo(value * Math.exp((1.9608 * stdErr) / value), 4);
    // The same with resampling, as these are not skewed.
    const few = ratioInterval(above.slice(0, 1000), below.slice(0, 1000));
    expect((few.high - few.low) / (2 * 1.962 * few.stdErr)).toBeCloseTo(1, 1);
  });

  it("is the same for the same values, and takes negative and equal ones", () => {
    const above = [1, -2, 0.5, -0.25, 3, -1];
    const found = ratioInterval(above, [1, 1, 1, 1, 1, 1]);
    expect(ratioInterval(above, [1, 1, 1, 1, 1, 1])).toEqual(found);
    expect(found.low).toBeLessThan(0);
    expect(found.high).toBeGreaterThan(found.value);
    expect(ratioInterval([2, 4, 6], [1, 2, 3])).toEqual({ value: 2, stdErr: 0, low: 2, high: 2 });
    expect(ratioInterval([2], [1]).low).toBeNaN();
    expect(ratioInterval([0, 0], [0, 0]).low).toBeNaN();
  });
});
