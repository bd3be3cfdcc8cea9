import { expect, it } from "vitest";
import { builtinBackbones } from "../../src/proteins/builtinBackbones.ts";
import { makeChain } from "../../src/proteins/chain.ts";
import { chainGeometry } from "../../src/proteins/geometry.ts";
import { geometrySummary } from "../../src/proteins/geometrySummary.ts";

/** Residues along x. */
const line = (...places: number[]) => makeChain({ positions: Float64Array.from(places.flatMap((x) => [x, 0, 0])) });

it("adds up what is counted, and means neighbours over neighbours and radii over chains", () => {
  const chains = [line(0, 3.8, 7.6), line(0, 2.95), line(0, 5, 1, 2)];
  const found = geometrySummary(chains);
  expect(found).toMatchObject({ chains: 3, residues: 9, neighbours: 6, trans: 2, cis: 1, breaks: 1, clashes: 3 });
  expect(found.meanNeighbour).toBeCloseTo((3.8 + 3.8 + 2.95 + 5 + 4 + 1) / 6, 12);
  const ratios = chains.map(({ positions }) => {
    const { radiusOfGyration, expectedRadius } = chainGeometry(positions);
    return radiusOfGyration / expectedRadius;
  });
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / 3;
  expect(found.radiusRatio).toBeCloseTo(mean, 12);
  const variance = ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / 2;
  expect(found.radiusRatioDeviation).toBeCloseTo(Math.sqrt(variance), 12);
});

it("counts the letters of secondary structure", () => {
  const { residues, counts } = geometrySummary(builtinBackbones());
  expect(counts.H + counts.E + counts.M + counts["-"]).toBe(residues);
  expect(counts.H).toBeGreaterThan(residues / 4);
  expect(counts.M).toBe(0);
});

it("of one chain there is no deviation, and of none nothing", () => {
  expect(geometrySummary([line(0, 3.8)]).radiusRatioDeviation).toBeNaN();
  expect(geometrySummary([line(0)]).meanNeighbour).toBeNaN();
  expect(() => geometrySummary([])).toThrow("no chains");
});
