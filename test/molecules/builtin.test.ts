import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeMolecule, builtinSeed } from "../../scripts/molecules/make.ts";
import { builtinBytes, builtinMolecules, builtinSha256, decodeMolecules } from "../../src/molecules/builtin.ts";
import { identify } from "../../src/molecules/identity.ts";
import { centred, radius, type Molecule } from "../../src/molecules/molecule.ts";
import { openChemLibKey } from "../../src/node/moleculeKey.ts";

const molecules = builtinMolecules();
const valences = new Map([
  [1, 1],
  [6, 4],
  [7, 3],
  [8, 2],
  [9, 1],
]);

describe("the built-in molecules", () => {
  it("are what the hash says, compact, and decoded afresh for each caller", () => {
    expect(createHash("sha256").update(builtinBytes()).digest("hex")).toBe(builtinSha256);
    expect(builtinBytes().length).toBeLessThan(375_000);
    builtinMolecules()[0]!.positions.fill(0);
    expect(builtinMolecules()).toEqual(molecules);
    expect(() => decodeMolecules(builtinBytes().subarray(0, -1))).toThrow();
  });

  it("are at least 1,000, distinct both in constitution and in geometry", async () => {
    expect(molecules.length).toBeGreaterThanOrEqual(1000);
    const key = await openChemLibKey();
    expect(new Set(molecules.map(key)).size).toBe(molecules.length);
    expect(identify(molecules, 1).groups).toBe(molecules.length);
    expect(new Set(molecules.map(({ name }) => name)).size).toBe(molecules.length);
  });

  it("are neutral and closed-shell, of up to 9 heavy atoms of C N O F with all their hydrogens", () => {
    for (const { elements, bonds, name } of molecules) {
      expect(elements.filter((element) => element !== 1).length, name).toBeLessThanOrEqual(9);
      const used = new Array<number>(elements.length).fill(0);
      for (const { a, b, order } of bonds!) {
        used[a]! += order;
        used[b]! += order;
      }
      elements.forEach((element, i) => expect(used[i], name).toBe(valences.get(element)));
    }
  });

  it("fit an 8 A box, with sound bond lengths and no clashes", () => {
    for (const molecule of molecules) {
      expect(radius(molecule), molecule.name).toBeLessThanOrEqual(4);
      const bonded = new Set(molecule.bonds!.map(({ a, b }) => `${Math.min(a, b)} ${Math.max(a, b)}`));
      for (let i = 0; i < molecule.elements.length; i++) {
        for (let j = i + 1; j < molecule.elements.length; j++) {
          const length = distance(molecule, i, j);
          if (bonded.has(`${i} ${j}`)) expect(length > 0.9 && length < 1.65, molecule.name).toBe(true);
          else expect(length, molecule.name).toBeGreaterThan(1.49);
        }
      }
    }
  });

  it("are about as large and as varied as small organic molecules are", () => {
    const share = (test: (molecule: Molecule) => boolean) => molecules.filter(test).length / molecules.length;
    const rings = ({ elements, bonds }: Molecule) => bonds!.length - elements.length + 1;
    const mean = molecules.reduce((sum, { elements }) => sum + elements.length, 0) / molecules.length;
    expect(mean).toBeGreaterThan(15);
    expect(mean).toBeLessThan(20);
    for (const element of [7, 8]) expect(share(({ elements }) => elements.includes(element))).toBeGreaterThan(0.4);
    expect(share(({ elements }) => elements.includes(9))).toBeGreaterThan(0.05);
    expect(share((molecule) => rings(molecule) > 1)).toBeGreaterThan(0.25);
    expect(share((molecule) => rings(molecule) === 0)).toBeGreaterThan(0.02);
    expect(share(({ bonds }) => bonds!.some(({ order }) => order > 1))).toBeGreaterThan(0.5);
  });

  it("are those that the script makes: a sample made anew has the same atoms, bonds and positions", () => {
    for (const fraction of [0, 0.31, 0.52, 0.77, 1]) {
      const stored = molecules[Math.round(fraction * (molecules.length - 1))]!;
      const made = makeMolecule(builtinSeed, Number(stored.name!.replace("builtin-", "")))!;
      expect(made.elements).toEqual(stored.elements);
      expect(made.bonds).toEqual(stored.bonds);
      // Stored to 0.001 A; more than that would be another machine's arithmetic at work.
      centred(made.positions).forEach((value, i) => expect(Math.abs(value - stored.positions[i]!)).toBeLessThan(0.002));
    }
  });
});

function distance({ positions: p }: Molecule, i: number, j: number): number {
  return Math.hypot(p[3 * i]! - p[3 * j]!, p[3 * i + 1]! - p[3 * j + 1]!, p[3 * i + 2]! - p[3 * j + 2]!);
}
