import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { parseXyz } from "../../src/formats/xyz.ts";
import { fuzz } from "./fuzz.ts";
import { processorTime, thrown } from "./support.ts";

const water = "3\nwater\nO 0 0 0.1\nH 0.76 0 -0.48\nH -0.76 0 -0.48\n";

describe("parseXyz", () => {
  it("reads one molecule", () => {
    const [molecule, ...rest] = parseXyz(water);
    expect(rest).toEqual([]);
    expect(molecule).toEqual({
      name: "water",
      elements: Uint8Array.from([8, 1, 1]),
      positions: Float64Array.from([0, 0, 0.1, 0.76, 0, -0.48, -0.76, 0, -0.48]),
    });
  });

  it("reads several, with blank lines between, other line ends, a byte order mark, and no name", () => {
    const text = `\uFEFF${water}\n \n1\n\nAr 1 2 3\n`.replaceAll("\n", "\r\n");
    const molecules = parseXyz(text);
    expect(molecules.map(({ name }) => name)).toEqual(["water", undefined]);
    expect([...molecules[1]!.positions]).toEqual([1, 2, 3]);
  });

  it("takes symbols in any case, atomic numbers, exponents of all kinds, and further columns", () => {
    const molecule = parseXyz("4\n\n cl 1.5e-1 -.5 +2.  0.3\n CL 1D1 2d0 0 x y\n 17 2*^-6 1.*^1 0\nD 0 0 0")[0]!;
    expect([...molecule.elements]).toEqual([17, 17, 17, 1]);
    expect([...molecule.positions]).toEqual([0.15, -0.5, 2, 10, 2, 0, 2e-6, 10, 0, 0, 0, 0]);
  });

  it("reads what ends lines by CR, by several kinds, and DOS's end marks", () => {
    const two = `${water}${water}`;
    for (const text of [
      two.replaceAll("\n", "\r"),
      `${water.replaceAll("\n", "\r")}${water}\x1a`,
      `${water}\x1a${water}`,
      two.replaceAll("\n", "\r\r\n"),
    ]) {
      expect([...parseXyz(text)]).toEqual([...parseXyz(two)]);
    }
  });

  it("takes no longer than a text deserves that is all line ends, or all unclosed braces", () => {
    const start = processorTime();
    expect(() => parseXyz(`${"\r".repeat(1e6)}x`)).toThrow("number of atoms");
    parseXyz(`1\n${"properties={".repeat(1e4)}\nC 0 0 0\n`);
    expect(processorTime() - start).toBeLessThan(2000);
  });

  it("reads the columns where Properties says", () => {
    const comment = (properties: string) =>
      `Lattice="9 0 0 0 9 0 0 0 9" ${properties} note="Properties=pos:R:3" pbc="F F F"`;
    for (const [properties, line] of [
      ["Properties=Z:I:1:pos:R:3", "8 1 2 3"],
      ["properties = pos:R:3:species:S:1", "1 2 3 O"],
      ['Properties="id:I:1:residue:S:1:forces:R:3:Species:S:1:Z:I:1:positions:R:3"', "4 HOH 9 9 9 O 1 1 2 3"],
      ["Properties=species:S:1:pos:R:3:tag:L:1:numbers:I:1", "O 1 2 3 T 1"],
      ["Properties={positions:R:3:numbers:I:1}", "1\t2  3 8.0"],
      ["Properties=none", "O 1 2 3"],
    ] as const) {
      const molecule = parseXyz(`1\n${comment(properties)}\n${line}\n`)[0]!;
      expect([...molecule.elements, ...molecule.positions], properties).toEqual([8, 1, 2, 3]);
    }
  });

  it("reads original QM9 files, alone and one after the other", () => {
    const record = (id: number) =>
      `1\ngdb ${id}\t157.7 157.7\t0. \nC\t 0.1\t-2.1997*^-6\t 3.\t-0.5\n` +
      "1341.307\t1341.3\nC\tC\t\nInChI=1S/CH4/h1H4\tInChI=1S/CH4/h1H4\n";
    const molecules = parseXyz(record(1) + record(22));
    expect(molecules.map(({ name }) => name)).toEqual(["gdb 1", "gdb 22"]);
    expect(molecules[1]!.positions[1]).toBe(-2.1997e-6);
  });

  it.each([
    ["", "holds no molecule", 0],
    ["\n \n", "holds no molecule", 0],
    ["hello\n", 'found "hello"', 1],
    ["-3\n\n", "expected a number of atoms", 1],
    ["0\n\n", "0 atoms", 1],
    [`${water}0\n\n${water}`, "0 atoms", 6],
    ["999999999\n\nC 0 0 0\n", "more than the rest of the file", 1],
    ["2\n\nC 0 0 0", "more than the rest of the file", 1],
    ["2\n\nC 0.000 0.000 0.000\n", "ends after 1 of 2 atoms", 3],
    ["2\n\nC 0 0 0\n\nC 0 0 0\n", '"" is no element', 4],
    ["1\n\nXx 0 0 0\n", '"Xx" is no element', 3],
    ["1\n\n0 0 0 0\n", '"0" is no element', 3],
    ["1\n\nC 0 0    \n", "three coordinates", 3],
    ["1\n\nC 0 0 nan\n", "three coordinates", 3],
    ["1\n\nC 0 0 1e400\n", "three coordinates", 3],
    ["1\n\nC 0x10 0 0\n", "three coordinates", 3],
    ["1\n\nC 0 0 ********\n", "three coordinates", 3],
    ["1\n\nC 0,1 0,2 0,3\n", "three coordinates", 3],
    [`${water}4\n${water}`, '"water" is no element', 8],
    [`${water}2\n${water.slice(2)}`, 'expected a number of atoms, found "H -0.76 0 -0.48"; the number in line 6', 10],
    ["1\nProperties=pos:R:3:charge:R:1\n0 0 0 0.1\n", "name no element", 2],
    ["1\nProperties=species:S:1:pos:R:2\nC 0 0\n", "name no positions", 2],
    ["1\nProperties=species:S:pos:R:3\nC 0 0\n", "name:type:width", 2],
    ["1\nProperties=pos:R:3:species:S:1\n0 0 0\n", '"" is no element', 3],
  ])("refuses %j", (text, message, line) => {
    const error = thrown(() => parseXyz(text, "some.xyz", { strict: true })) as VoxtwirlError;
    expect(error).toBeInstanceOf(VoxtwirlError);
    expect(error.code).toBe("bad-file");
    expect(error.message).toContain(message);
    expect(error.message.startsWith(line > 0 ? `some.xyz, line ${line}: ` : "some.xyz ")).toBe(true);
    expect(error.fix).not.toBe("");
  });

  it("never fails but by a bad-file error, and never gives an incoherent molecule", () =>
    fuzz(parseXyz, [water, `${water}${water}`, `1\nProperties=Z:I:1:forces:R:3:pos:R:3 energy=-1\n8 1 2 3 4 5 6\n`]));

  const labelled = (comment: string, line = "O 1 2 3") => parseXyz(`1\n${comment}\n${line}\n`)[0]!;

  it.each([
    ["energy=-1.5", -1.5],
    ['Energy = -15.0D-1 pbc="F F F"', -1.5],
    ['x=1\tenergy="-1.5"\tnote=y', -1.5],
    ["note='energy=3' energy='-1.5'", -1.5],
    ['note="a energy=3" free_energy=2 dft_energy=-1.5', -1.5],
    ["dft_energy=2 REF_energy=-1.5", -1.5],
    ["free_energy=2 potential_energy=-1.5", -1.5],
    ["kinetic_energy=2 MACE_Energy=-1.5 other_energy=3", -1.5],
    ["5'-AMP energy=-1.5 3'-AMP", -1.5],
    ["energy=2*^-1", 0.2],
    ["energy=nan", NaN],
    ["energy=inf", NaN],
    ["energy=1e999", NaN],
    ["energy=", NaN],
    ['energy="1 2"', NaN],
    ["energy=-1.5eV", NaN],
    ["energy", undefined],
    ["energy: -1.5", undefined],
    ['note="energy=-1.5"', undefined],
    ["kinetic_energy=2", undefined],
    ["energy_error=2", undefined],
  ])("reads the energy of %j", (comment, energy) => {
    for (const line of [comment, `${comment}\r`]) expect(labelled(line).energy).toBe(energy);
  });

  it.each([
    ['Lattice="9 0 0 0 9 0 0 0 9" pbc="T T T"', true],
    ['Lattice="9 0 0 0 9 0 0 0 9" pbc="F F T"', true],
    ['pbc="1 0 0"', true],
    ['Lattice="9 0 0 0 9 0 0 0 9"', true],
    ['Lattice="9 0 0 0 9 0 0 0 9" pbc="F F F"', undefined],
    ["pbc=[False, False, False] energy=1", undefined],
    ["energy=1", undefined],
  ])("knows whether %j repeats in a cell", (comment, periodic) => {
    expect(labelled(comment).periodic).toBe(periodic);
  });

  it.each([
    ["species:S:1:pos:R:3:forces:R:3", "O 1 2 3 4 5.5 -6D-1", [4, 5.5, -0.6]],
    ["forces:R:3:species:S:1:pos:R:3", "4 5 6 O 1 2 3", [4, 5, 6]],
    ["species:S:1:REF_forces:r:3:pos:R:3", "O\t4\t5\t6\t1\t2\t3", [4, 5, 6]],
    ["species:S:1:pos:R:3:dft_force:R:3:force:R:3", "O 1 2 3 7 8 9 4 5 6", [4, 5, 6]],
    ["species:S:1:pos:R:3:my_forces:R:3", "O 1 2 3 4 5 6", [4, 5, 6]],
    ["species:S:1:pos:R:3:forces:R:3", "O 1 2 3 4 nan 1e999", [4, NaN, NaN]],
    ["species:S:1:pos:R:3:forces:R:3", "O 1 2 3 4", [4, NaN, NaN]],
    ["species:S:1:pos:R:3:forces:R:3", "O 1 2 3 1e6 0 0", [1e6, 0, 0]],
    ["species:S:1:pos:R:3:forces:R:1:force_error:R:3", "O 1 2 3 4 5 6 7", undefined],
    ["species:S:1:pos:R:3:forces:S:3", "O 1 2 3 4 5 6", undefined],
  ])("reads the forces of %s", (properties, line, forces) => {
    const molecule = labelled(`Properties=${properties}`, line);
    expect([...molecule.elements, ...molecule.positions]).toEqual([8, 1, 2, 3]);
    expect(molecule.forces && [...molecule.forces]).toEqual(forces);
    expect(Object.keys(molecule)).not.toContain("energy");
  });

  it("brings labels to eV, by the option, by the file's word, or as eV", () => {
    const text = (units: string) => `1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1${units}\nO 1 2 3 2 0 0\n`;
    const hartree = " units=Hartree,Angstrom,Hartree/Angstrom";
    for (const [units, labelUnits, factor, remark] of [
      ["", undefined, 1, /^energies and forces of 1 record are taken as eV and eV\/Angstrom, which is assumed/],
      ["", "kcal/mol", 0.0433641153087705, undefined],
      [hartree, undefined, 27.211386245988, /Hartree\/Angstrom, as the file says/],
      [hartree, "kJ/mol", 0.0433641153087705 / 4.184, undefined],
      [' units="eV, Angstrom"', undefined, 1, undefined],
      [" units=Angstrom", undefined, 1, /assumed \(/],
      [" units=Hartree,Hartree/Bohr", undefined, 1, /its units "Hartree,Hartree\/Bohr" are not understood/],
    ] as const) {
      const read = parseXyz(text(units), "a.xyz", { labelUnits });
      expect([read[0]!.energy, read[0]!.forces![0]], units).toEqual([factor, 2 * factor]);
      expect(read.remarks, units).toEqual(remark === undefined ? [] : [expect.stringMatching(remark)]);
      expect(read.labels).toHaveLength(1);
    }
    const two = parseXyz(text("") + text(hartree) + text("") + water);
    expect(two.labels).toEqual([
      { units: "eV", source: "assumed", records: 2 },
      { units: "Hartree", source: "file", records: 1 },
    ]);
    expect([two[1]!.energy, "energy" in two[3]!, parseXyz(water).labels]).toEqual([27.211386245988, false, undefined]);
    expect(() => parseXyz(water, "a.xyz", { labelUnits: "eH" as "eV" })).toThrow('labelUnits is "eH"');
  });

  it("takes no longer than a comment deserves that is all quotes and brackets", () => {
    const start = processorTime();
    for (const part of ["energy={", "a=[", "' ", '"', "=", "a = ", "{", "a"]) {
      parseXyz(`1\n${part.repeat(1e5)}=\nC 0 0 0\n`);
    }
    expect(processorTime() - start).toBeLessThan(2000);
  });

  it("reads back what it is given", () => {
    const coordinate = fc.double({ min: -1000, max: 1000, noNaN: true }).map((value) => value + 0);
    const atom = fc.tuple(fc.constantFrom("C", "h", "BR", "8"), coordinate, coordinate, coordinate);
    fc.assert(
      fc.property(
        fc.array(fc.array(atom, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        (molecules) => {
          const text = molecules
            .map((atoms) => `${atoms.length}\nx\n${atoms.map((one) => one.join("\t")).join("\n")}\n`)
            .join("");
          const read = parseXyz(text);
          expect(read.map(({ positions }) => [...positions])).toEqual(
            molecules.map((atoms) => atoms.flatMap(([, ...xyz]) => xyz)),
          );
        },
      ),
      { numRuns: 200, seed: 1 },
    );
  });
});
