import { describe, expect, it } from "vitest";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { assess } from "../../src/molecules/assess.ts";
import { DistributionComparison } from "../../src/molecules/distributionDistances.ts";
import { atomicNumber } from "../../src/molecules/elements.ts";
import { FeatureSpace, type Bin } from "../../src/molecules/features.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import { perceiveBonds } from "../../src/molecules/perceiveBonds.ts";
import { isStable, largestPart, valences } from "../../src/molecules/valences.ts";
import { assessMolecules, judgedSet } from "../../src/node/assessMolecules.ts";
import { openChemLibJudge } from "../../src/node/moleculeJudge.ts";

/** Atoms on lines of "C 0 0 0". */
function molecule(...atoms: string[]): Molecule {
  const words = atoms.map((atom) => atom.split(" "));
  return {
    elements: Uint8Array.from(words, ([symbol]) => atomicNumber(symbol!)!),
    positions: Float64Array.from(words.flatMap(([, ...place]) => place.map(Number))),
  };
}

const pair = (a: string, b: string, distance: number) => molecule(`${a} 0 0 0`, `${b} ${distance} 0 0`);
const methane = molecule(
  "C 0 0 0",
  "H .629 .629 .629",
  "H -.629 -.629 .629",
  "H .629 -.629 -.629",
  "H -.629 .629 -.629",
);
const water = molecule("O 0 0 0", "H .757 .586 0", "H -.757 .586 0");
/** A carbon with a fifth neighbour. */
const crowded = molecule(
  ...["C 0 0 0", "H .629 .629 .629", "H -.629 -.629 .629", "H .629 -.629 -.629", "H -.629 .629 -.629", "H 0 0 -1.1"],
);
const moved = ({ elements, positions }: Molecule, by: number): Molecule => ({
  elements,
  positions: positions.map((value) => value + by),
});

describe("perceiveBonds", () => {
  it.each<[string, string, number, number]>([
    ["C", "C", 1.63, 1],
    ["C", "C", 1.64, 0],
    ["C", "C", 1.4, 1],
    ["C", "C", 1.38, 2],
    ["C", "C", 1.22, 3],
    ["N", "C", 1.18, 3],
    ["C", "N", 1.33, 2],
    ["O", "C", 1.21, 2],
    ["C", "H", 1.18, 1],
    ["H", "H", 0.74, 1],
    ["Cl", "C", 1.8, 1],
    ["S", "C", 1.6, 2],
    ["Br", "Si", 2.2, 1],
    ["Na", "Cl", 1, 0],
  ])("between %s and %s at %f A is %i", (a, b, distance, order) => {
    expect(perceiveBonds(pair(a, b, distance))).toEqual(order === 0 ? [] : [{ a: 0, b: 1, order }]);
  });

  it("finds the bonds of the built-in set without a file's, but for aromatic ones and the like", () => {
    const set = builtinMolecules().slice(0, 300);
    const known = set.flatMap(({ bonds = [] }, i) =>
      bonds.map(({ a, b }) => `${i} ${Math.min(a, b)} ${Math.max(a, b)}`),
    );
    const found = set.flatMap((one, i) => perceiveBonds(one).map(({ a, b }) => `${i} ${a} ${b}`));
    const both = new Set(known);
    expect(found.filter((bond) => both.has(bond)).length / known.length).toBeGreaterThan(0.999);
    expect(found.length / known.length).toBeLessThan(1.001);
  });
});

describe("valences", () => {
  it("counts orders, aromatic ones as one and a half, hydrogen bonds not at all", () => {
    const bond = (order: number) => ({ a: 0, b: 1, order });
    const of = (order: number) => valences(2, [bond(order)])[0];
    expect([1, 2, 3, 4, 8, 9, 10].map(of)).toEqual([1, 2, 3, 1.5, 1, 1, 0]);
    expect(isStable(6, 4)).toBe(true);
    expect(isStable(6, 3)).toBe(false);
    expect(isStable(15, 5)).toBe(true);
    expect(isStable(2, 0)).toBe(false);
  });

  it("finds the largest part", () => {
    const bonds = [
      { a: 0, b: 3, order: 1 },
      { a: 3, b: 4, order: 1 },
      { a: 1, b: 2, order: 10 },
    ];
    expect(largestPart(5, bonds)).toEqual({ atoms: [0, 3, 4], parts: 3 });
    expect(largestPart(0, [])).toEqual({ atoms: [], parts: 0 });
  });
});

describe("openChemLibJudge", () => {
  it("knows molecules whatever the order of their atoms, and aromatic bonds", async () => {
    const judge = await openChemLibJudge(true);
    const ring = [0, 1, 2, 3, 4, 5];
    const benzene = (places: readonly number[]) => ({
      elements: Uint8Array.from([...ring, ...ring].map((_, i) => (places.indexOf(i) < 6 ? 6 : 1))),
      bonds: ring.flatMap((i) => [
        { a: places[i]!, b: places[(i + 1) % 6]!, order: 1 + (i % 2) },
        { a: places[i]!, b: places[i + 6]!, order: 1 },
      ]),
    });
    const [plain, mixed] = [benzene([...Array(12).keys()]), benzene([7, 2, 9, 4, 11, 0, 1, 3, 5, 6, 8, 10])];
    const [a, b] = [plain, mixed].map((one) => judge(one, one.bonds));
    expect(a!.code).toBeDefined();
    expect(b!.code).toBe(a!.code);
    for (const { bonds } of [a!, b!]) expect(bonds.map(({ order }) => order)).toEqual(ring.flatMap(() => [4, 1]));
  });

  it("tells a molecule from one that lacks hydrogens", async () => {
    const judge = await openChemLibJudge(false);
    const codes = [methane, { ...methane, elements: methane.elements.subarray(0, 4) }].map((one) => {
      return judge(one, perceiveBonds(one)).code;
    });
    expect(codes).toEqual([expect.any(String), expect.any(String)]);
    expect(codes[0]).not.toBe(codes[1]);
  });

  it("takes charges from bonds of a file alone", async () => {
    // Nitromethane without its hydrogens: N of four bonds, O of one.
    const elements = Uint8Array.of(6, 7, 8, 8);
    const bonds = [
      { a: 0, b: 1, order: 1 },
      { a: 1, b: 2, order: 2 },
      { a: 1, b: 3, order: 1 },
    ];
    expect((await openChemLibJudge(true))({ elements }, bonds).invalid).toBeUndefined();
    expect((await openChemLibJudge(false))({ elements }, bonds).invalid).toBe("too many bonds at an atom of N");
  });
});

describe("DistributionComparison", () => {
  const bins: Bin[] = [
    ...[1, 6, 8].map((value) => ({ kind: "atomTypes" as const, group: 0, value })),
    ...[1, 1.1, 1.5].map((value) => ({ kind: "bondLengths" as const, group: 1, value })),
    ...[1.2, 1.4].map((value) => ({ kind: "bondLengths" as const, group: 2, value })),
  ];
  const compare = (sample: number[], reference: number[]) =>
    new DistributionComparison(bins).distances(Float64Array.from(sample), Float64Array.from(reference));

  it("sums differences of shares, and areas between cumulative ones by the reference's weights", () => {
    const { atomTypes, bondLengths } = compare([5, 5, 0, 1, 1, 0, 0, 2], [5, 0, 5, 1, 0, 1, 6, 0]);
    expect(atomTypes).toBeCloseTo(1, 12);
    // Single bonds: half of them moves by 0.4; double ones all by 0.2. Two and six of eight.
    expect(bondLengths).toBeCloseTo((2 * 0.2 + 6 * 0.2) / 8, 12);
  });

  it("is nothing for the same, and leaves out classes that a set lacks", () => {
    expect(compare([1, 2, 3, 4, 5, 6, 7, 8], [2, 4, 6, 8, 10, 12, 14, 16])).toMatchObject({
      atomTypes: 0,
      bondLengths: 0,
    });
    expect(compare([1, 0, 0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0, 9, 9]).bondLengths).toBeCloseTo(0.1, 12);
    expect(compare([1, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0, 9, 9]).bondLengths).toBeNaN();
  });
});

describe("assessMolecules", () => {
  it("counts valid, unique, novel and stable ones by hand", async () => {
    const apart = molecule("O 0 0 0", "H .757 .586 0", "H -.757 .586 0", "H 9 0 0");
    const sample = [methane, moved(methane, 2), water, crowded, apart];
    const found = await assessMolecules(sample, { reference: [water] });
    const counts = ({ count, of }: { count: number; of: number }) => [count, of];
    expect(found.molecules).toBe(5);
    expect(counts(found.valid)).toEqual([4, 5]);
    expect(found.invalid).toEqual({ "too many bonds at an atom of C": 1 });
    expect(counts(found.connected)).toEqual([4, 5]);
    expect(counts(found.unique)).toEqual([2, 4]);
    expect(counts(found.novel!)).toEqual([1, 2]);
    // The crowded carbon and the hydrogen alone have other numbers of bonds.
    expect(counts(found.stableAtoms)).toEqual([5 + 5 + 3 + 5 + 3, 5 + 5 + 3 + 6 + 4]);
    expect(counts(found.stableMolecules)).toEqual([3, 5]);
    // The standard error of a share of five.
    expect(found.valid.shareStdErr).toBeGreaterThan(0.6 * Math.sqrt((0.8 * 0.2) / 5));
    expect(found.valid.shareStdErr).toBeLessThan(1.4 * Math.sqrt((0.8 * 0.2) / 5));
    expect(found.unique.shareStdErr).toBeNaN();
  });

  it("finds no distance from the set itself, stretched bonds by how far they are, and the same each time", async () => {
    const set = builtinMolecules().slice(0, 60);
    const same = await assessMolecules(set, { reference: set, draws: 10 });
    for (const distance of Object.values(same.distances!)) {
      expect(distance.value).toBe(0);
      expect(distance.floor).toBeGreaterThan(0);
      expect(distance.valueStdErr).toBeGreaterThan(0);
    }
    expect(same.valid.share).toBe(1);
    const stretched = set.map((one) => ({ ...one, positions: one.positions.map((value) => 1.05 * value) }));
    const { distances } = await assessMolecules(stretched, { reference: set, draws: 10 });
    // A twentieth of bonds of some 1.2 A; no angle and no type changes.
    expect(distances!.bondLengths.value).toBeGreaterThan(0.05);
    expect(distances!.bondLengths.value).toBeLessThan(0.075);
    expect(distances!.bondAngles.value).toBeLessThan(0.1);
    expect(distances!.atomTypes.value).toBe(0);
    expect(await assessMolecules(stretched, { reference: set, draws: 10 })).toMatchObject({ distances });
  });

  it("counts valences, lengths and angles of each atom and bond", async () => {
    const space = new FeatureSpace();
    const set = await judgedSet(space);
    set.add(water);
    const [{ features }] = set.molecules as [(typeof set.molecules)[0]];
    const found = [...features.bins].map((bin, i) => {
      const { kind, group, value } = space.bins[bin]!;
      return [kind, group, Number(value.toFixed(3)), features.counts[i]];
    });
    expect(found.sort()).toEqual(
      [
        ...[
          ["atomTypes", 0, 1, 2],
          ["atomTypes", 0, 8, 1],
        ],
        ...[
          ["bondTypes", 0, 0, 1],
          ["bondTypes", 0, 1, 2],
        ],
        ...[
          ["valencies", 1, 1, 2],
          ["valencies", 8, 2, 1],
        ],
        ...[
          ["bondLengths", 1, 0.96, 2],
          ["bondAngles", 8, 104.5, 1],
        ],
      ].sort(),
    );
    expect(assess(set.molecules, undefined, space, { seed: 0, draws: 2 }).distances).toBeUndefined();
  });
});
