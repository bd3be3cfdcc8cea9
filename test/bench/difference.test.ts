import { expect, test } from "vitest";
import { difference, halvesRatio, mannWhitney } from "../../bench/difference.ts";
import { boundsOfKept, boundsOfMoments, boundsOfSamples, keptRanks } from "../../bench/sampleBounds.ts";
import { median } from "../../src/quantiles.ts";
import { Random } from "../../src/random.ts";
import { times } from "./sampleRecords.ts";

test("ratio of halves", () => {
  expect(halvesRatio([1, 1, 9, 2, 2])).toBe(2);
  expect(halvesRatio([1, 2, 3])).toBe(1);
});

test("Mann-Whitney: exact by hand, with ties, and the same for both orders", () => {
  // Of the 20 ways to choose 3 ranks of 6, the two outermost.
  expect(mannWhitney([1, 2, 3], [4, 5, 6])).toBeCloseTo(2 / 20, 12);
  // Sums of 2 of the ranks 1 2 3 4: 3 4 5 5 6 7; seen 4, mean 5: all but the two fives are as far away.
  expect(mannWhitney([1, 3], [2, 4])).toBeCloseTo(4 / 6, 12);
  // Ranks 1.5 1.5 3 4; sums 3 4.5 5.5 4.5 5.5 7, seen 3.
  expect(mannWhitney([1, 1], [2, 3])).toBeCloseTo(2 / 6, 12);
  expect(mannWhitney([5, 5, 5], [5, 5])).toBe(1);
  const [a, b] = [times(new Random(1), 1), times(new Random(2), 1.03)];
  expect(mannWhitney(a, b)).toBeCloseTo(mannWhitney(b, a), 12);
});

test("the normal approximation agrees with the exact count, with ties and without", () => {
  const random = new Random(5);
  for (const shift of [1, 1.01, 1.02, 1.03]) {
    for (const digits of [2, 12]) {
      const [a, b] = [1, shift].map((centre) => times(random, centre).map((time) => Number(time.toFixed(digits))));
      const exact = mannWhitney(a!, b!);
      expect(exact).toBeGreaterThan(1e-6);
      expect(Math.abs(mannWhitney(a!, b!, 0) - exact)).toBeLessThan(0.003 + 0.05 * exact);
    }
  }
});

test("p of samples of one distribution is uniform enough: below 0.05 and 0.01 as often as it says", () => {
  for (const count of [8, 25]) {
    const random = new Random(7);
    const ps = Array.from({ length: 1000 }, () => mannWhitney(times(random, 1, count), times(random, 1, count)));
    const share = (level: number) => ps.filter((p) => p < level).length / ps.length;
    // Binomial scatter: 0.007 and 0.003.
    expect(share(0.05)).toBeGreaterThan(0.025);
    expect(share(0.05)).toBeLessThan(0.075);
    expect(share(0.01)).toBeLessThan(0.022);
  }
});

test("the bootstrap interval holds the true ratio, and is the same each time", () => {
  const random = new Random(11);
  const pair = () => [boundsOfSamples(times(random, 1)), boundsOfSamples(times(random, 1.1))] as const;
  const trials = Array.from({ length: 80 }, () => difference(...pair()));
  const held = trials.filter(({ low, high }) => low < 1.1 && high > 1.1).length;
  expect(held).toBeGreaterThanOrEqual(75);
  const [a, b] = pair();
  expect(difference(a, b)).toEqual(difference(a, b));
  const four = boundsOfSamples([4, 3, 2, 1]);
  expect(difference(four, four)).toMatchObject({ p: 1, smallestP: expect.closeTo(2 / 70, 12) });
});

/** A pair of samples with the bounds that a condensed record, or another tool's aggregates, leave of each. */
function pairs(count: number, shift: number, seed: number) {
  const random = new Random(seed);
  const samples = [times(random, 1, count), times(random, shift, count + 10)];
  return samples.map((values) => {
    const sorted = [...values].sort((x, y) => x - y);
    const n = values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const stddev = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
    const kept = keptRanks(n).map((rank) => sorted[rank]!);
    return {
      exact: boundsOfSamples(values),
      kept: n === kept.length ? boundsOfSamples(kept) : boundsOfKept(kept, n, median(values)),
      moments: boundsOfMoments(n, median(values), { mean, stddev }),
    };
  });
}

test("what bounds say holds of the samples: no change is told, and none denied, that these do not", () => {
  const seen = { differs: 0, denied: 0 };
  for (let seed = 0; seed < 40; seed++) {
    const [a, b] = pairs(5 + 3 * (seed % 17), 1 + 0.02 * (seed % 5), seed);
    const exact = difference(a!.exact, b!.exact);
    for (const how of ["kept", "moments"] as const) {
      for (const other of [a!.exact, a![how]]) {
        const bound = difference(other, b![how]);
        expect(bound.p).toBeGreaterThanOrEqual(exact.p - 1e-9);
        expect(bound.low).toBeLessThanOrEqual(exact.low + 1e-9);
        expect(bound.high).toBeGreaterThanOrEqual(exact.high - 1e-9);
        if (bound.differs) expect(exact.differs).toBe(true);
        if (exact.differs) expect(bound.mayDiffer).toBe(true);
        seen.differs += bound.differs ? 1 : 0;
        seen.denied += bound.mayDiffer ? 0 : 1;
      }
    }
  }
  // Both happen often enough to be of use.
  expect(seen.differs).toBeGreaterThan(40);
  expect(seen.denied).toBeGreaterThan(10);
});
