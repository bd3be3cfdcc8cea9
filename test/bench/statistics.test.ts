import { describe, expect, it } from "vitest";
import { isStable, ratioOfRounds, summarise } from "../../bench/statistics.ts";
import { Random } from "../../src/random.ts";

/** Times around 10 with a spread of 2 %. */
function steady(count: number, seed = 1): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => 10 * (1 + 0.02 * random.normal()));
}

describe("statistics of samples", () => {
  it("leaves its input as it was", () => {
    const samples = [3, 1, 2];
    summarise(samples);
    expect(samples).toEqual([3, 1, 2]);
  });

  it("finds steady samples stable, and few of them not", () => {
    for (let seed = 0; seed < 20; seed++) expect(isStable(steady(30, seed))).toBe(true);
    expect(isStable([10, 10, 10, 10, 10])).toBe(false);
    expect(isStable([10, 10, 10, 10, 10, 10])).toBe(true);
    expect(isStable([])).toBe(false);
  });

  it("sees a drift that the median alone hides", () => {
    const drifting = steady(30).map((ms, i) => ms * (1 + i / 60));
    expect(isStable(drifting)).toBe(false);
    // Less than 5 % from one half to the other is not told from noise.
    expect(isStable(steady(30).map((ms, i) => ms * (1 + i / 1500)))).toBe(true);
  });

  it("sees two modes that take turns, and one that comes late", () => {
    expect(isStable(steady(30).map((ms, i) => (i % 2 ? ms : 1.3 * ms)))).toBe(false);
    expect(isStable(steady(30).map((ms, i) => (i < 15 ? ms : 1.3 * ms)))).toBe(false);
  });

  it("is not moved by an outlier", () => {
    const samples = steady(30);
    const before = summarise(samples);
    const after = summarise(samples.map((ms, i) => (i === 4 ? 500 : ms)));
    expect(after.stable).toBe(true);
    expect(Math.abs(after.median / before.median - 1)).toBeLessThan(0.01);
    expect(after.p90).toBeLessThan(11);
    const mean = samples.map((ms, i) => (i === 4 ? 500 : ms)).reduce((a, b) => a + b) / samples.length;
    expect(mean).toBeGreaterThan(20);
  });

  it("takes ratios within rounds, so that a drift of the machine is in both", () => {
    const ours = [
      [10, 11],
      [20, 22],
      [40, 44],
    ];
    const theirs = ours.map((round) => round.map((ms) => 3 * ms));
    expect(ratioOfRounds(ours, theirs)).toBeCloseTo(3, 12);
    // A peer that ran once is compared with its own round, not with the drifted rest.
    expect(ratioOfRounds(ours, [[30]])).toBeCloseTo(30 / 10.5, 12);
    // Rounds in which one did not run do not count.
    expect(ratioOfRounds(ours, [[], [42], []])).toBeCloseTo(2, 12);
    expect(ratioOfRounds(ours, [])).toBeNaN();
  });
});
