import { expect, it } from "vitest";
import { median, quantile } from "../src/quantiles.ts";

it("takes quantiles by rank, whatever the order, and leaves the samples as they were", () => {
  const samples = [3, 1, 2];
  expect(median(samples)).toBe(2);
  expect(samples).toEqual([3, 1, 2]);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([10, 0], 0.1)).toBeCloseTo(1, 12);
  expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 0.9)).toBe(10);
  expect(median([])).toBeNaN();
  expect(median([7])).toBe(7);
});
