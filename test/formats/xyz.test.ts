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
    fuzz(parseXyz, [water, `${water}${water}`]));

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
