import { describe, expect, it } from "vitest";
import { isDone, takeTurn, type Contestant } from "../../bench/engines.ts";

/** One whose runs take `times` milliseconds in turn, and how often it was asked to run. */
function contestant(firstMs: number, times: number[]): Contestant & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    engine: "fake",
    rounds: [],
    firstMs,
    uncountedMs: 0,
    asked,
    sample: async (count) => {
      asked.push(count);
      return times.splice(0, count).map((wallMs) => ({ wallMs }));
    },
  };
}

const EFFORT = { budgetMs: 1000, maxSamples: 100 };

describe("a turn", () => {
  it("begins with a run that does not count, but takes time of the budget", async () => {
    const fast = contestant(100, [250, 210, 240, 220, 230, 200]);
    for (const wallMs of [210, 220, 200]) {
      expect(isDone(fast, EFFORT)).toBe(false);
      const round = await takeTurn(fast);
      expect(round).toEqual([{ wallMs }]);
      fast.rounds.push(round);
    }
    expect(fast.uncountedMs).toBe(720);
    expect(isDone(fast, EFFORT)).toBe(true);
  });

  it("has as many runs as a round takes", async () => {
    const fast = contestant(20, [20, 21, 22, 23]);
    expect(await takeTurn(fast)).toEqual([{ wallMs: 21 }, { wallMs: 22 }, { wallMs: 23 }]);
  });

  it("of one that is slow counts", async () => {
    const slow = contestant(2000, [900, 800]);
    slow.rounds.push(await takeTurn(slow));
    slow.rounds.push(await takeTurn(slow));
    expect(slow.rounds).toEqual([[{ wallMs: 900 }], [{ wallMs: 800 }]]);
    expect(slow.uncountedMs).toBe(0);
  });

  it("of one whose first run compiled does not count that it was slow", async () => {
    const compiled = contestant(2000, [90, 100, 80]);
    expect(await takeTurn(compiled)).toEqual([{ wallMs: 80 }]);
    expect(compiled.asked).toEqual([1, 2]);
    expect(compiled.uncountedMs).toBe(190);
  });
});
