import { describe, expect, it } from "vitest";
import { unitsOf } from "../../src/formats/labels.ts";

describe("unitsOf", () => {
  it.each([
    ["eV", "eV"],
    [" ev/A ", "eV"],
    ["Hartree,Angstrom,Hartree/Angstrom", "Hartree"],
    ["kcal/mol; kcal/mol/Ang", "kcal/mol"],
    ["kJ/mol Angstrom kJ/mol/\u00c5", "kJ/mol"],
    ["Eh", "Hartree"],
    ["Angstrom", undefined],
    ["", undefined],
    ["eV, Bohr", "unclear"],
    ["Hartree,Hartree/Bohr", "unclear"],
    ["eV,Hartree/Angstrom", "unclear"],
    ["constructor", "unclear"],
  ])("reads %j", (text, units) => expect(unitsOf(text)).toBe(units));
});
