import { expect, test } from "vitest";
import { difference, halvesRatio, mannWhitney } from "../../bench/difference.ts";
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
  const trials = Array.from({ length: 80 }, () => difference(times(random, 1), times(random, 1.1)));
  const held = trials.filter(({ low, high }) => low < 1.1 && high > 1.1).length;
  expect(held).toBeGreaterThanOrEqual(75);
  expect(trials.every(({ low, ratio, high }) => low <= ratio && ratio <= high)).toBe(true);
  const [a, b] = [times(random, 1), times(random, 1.1)];
  expect(difference(a, b)).toEqual(difference(a, b));
  expect(difference([1, 2, 3, 4], [1, 2, 3, 4]).smallestP).toBeCloseTo(2 / 70, 12);
});
