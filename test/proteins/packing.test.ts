import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtinBackbones } from "../../src/proteins/builtinBackbones.ts";
import { makeChain } from "../../src/proteins/chain.ts";
import { cropWindow, packChains, packCrops, unpackRow } from "../../src/proteins/packing.ts";
import { Random } from "../../src/random.ts";
import { thrown } from "../formats/support.ts";

describe("cropWindow", () => {
  it("gives a window within the chain, all of those possible", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (residues, limit, uniform) => {
          const { start, length } = cropWindow(residues, limit, uniform);
          expect(length).toBe(Math.min(residues, limit));
          expect(start >= 0 && start + length <= residues).toBe(true);
        },
      ),
    );
    expect([0, 0.2499, 0.25, 0.5, 0.99999].map((uniform) => cropWindow(7, 4, uniform).start)).toEqual([0, 0, 1, 2, 3]);
    expect(cropWindow(4, 4, 0.999)).toEqual({ start: 0, length: 4 });
  });

  it("draws each as often", () => {
    const random = new Random(1);
    const counts = new Array<number>(5).fill(0);
    for (let i = 0; i < 5000; i++) counts[cropWindow(12, 8, random.next()).start]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it.each([
    [0, 1, 0],
    [1, 0, 0],
    [5, 2, 1],
    [5, 2, -0.1],
    [5, 2, NaN],
    [5.5, 2, 0],
  ])("refuses %d, %d, %d", (...numbers) => {
    expect(thrown(() => cropWindow(...numbers))).toMatchObject({ code: "bad-option" });
  });
});

describe("packCrops", () => {
  const chain = makeChain({
    positions: Float64Array.from([0, 10, 0, 3.8, 10, 0, 7.6, 10, 1, 17.6, 10, 1, 21.4, 10, 9]),
  });

  it("centres the crop over its residues, in nanometres, pads by zeros and marks the real ones and breaks", () => {
    const crops = [
      { chain, start: 1, length: 3 },
      { chain, start: 0, length: 1 },
    ];
    const { batch, length, positions, mask, breaks, residues } = packCrops(crops, 4);
    expect([batch, length, [...residues]]).toEqual([2, 4, [3, 1]]);
    const x = (3.8 + 7.6 + 17.6) / 3;
    const expected = [3.8 - x, 0, -2 / 3, 7.6 - x, 0, 1 / 3, 17.6 - x, 0, 1 / 3];
    expected.forEach((value, i) => expect(positions[i]).toBeCloseTo(value / 10, 6));
    expect([...positions.subarray(9)]).toEqual(new Array<number>(15).fill(0));
    expect([...mask]).toEqual([1, 1, 1, 0, 1, 0, 0, 0]);
    // Residues 2 and 3 are 10 A apart, 3 and 4 are not neighbours in this crop.
    expect([...breaks]).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
    expect([...packCrops([{ chain, start: 2, length: 3 }], 3).breaks]).toEqual([1, 1, 0]);
    expect([...packCrops([{ chain, start: 2, length: 2 }], 3).breaks]).toEqual([1, 0, 0]);
  });

  it("comes back in Angstrom", () => {
    const [one, two] = builtinBackbones() as [typeof chain, typeof chain];
    const crops = [one, two].map((whole) => ({ chain: whole, start: 0, length: whole.sequence.length }));
    const { positions, length } = packCrops(crops, 64);
    const back = unpackRow(positions, length, 1, two.sequence.length);
    expect(back.length).toBe(two.positions.length);
    back.forEach((value, i) => expect(Math.abs(value - two.positions[i]!)).toBeLessThan(1e-3));
  });

  it("refuses windows outside of their chains, too long ones and none", () => {
    const refused = (start: number, length: number, most = 8) =>
      thrown(() => packCrops([{ chain, start, length }], most));
    expect(refused(3, 3)).toMatchObject({ message: "crop 0 has residues 3 to 5 of a chain of 5" });
    expect(refused(-1, 2)).toMatchObject({ message: "the start of crop 0 is -1" });
    expect(refused(0, 5, 4)).toMatchObject({ message: "the length of crop 0 is 5" });
    expect(thrown(() => packCrops([], 4))).toMatchObject({ code: "bad-option" });
    expect(thrown(() => unpackRow(new Float32Array(12), 4, 1, 2))).toMatchObject({ code: "bad-shape" });
  });
});

it("packChains lays chains one after another, each centred, in nanometres", () => {
  const chains = builtinBackbones().slice(0, 5);
  const { count, positions, breaks, offsets } = packChains(chains);
  expect([count, breaks.length, positions.length]).toEqual([5, offsets[5], 3 * offsets[5]!]);
  chains.forEach((chain, c) => {
    const whole = packCrops([{ chain, start: 0, length: chain.sequence.length }], chain.sequence.length);
    expect(positions.subarray(3 * offsets[c]!, 3 * offsets[c + 1]!)).toEqual(whole.positions);
  });
  expect(thrown(() => packChains([]))).toMatchObject({ code: "bad-option" });
});
