import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkKeptSteps, countKept, isKept, keptUpTo, nextKept, type KeptSteps } from "../../src/training/keptSteps.ts";

describe("kept steps", () => {
  const run = { every: 4, steps: 10 };
  const all = (kept: KeptSteps, { steps } = run) =>
    Array.from({ length: steps + 1 }, (_, step) => step).filter((step) => isKept(kept, step, run));

  it("are those of evaluations, multiples, stated ones, or both", () => {
    expect(all("evaluations")).toEqual([0, 4, 8, 10]);
    expect(all({ steps: [0, 3, 12] })).toEqual([0, 3]);
    expect(all({ every: 5 })).toEqual([0, 5, 10]);
    expect(all({ every: 5, steps: [1, 2, 5] })).toEqual([0, 1, 2, 5, 10]);
    expect(all({})).toEqual([]);
    expect(isKept(undefined, 4, run)).toBe(false);
  });

  const steps = fc.array(fc.nat(60), { maxLength: 8 });
  const lists = fc.record({ every: fc.integer({ min: 1, max: 20 }), steps }, { requiredKeys: [] });
  const runs = fc.record({ every: fc.integer({ min: 1, max: 20 }), steps: fc.nat(50) });

  it("are counted, listed and foreseen as they are told one by one", () => {
    fc.assert(
      fc.property(lists, runs, (kept: KeptSteps, of) => {
        const one = (last: number) =>
          Array.from({ length: last + 1 }, (_, step) => step).filter((step) => isKept(kept, step, of));
        expect(countKept(kept, of)).toBe(one(of.steps).length);
        expect(keptUpTo(kept, of.steps, of)).toEqual(one(of.steps));
        const next = one(200).find((step) => step > of.steps) ?? Infinity;
        expect(nextKept(kept, of.steps)).toBe(next);
      }),
    );
  });

  it("may be the first alone", () => {
    expect(countKept({ steps: [0, 12] }, run)).toBe(1);
    expect(keptUpTo({ steps: [0, 12] }, 10, run)).toEqual([0]);
  });

  it("of evaluations are counted and listed too", () => {
    expect(countKept("evaluations", run)).toBe(4);
    expect(countKept("evaluations", { every: 5, steps: 10 })).toBe(3);
    expect(keptUpTo("evaluations", 9, run)).toEqual([0, 4, 8]);
  });

  it.each([[3], ["always"], [{ every: 0 }], [{ every: "5" }], [{ steps: 5 }], [{ steps: [1.5] }], [{ steps: [-1] }]])(
    "refuse %j",
    (value) => {
      expect(() => checkKeptSteps(value)).toThrow(expect.objectContaining({ code: "bad-option" }));
    },
  );
});
