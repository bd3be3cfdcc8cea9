import fc from "fast-check";
import { expect, test } from "vitest";
import {
  boundsOfKept,
  boundsOfMoments,
  boundsOfSamples,
  keptRanks,
  type SampleBounds,
} from "../../bench/sampleBounds.ts";
import { median } from "../../src/quantiles.ts";

const samples = fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 90 });

function expectWithin(values: readonly number[], { low, high }: SampleBounds, slack = 0): void {
  const sorted = [...values].sort((a, b) => a - b);
  expect([low.length, high.length]).toEqual([sorted.length, sorted.length]);
  const holds = (value: number, i: number) =>
    low[i]! <= value + slack && high[i]! >= value - slack && low[i]! <= high[i]!;
  expect(sorted.filter((value, i) => !holds(value, i))).toEqual([]);
}

test("ranks: all of few, least and greatest and each twentieth part of many", () => {
  expect(keptRanks(1)).toEqual([0]);
  expect(keptRanks(21)).toEqual(Array.from({ length: 21 }, (_, i) => i));
  expect(keptRanks(101)).toEqual(Array.from({ length: 21 }, (_, i) => 5 * i));
  for (let count = 1; count < 200; count++) {
    const ranks = keptRanks(count);
    expect(new Set(ranks).size).toBe(Math.min(count, 21));
    expect([ranks[0], ranks.at(-1)]).toEqual([0, count - 1]);
  }
});

test("bounds of the samples kept hold all samples, and are those themselves where kept", () => {
  fc.assert(
    fc.property(samples, (values) => {
      const sorted = [...values].sort((a, b) => a - b);
      const ranks = keptRanks(values.length);
      const kept = ranks.map((rank) => sorted[rank]!);
      const bounds = boundsOfKept(kept, values.length, median(values));
      expectWithin(values, bounds);
      expect(ranks.map((rank) => [bounds.low[rank], bounds.high[rank]])).toEqual(kept.map((value) => [value, value]));
    }),
  );
  expect(boundsOfSamples([3, 1, 2])).toEqual({ low: [1, 2, 3], high: [1, 2, 3] });
});

test("bounds of median, mean and deviation hold all samples, and are reached", () => {
  fc.assert(
    fc.property(samples, (values) => {
      const count = values.length;
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const stddev = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
      expectWithin(values, boundsOfMoments(count, median(values), { mean, stddev }), 1e-6);
      expectWithin(values, boundsOfMoments(count, median(values)));
    }),
  );
  // One that is far from all others: 4 of 1, one of 6. The mean is 2, the mean square deviation 4.
  const { low, high } = boundsOfMoments(5, 1, { mean: 2, stddev: Math.sqrt(5) });
  expect(high[4]).toBeCloseTo(6, 12);
  expect(low[3]).toBeCloseTo(1, 12);
  expect(boundsOfMoments(2, 5)).toEqual({ low: [0, 5], high: [5, Infinity] });
});
