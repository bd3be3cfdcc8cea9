import { describe, expect, it } from "vitest";
import { octahedral, rotatePoints, so3 } from "../../src/equivariance/groups.ts";
import { measureFrames } from "../../src/frames/measureFrames.ts";
import type { StructureTerm } from "../../src/frames/structureTerm.ts";
import { SAMPLE_KEPT, TermDetails, WORST_KEPT } from "../../src/frames/termDetails.ts";
import { forcesOf, labelledFrames, predictedFrames, withField } from "./predicting.ts";

const original = labelledFrames(30);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the details of a measurement", () => {
  it("are there where they are asked for, and change nothing else", async () => {
    const predicted = await predictedFrames(original, { group: octahedral, twirl: 24 }, (rotation, frame) => ({
      info: { energy: 1 },
      arrays: { forces: withField(rotation, forcesOf(frame), 0.1 * frame.number) },
    }));
    const plain = await measureFrames({ predicted, original });
    const { details, ...rest } = await measureFrames({ predicted, original, details: true });
    expect(rest).toEqual(plain);
    expect(Object.keys(details!)).toEqual(["energy", "energyPerAtom", "forces"]);
    const { worst, sample, farthest, structures, copies } = details!.forces!;
    expect([structures, copies]).toEqual([30, [24, 24]]);
    // A field a e_z spreads by a over the root of 3.
    expect(worst.map(({ frame }) => frame)).toEqual(Array.from({ length: WORST_KEPT }, (_, i) => 30 - i));
    expect(worst[0]).toMatchObject({ formula: "H3O", atoms: 4, copies: 24 });
    worst.forEach(({ frame, spreadRms, rmse }) => {
      expect(spreadRms).toBeCloseTo((0.1 * frame) / Math.sqrt(3), 9);
      expect(rmse).toBeCloseTo(spreadRms, 9);
    });
    expect(sample.map(({ frame }) => frame)).toEqual(original.map(({ number }) => number));
    // The differences of the farthest copy are its field, turned back, and that of the mean, which is zero.
    const found = rest.terms.forces!.worst!;
    expect(farthest).toMatchObject({ ...found, formula: "H3O", cell: null });
    const field = rotatePoints(found.rotation, Float64Array.from(farthest!.vectors!.differences));
    field.forEach((value, i) => expect(value).toBeCloseTo(i % 3 === 2 ? 3 : 0, 9));
    const { target, perAtom } = farthest!.vectors!;
    expect([perAtom, target]).toEqual([true, forcesOf(original[29]!)]);
    expect(farthest!.positions).toEqual(original[29]!.positions);
    expect(details!.energy!.farthest?.vectors ?? null).toBeNull();
  });

  it("tells each structure's losses, of which the result is the mean", async () => {
    const predicted = await predictedFrames(original, { group: so3, twirl: 4, seed: 2 }, (rotation, frame) => ({
      arrays: { forces: withField(rotation, forcesOf(frame), 0.3) },
    }));
    const told: StructureTerm[] = [];
    const { terms } = await measureFrames({ predicted, original, onStructure: (one) => void told.push(one) });
    expect(told.map(({ frame }) => frame)).toEqual(original.map(({ number }) => number));
    const numbers = told.reduce((sum, one) => sum + one.numbers, 0);
    const pooled = (of: (one: StructureTerm) => number) =>
      told.reduce((sum, one) => sum + one.numbers * of(one), 0) / numbers;
    const { lossTotal, lossMean, lossEquiv } = terms.forces!;
    expect(pooled((one) => one.lossTotal)).toBeCloseTo(lossTotal, 12);
    expect(pooled((one) => one.lossMean)).toBeCloseTo(lossMean, 12);
    expect(pooled((one) => one.lossEquiv)).toBeCloseTo(lossEquiv, 12);
    for (const { copies, ...one } of told) {
      expect(mean(copies.map(({ loss }) => loss))).toBeCloseTo(one.lossTotal, 12);
      expect(mean(copies.map(({ spread }) => spread))).toBeCloseTo(one.lossEquiv, 12);
    }
  });

  it("take no more memory for more structures, and keep the worst of all", () => {
    const details = new TermDetails();
    const frame = original[0]!;
    const turned = { copies: [], target: undefined, perAtom: true };
    const count = 5 * SAMPLE_KEPT;
    for (let i = 1; i <= count; i++) {
      // In an order that is not theirs.
      const spread = ((i * 7919) % count) / count;
      const losses = { lossTotal: NaN, lossMean: NaN, lossEquiv: spread ** 2 };
      const one = { term: "forces", frame: i, numbers: 6, ...losses, mean: new Float64Array(6), copies: [] };
      details.add(one, { turned, original: frame, size: 3, worst: null });
    }
    const { worst, sample, structures } = details.result();
    expect([structures, sample.length, worst.length]).toEqual([count, SAMPLE_KEPT, WORST_KEPT]);
    expect(worst[0]!.spreadRms).toBeCloseTo((count - 1) / count, 9);
    expect(worst.at(-1)!.spreadRms).toBeCloseTo((count - WORST_KEPT) / count, 9);
    const spreads = sample.map(({ spreadRms }) => spreadRms);
    expect(spreads).toEqual([...spreads].sort((a, b) => a - b));
    // Uniform, as they all are: within five standard errors.
    expect(Math.abs(mean(spreads) - 0.5)).toBeLessThan(5 / Math.sqrt(12 * SAMPLE_KEPT));
    expect(new Set(sample.map((one) => one.frame)).size).toBe(SAMPLE_KEPT);
  });
});
