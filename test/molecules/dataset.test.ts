import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { prepareDataset, type DatasetOptions, type PackedMolecules } from "../../src/molecules/dataset.ts";
import { elements5, elements8 } from "../../src/molecules/elements.ts";
import { identify } from "../../src/molecules/identity.ts";
import { centred, principalPose, type Molecule } from "../../src/molecules/molecule.ts";
import { Random } from "../../src/random.ts";
import { processorTime, randomMolecule, thrown, turned } from "../formats/support.ts";

const options: DatasetOptions = { elements: elements5, grid: 16, resolution: 0.5, pose: "as-is", seed: 3 };

/** 60 different molecules of up to 9 atoms, well inside the box. */
const molecules = Array.from({ length: 60 }, (_, i) => randomMolecule(2 + (i % 8), i + 1, 0.7));

function sources({ sourceIndex }: PackedMolecules): number[] {
  return [...sourceIndex].sort((a, b) => a - b);
}

describe("prepareDataset", () => {
  it("holds out a tenth, packs every molecule once, centred, with its channels", () => {
    const { train, heldout, skipped } = prepareDataset(molecules, options);
    expect(skipped).toEqual({ unknownElement: 0, doesNotFit: 0, unknownElements: [] });
    expect([train.count, heldout.count]).toEqual([54, 6]);
    expect([...sources(train), ...sources(heldout)].sort((a, b) => a - b)).toEqual(molecules.map((_, i) => i));
    for (const part of [train, heldout]) {
      expect(part.offsets).toHaveLength(part.count + 1);
      expect(part.atoms).toHaveLength(4 * part.offsets[part.count]!);
      for (let m = 0; m < part.count; m++) expectPacked(part, m, molecules[part.sourceIndex[m]!]!, centred);
    }
  });

  it("turns into principal axes when asked", () => {
    const { train } = prepareDataset(molecules, { ...options, pose: "principal" });
    for (let m = 0; m < train.count; m++) expectPacked(train, m, molecules[train.sourceIndex[m]!]!, principalPose);
  });

  it("counts what it skips, by reason", () => {
    const odd: Molecule[] = [
      { elements: Uint8Array.from([6, 16]), positions: Float64Array.from([0, 0, 0, 90, 0, 0]) },
      { elements: Uint8Array.from([35]), positions: new Float64Array(3) },
      { elements: Uint8Array.from([6, 6]), positions: Float64Array.from([0, 0, 0, 8.001, 0, 0]) },
      { elements: Uint8Array.from([6, 6]), positions: Float64Array.from([0, 0, 0, 8, 0, 0]) },
      { elements: Uint8Array.from([6, 6]), positions: Float64Array.from([0, 0, 0, 5, 5, 0]) },
      { elements: Uint8Array.from([6]), positions: Float64Array.from([NaN, 0, 0]) },
    ];
    const { train, heldout, skipped } = prepareDataset([...odd, ...molecules], options);
    expect(skipped).toEqual({ unknownElement: 2, doesNotFit: 2, unknownElements: ["Br", "S"] });
    expect(train.count + heldout.count).toBe(62);
    const all = prepareDataset([...odd, ...molecules], { ...options, elements: elements8, grid: 64 });
    expect(all.skipped).toEqual({ unknownElement: 0, doesNotFit: 2, unknownElements: [] });
  });

  it("splits by seed and content, not by order or pose", () => {
    const { heldout } = prepareDataset(molecules, options);
    const shuffled = new Random(4).shuffle(molecules.map((_, i) => i));
    const moved = shuffled.map((i) => {
      const molecule = molecules[i]!;
      return { ...molecule, positions: turned(molecule.positions, i, [1, 2, 3]) };
    });
    const again = prepareDataset(moved, options).heldout;
    expect([...again.sourceIndex].map((i) => shuffled[i])).toEqual([...heldout.sourceIndex]);
    const fresh = [4, 5, 6].map((seed) => sources(prepareDataset(molecules, { ...options, seed }).heldout).join());
    expect(new Set([...fresh, sources(heldout).join()]).size).toBe(4);
  });

  it("draws evenly: over many seeds every molecule is held out about as often, copies or not", () => {
    const copied = molecules[7]!;
    const copies = Array.from({ length: 8 }, (_, i) => ({
      ...copied,
      positions: turned(copied.positions, i, [0, 0, 0]),
    }));
    const given = [...molecules.slice(0, 20), ...copies];
    const counts = new Array<number>(20).fill(0);
    const runs = 1000;
    for (let seed = 0; seed < runs; seed++) {
      const { heldout } = prepareDataset(given, { ...options, heldout: 5, seed });
      for (const i of heldout.sourceIndex) counts[i < 20 ? i : 7]!++;
    }
    for (const count of counts) expect(Math.abs(count - runs / 4)).toBeLessThan(5 * Math.sqrt((runs * 3) / 16));
  });

  it("never has a molecule on both sides: copies turned, mirrored, with noise, with other bond tables", () => {
    const random = new Random(8);
    const bonds = [{ a: 0, b: 1, order: 1 }];
    const copies = molecules.flatMap((molecule, i) => [
      { ...molecule, positions: turned(molecule.positions, i, [1, 0, 0]), bonds },
      { ...molecule, positions: molecule.positions.map((value) => -value) },
      { ...molecule, positions: molecule.positions.map((value) => value + 1e-4 * random.normal()) },
    ]);
    const all = random.shuffle([
      ...molecules.map((molecule, i) => ({ molecule, i })),
      ...copies.map((molecule, k) => ({ molecule, i: Math.floor(k / 3) })),
    ]);
    for (const heldout of [1, 20, 59]) {
      const data = prepareDataset(
        all.map(({ molecule }) => molecule),
        { ...options, heldout },
      );
      const held = [...data.heldout.sourceIndex].map((index) => all[index]!.i);
      expect(new Set(held).size).toBe(heldout);
      expect(data.heldout.count).toBe(heldout);
      expect(data.train.count).toBe(4 * (60 - heldout));
      expect([...data.train.sourceIndex].some((index) => held.includes(all[index]!.i))).toBe(false);
    }
  });

  it("takes keys where bonds are known", () => {
    const withBonds = molecules.map((molecule, i) => ({ ...molecule, name: `${i % 10}`, bonds: [] }));
    const data = prepareDataset(withBonds, { ...options, heldout: 4 }, ({ name }) => name);
    const held = [...data.heldout.sourceIndex].map((i) => i % 10);
    expect([data.heldout.count, data.train.count]).toEqual([4, 36]);
    expect([...data.train.sourceIndex].some((i) => held.includes(i % 10))).toBe(false);
    expect(prepareDataset(molecules, { ...options, heldout: 4 }, ({ name }) => name).train.count).toBe(56);
  });

  it.each([
    ["no-data", [], options],
    ["no-data", molecules, { ...options, elements: ["C"] }],
    ["no-data", molecules, { ...options, grid: 1, resolution: 0.01 }],
    ["no-data", [molecules[0]!, molecules[0]!], options],
    ["no-data", molecules, { ...options, heldout: 60 }],
    ["bad-option", molecules, { ...options, heldout: 0 }],
    ["bad-option", molecules, { ...options, heldout: 1.5 }],
    ["bad-option", molecules, { ...options, grid: 0 }],
    ["bad-option", molecules, { ...options, resolution: NaN }],
    ["bad-option", molecules, { ...options, elements: ["C", "H", "c"] }],
    ["bad-option", molecules, { ...options, elements: ["C", "Q"] }],
    ["bad-option", molecules, { ...options, elements: [] }],
    ["bad-molecule", [{ elements: new Uint8Array(0), positions: new Float64Array(0) }], options],
    ["bad-molecule", [{ elements: new Uint8Array(2), positions: new Float64Array(3) }], options],
  ] as const)("refuses with %s", (code, given, wrong) => {
    const error = thrown(() => prepareDataset(given, wrong)) as VoxtwirlError;
    expect(error).toBeInstanceOf(VoxtwirlError);
    expect(error.code).toBe(code);
    expect(error.fix).not.toBe("");
  });
});

describe("identify", () => {
  it("parts molecules by more than 0.01 A in one distance, and joins those below at every rounding boundary", () => {
    const pair = (length: number): Molecule => ({
      elements: Uint8Array.from([6, 8]),
      positions: Float64Array.from([0, 0, 0, 0, 0, length]),
    });
    expect(identify([pair(1.2), pair(1.211)], 1).groups).toBe(2);
    for (const length of [1.205, 1.2049999, 1.21, 1.2149]) {
      expect(identify([pair(length), pair(length + 1e-4)], 1).groups).toBe(1);
    }
    expect(identify([pair(1.2), { ...pair(1.2), elements: Uint8Array.from([6, 6]) }], 1).groups).toBe(2);
  });

  it("sorts 35,000 molecules out in seconds, and molecules of thousands of atoms without filling the memory", () => {
    const crowd = Array.from({ length: 35_000 }, (_, i) => randomMolecule(18, i));
    const start = processorTime();
    expect(identify(crowd, 1).groups).toBe(35_000);
    const large = randomMolecule(20_000, 1);
    expect(identify([large, { ...large, positions: turned(large.positions, 1, [1, 1, 1]) }], 1).groups).toBe(1);
    expect(processorTime() - start).toBeLessThan(10_000);
  });
});

function expectPacked(
  part: PackedMolecules,
  m: number,
  molecule: Molecule,
  pose: (p: Float64Array) => Float64Array,
): void {
  const posed = pose(molecule.positions);
  const start = part.offsets[m]!;
  expect(part.offsets[m + 1]! - start).toBe(molecule.elements.length);
  molecule.elements.forEach((element, i) => {
    const [x, y, z, channel] = part.atoms.subarray(4 * (start + i), 4 * (start + i) + 4);
    expect([x, y, z]).toEqual([...Float32Array.from(posed.subarray(3 * i, 3 * i + 3))]);
    expect(channel).toBe([6, 1, 8, 7, 9].indexOf(element));
  });
}
