import { expect, it } from "vitest";
import { estimate, ratio } from "../../src/experiments/statistics.ts";

it("gives a mean over seeds with the t interval of so few", () => {
  const found = estimate([1, 2, 3]);
  expect(found).toMatchObject({ seeds: 3, mean: 2 });
  expect(found.stdErr).toBeCloseTo(1 / Math.sqrt(3), 12);
  expect(found.high - 2).toBeCloseTo(4.303 / Math.sqrt(3), 12);
  expect(2 - found.low).toBeCloseTo(found.high - 2, 12);
});

it("goes over into the normal distribution's, without a step after the table", () => {
  const width = (seeds: number) => {
    const { stdErr, high, mean } = estimate(Array.from({ length: seeds }, (_, i) => i % 2));
    return (high - mean) / stdErr;
  };
  // t quantiles of 30, 31 and 999 degrees of freedom.
  expect(width(31)).toBeCloseTo(2.042, 3);
  expect(width(32)).toBeCloseTo(2.04, 2);
  expect(width(1000)).toBeCloseTo(1.962, 3);
});

it("knows no error of one seed, and nothing of none", () => {
  expect(estimate([5])).toEqual({ seeds: 1, mean: 5, stdErr: NaN, low: NaN, high: NaN });
  expect(estimate([]).mean).toBe(NaN);
});

it("takes ratios pair by pair", () => {
  const found = ratio([2, 20, 200], [1, 10, 100]);
  expect(found.mean).toBeCloseTo(2, 12);
  expect(found.low).toBeCloseTo(2, 9);
  const other = ratio([2, 8], [1, 1]);
  expect(other.mean).toBeCloseTo(4, 12);
  expect(other.low * other.high).toBeCloseTo(16, 6);
});
