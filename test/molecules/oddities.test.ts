import { describe, expect, it } from "vitest";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { elementSymbol } from "../../src/molecules/elements.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import { parseXyz } from "../../src/formats/xyz.ts";
import { turned } from "../formats/support.ts";

const molecules = builtinMolecules().filter((_, i) => i % 50 === 0);

function xyz(given: readonly Pick<Molecule, "elements" | "positions">[]): string {
  const atom = (element: number, [x, y, z]: Float64Array) => `${elementSymbol(element)} ${x} ${y} ${z}`;
  return given
    .map(({ elements, positions: p }) => [
      elements.length,
      "",
      ...Array.from(elements, (e, i) => atom(e, p.subarray(3 * i, 3 * i + 3))),
    ])
    .flat()
    .join("\n");
}

const remarks = (given: readonly Pick<Molecule, "elements" | "positions">[]) => parseXyz(xyz(given)).remarks;
const scaled = (factor: number) =>
  molecules.map((one) => ({ ...one, positions: one.positions.map((value) => factor * value) }));
const made = (elements: number[], positions: number[]) => ({
  elements: Uint8Array.from(elements),
  positions: Float64Array.from(positions),
});

describe("remarks about odd data", () => {
  it("are none about molecules in Angstrom, water alone and an atom alone", () => {
    expect(remarks(molecules)).toEqual([]);
    expect(remarks([made([8, 1, 1], [0, 0, 0, 0.757, 0.586, 0, -0.757, 0.586, 0])])).toEqual([]);
    expect(remarks([made([18], [0, 0, 0])])).toEqual([]);
    expect(remarks([made([6, 6, 1, 1], [0, 0, 0, 1.2, 0, 0, 2.26, 0, 0, -1.06, 0, 0])])).toEqual([]);
  });

  it("are one about units", () => {
    expect(remarks(scaled(1.8897))).toEqual([expect.stringContaining("are these Bohr?")]);
    expect(remarks(scaled(0.1))).toEqual([expect.stringContaining("are these nanometres?")]);
    expect(remarks(scaled(100))).toEqual([expect.stringContaining("are these picometres?")]);
    expect(remarks([...scaled(1.8897).slice(0, 5), ...molecules])).toEqual([]);
  });

  it("do not take clusters without bonds for Bohr", () => {
    const cluster = (element: number, distance: number) =>
      made([element, element, element, element], [0, 0, 0, distance, 0, 0, 0, distance, 0, 0, 0, distance]);
    expect(remarks([cluster(18, 3.8), cluster(10, 2.2)])).toEqual([]);
    expect(remarks([cluster(8, 2.5)])).toEqual([]);
  });

  it("are one about atoms on top of each other", () => {
    const broken = molecules.map((one, i) => {
      const positions = one.positions.slice();
      if (i === 2 || i === 7) positions.copyWithin(3, 0, 3);
      return { ...one, positions };
    });
    expect(remarks(broken)).toEqual([
      expect.stringMatching(new RegExp(`^2 of ${molecules.length} molecules .* the first is record 3$`)),
    ]);
  });

  it("are one about a file of molecules that all lie flat, in whatever plane", () => {
    const flat = molecules
      .slice(0, 4)
      .map((one) => ({ ...one, positions: one.positions.map((value, i) => (i % 3 === 2 ? 0 : value)) }));
    const planes = flat.map((one, i) => ({ ...one, positions: turned(one.positions, i, [1, 2, 3]) }));
    for (const given of [flat, planes]) expect(remarks(given).join()).toContain("lie flat");
    const methane = made([6, 1, 1, 1, 1], [0, 0, 0, 0.6, 0.6, 0.6, -0.6, -0.6, 0.6, -0.6, 0.6, -0.6, 0.6, -0.6, -0.6]);
    expect(remarks([...flat, methane]).join()).not.toContain("lie flat");
  });
});
