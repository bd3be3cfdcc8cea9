import { describe, expect, it } from "vitest";
import { chainReadingLines } from "../../src/formats/chainNotes.ts";
import { parsePdb } from "../../src/formats/pdb.ts";
import { chainName } from "../../src/proteins/chain.ts";
import { checkChain, counted, pdbAtom as atom, textOf } from "./chains.ts";
import { fuzzTexts } from "./fuzz.ts";
import { thrown } from "./support.ts";

/** The rest of a residue around its C-alpha. */
const residue = (given: Parameters<typeof atom>[0]) => [
  atom({ ...given, name: " N  ", element: "N" }),
  atom(given),
  atom({ ...given, name: " C  " }),
  atom({ ...given, name: " CB " }),
];
const three = textOf(
  "HEADER    HYDROLASE                               01-JAN-99   1ABC              ",
  ...residue({ number: 5, residue: "MET" }),
  ...residue({ number: 6, residue: "LYS" }),
  ...residue({ number: 8, residue: "TRP" }),
  "TER      13      TRP A   8",
  "END",
);

describe("parsePdb", () => {
  it("reads C-alphas in Angstrom with names, numbers and breaks", () => {
    const chains = parsePdb(three);
    expect([...chains]).toEqual([
      {
        entry: "1ABC",
        chain: "A",
        positions: Float64Array.from([19, 0, 0, 22.8, 0, 0, 30.4, 0, 0]),
        sequence: "MKW",
        residues: ["MET", "LYS", "TRP"],
        numbers: Int32Array.from([5, 6, 8]),
        insertionCodes: ["", "", ""],
        breaks: Uint8Array.from([0, 1, 0]),
      },
    ]);
    const { records, leftOut, passedOver, remarks } = chains;
    expect({ records, leftOut, passedOver, remarks }).toEqual({ records: 1, leftOut: [], passedOver: [], remarks: [] });
    expect(chainName(chains[0]!)).toBe("1ABC_A");
  });

  it("reads other line ends, small letters, lines that end with the coordinates, and serial numbers too long", () => {
    const chains = [...parsePdb(three)];
    for (const text of [
      three.replaceAll("\n", "\r\n"),
      three.replaceAll("\n", "\r"),
      three
        .toLowerCase()
        .replaceAll(/(\w{3}) a( {3}\d)/g, "$1 A$2")
        .replace("1abc", "1ABC"),
      three.replaceAll(/^(ATOM.{50}).*$/gm, "$1"),
      three.replaceAll(/^ATOM {6}1/gm, "ATOM 123456"),
      `\uFEFF${three}\x1a`,
    ]) {
      expect([...parsePdb(text)]).toEqual(chains);
    }
  });

  it("tells C-alphas from calcium, by the element, else the residue, else the name's column", () => {
    const text = textOf(
      atom({ number: 1 }),
      atom({ number: 2, name: "CA  ", element: "" }),
      atom({ number: 3, name: "CA  ", element: "CA", residue: "GLY" }),
      atom({ number: 4, name: "CA  ", residue: "UNK" }),
      atom({ number: 5, residue: "UNK", element: "" }),
      atom({ number: 6, name: "CA  ", residue: "UNK", element: "" }),
      atom({ number: 7, name: "CA  ", residue: "LIG", element: "CA" }),
      atom({ number: 8, residue: "CA", hetero: true, element: "" }),
      atom({ number: 9, name: "CA  ", residue: "CA", hetero: true, element: "CA" }),
    );
    const chains = parsePdb(text);
    expect([...chains[0]!.numbers]).toEqual([1, 2, 3, 4, 5]);
    expect(chains[0]!.sequence).toBe("AAGXX");
    expect(counted(chains.passedOver)).toEqual({ "residues without a C-alpha": 2, "ligands and ions": 2 });
  });

  it("takes the place of highest occupancy, of several the first, also where residues differ or lie apart", () => {
    const [chain, ...rest] = parsePdb(
      textOf(
        atom({ number: 1, alternate: "A", at: [1, 0, 0], occupancy: 0.4 }),
        atom({ number: 1, alternate: "B", at: [2, 0, 0], occupancy: 0.6 }),
        atom({ number: 2, alternate: "A", at: [3, 0, 0], occupancy: 0.5, residue: "SER" }),
        atom({ number: 2, alternate: "B", at: [4, 0, 0], occupancy: 0.5, residue: "THR" }),
        atom({ number: 3, alternate: "A", at: [5, 0, 0], occupancy: 0.2 }),
        atom({ number: 4, at: [6, 0, 0], occupancy: "" }),
        atom({ number: 3, alternate: "B", at: [7, 0, 0], occupancy: 0.8, residue: "VAL" }),
        atom({ number: 5, at: [8, 0, 0] }),
        atom({ number: 5, at: [8.5, 0, 0] }),
      ),
    );
    expect(rest).toEqual([]);
    expect([...chain!.positions].filter((_, i) => i % 3 === 0)).toEqual([2, 3, 7, 6, 8]);
    expect(chain!.sequence).toBe("ASVAA");
    const passed = parsePdb(textOf(atom({ alternate: "A" }), atom({ alternate: "B" }))).passedOver;
    expect(passed).toEqual([
      {
        reason: "other places of a C-alpha",
        count: 1,
        first: [{ line: 2, message: "another place of residue ALA 1" }],
      },
    ]);
  });

  it("keeps residues apart by insertion code, by name, and by place where numbers repeat", () => {
    const [chain] = parsePdb(
      textOf(
        atom({ number: -1, at: 0 }),
        atom({ number: 52, at: 1 }),
        atom({ number: 52, code: "A", at: 2 }),
        atom({ number: 52, code: "B", at: 3, residue: "GLY" }),
        atom({ number: 0, at: 4 }),
        atom({ number: 0, at: 5, residue: "GLY" }),
        atom({ number: 0, at: 6, residue: "GLY" }),
        atom({ number: "A000", at: 7 }),
        atom({ number: "a000", at: 8 }),
        atom({ number: "****", at: 9 }),
        atom({ number: 1234, code: "5", at: 10 }),
      ),
    );
    expect([...chain!.numbers]).toEqual([-1, 52, 52, 52, 0, 0, 0, 10_000, 1_223_056, 1_223_057, 12_345]);
    expect(chain!.insertionCodes).toEqual(["", "", "A", "B", "", "", "", "", "", "", ""]);
  });

  it("names modified residues by what they come from", () => {
    const [chain] = parsePdb(
      textOf(...["MSE", "SEP", "HSD", "CSO", "SEC", "XYZ"].map((name, i) => atom({ number: i + 1, residue: name }))),
    );
    expect(chain!.sequence).toBe("MSHCUX");
    expect(chain!.residues).toEqual(["MSE", "SEP", "HSD", "CSO", "SEC", "XYZ"]);
  });

  it("counts a HETATM residue before its chain's TER, and without one next to another C-alpha", () => {
    const amino = (number: number) => atom({ number, hetero: true, residue: "MSE" });
    const far = parsePdb(textOf(atom({ number: 1 }), amino(9), "TER", amino(2), atom({ chain: "B", number: 1 })));
    expect(far.map(({ sequence }) => sequence)).toEqual(["AM", "A"]);
    expect(counted(far.passedOver)).toEqual({ "residues with a C-alpha apart from the chain": 1 });
    const other = (number: number) => atom({ number, hetero: true, residue: "PLM" });
    expect(parsePdb(textOf(other(2), atom({ number: 3 }), other(9), "TER")).map(({ sequence }) => sequence)).toEqual([
      "XA",
    ]);
    const open = parsePdb(textOf(amino(1), atom({ number: 2 }), atom({ number: 3 }), amino(4), amino(9)));
    expect(open.map(({ numbers }) => [...numbers])).toEqual([[1, 2, 3, 4]]);
    expect(open.passedOver[0]!.first).toEqual([{ line: 5, message: "residue MSE 9" }]);
  });

  it("passes over water, ligands and ions, and residues without a C-alpha, and counts them", () => {
    const chains = parsePdb(
      textOf(
        ...residue({ number: 1 }),
        atom({ number: 2, name: " N  ", element: "N" }),
        atom({ number: 3, name: " O  ", residue: "HOH", element: "O" }),
        "TER",
        atom({ number: 301, name: " C1 ", residue: "HEM", hetero: true }),
        atom({ number: 401, name: " O  ", residue: "HOH", hetero: true, element: "O" }),
        atom({ number: 402, name: " O  ", residue: "HOH", hetero: true, element: "O" }),
        atom({ number: 1, chain: "D", name: " P  ", residue: "DG", element: "P" }),
        atom({ number: 1, chain: "W", name: " O  ", residue: "HOH", hetero: true, element: "O" }),
      ),
    );
    expect(chains.map(({ chain }) => chain)).toEqual(["A"]);
    expect(counted(chains.passedOver)).toEqual({
      "residues without a C-alpha": 1,
      "ligands and ions": 1,
      "water molecules": 4,
    });
    expect(chains.records).toBe(2);
    expect(chains.leftOut).toEqual([
      {
        reason: "chains without C-alpha atoms",
        count: 1,
        first: [{ record: 2, line: 11, message: "chain D has no C-alpha" }],
      },
    ]);
    expect(chainReadingLines(chains)).toEqual([
      "1 of 2 records left out: record 2 (line 11): chain D has no C-alpha",
      "1 residues without a C-alpha passed over, the first in line 5",
      "1 ligands and ions passed over, the first in line 8",
      "4 water molecules passed over, the first in line 6",
    ]);
  });

  it("begins a chain with each letter, and after a TER with the same one", () => {
    const chains = parsePdb(
      textOf(
        atom({ chain: "A" }),
        atom({ chain: "B" }),
        atom({ chain: " " }),
        "TER",
        atom({ chain: " " }),
        atom({ chain: "A", number: 2 }),
        atom({ chain: "a" }),
      ),
    );
    expect(chains.map(({ chain, numbers }) => `${chain}${numbers.length}`)).toEqual(["A2", "B1", "1", "1", "a1"]);
    expect(chains.map(chainName)).toEqual(["A", "B", "", "", "a"]);
  });

  it("reads the first model of each entry, or all", () => {
    const model = (number: number | string, at: number) => [
      `MODEL     ${String(number).padStart(4)}`,
      atom({ number: 1, at }),
      atom({ chain: "B", at }),
      "ENDMDL",
    ];
    const text = textOf("HEADER    ONE_A", ...model(1, 1), ...model(2, 2), "END", "HEADER    TWO", ...model(7, 3));
    const first = parsePdb(text);
    expect(first.map(chainName)).toEqual(["ONE_A", "ONE_A_B", "TWO_A", "TWO_B"]);
    expect([first.records, counted(first.leftOut)]).toEqual([6, { "models after the first": 2 }]);
    expect(first.leftOut[0]!.first[0]).toEqual({ record: 3, message: "model 2 of ONE_A is not the first" });
    const all = parsePdb(text, "f", { models: "all" });
    expect(all.map(chainName)).toEqual(["ONE_A", "ONE_A_B", "ONE_A/2", "ONE_A_B/2", "TWO_A", "TWO_B"]);
    expect(all.map(({ positions }) => positions[0])).toEqual([3.8, 3.8, 7.6, 7.6, 3.8 * 3, 3.8 * 3].map(rounded));
    const unnumbered = parsePdb(textOf(atom(), "ENDMDL", atom(), "ENDMDL"), "f", { models: "all" });
    expect(unnumbered.map(({ model: number }) => number)).toEqual([undefined, 2]);
  });

  it("begins an entry with HEADER and after END", () => {
    const chains = parsePdb(textOf("HEADER    X1_C", atom({ chain: "C" }), "END", atom(), "HEADER    Y", atom()));
    expect(chains.map(({ entry, chain }) => [entry, chain])).toEqual([
      ["X1_C", "C"],
      [undefined, "A"],
      ["Y", "A"],
    ]);
    const entryOf = (code: string) => parsePdb(textOf(`${"HEADER".padEnd(62)}${code}`, atom()))[0]!.entry;
    expect(["XXXX", "0000", "1ABC", "7X  "].map(entryOf)).toEqual([undefined, undefined, "1ABC", "7X"]);
  });

  it("leaves out C-alphas whose coordinates are no numbers, or with strict refuses them", () => {
    const bad = atom({ number: 2 }).replace("   7.600", "********");
    const text = textOf(atom({ number: 1 }), bad, atom({ number: 3 }));
    const chains = parsePdb(text);
    expect(chains[0]!.breaks).toEqual(Uint8Array.from([1, 0]));
    expect(counted(chains.passedOver)).toEqual({ "C-alphas with coordinates that are no numbers": 1 });
    expect(thrown(() => parsePdb(text, "a.pdb", { strict: true }))).toMatchObject({
      code: "bad-file",
      message:
        'a.pdb, line 2: expected three coordinates in Angstrom for the C-alpha of ALA, found "******** 0.000 0.000"',
    });
    expect(thrown(() => parsePdb(bad, "a.pdb"))).toMatchObject({ message: expect.stringMatching(/^a\.pdb, line 1: /) });
  });

  it.each([
    ["", /^p holds no atoms$/],
    ["HEADER    X\nEND\n", /^p holds no atoms$/],
    ["3\nwater\nO 0 0 0\n", /^p holds no atoms$/],
    [textOf(atom({ residue: "DG", name: " P  " })), /^p, line 1: chain A has no C-alpha$/],
    [textOf(atom({ residue: "HOH", hetero: true, name: " O  " })), /no chain of a protein, only water/],
    [`${atom()}\n${atom({ number: 2 }).slice(0, 50)}`, /^p, line 2: the file ends within an atom: "ATOM/],
  ])("refuses %j", (text, message) => {
    expect(thrown(() => parsePdb(text, "p"))).toMatchObject({
      code: "bad-file",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/^[A-Z].*[.?]$/),
    });
  });

  it("remarks on chains that seem to be in nanometres, or have no neighbours", () => {
    const at = (scale: number) => textOf(...[1, 2, 3].map((i) => atom({ number: i, at: [scale * i, 0, 0] })));
    expect(parsePdb(at(0.38)).remarks).toEqual([
      "neighbouring C-alphas are 0.38 A apart at the median, where 3.8 is usual: are these nanometres? Positions are " +
        "read as Angstrom",
    ]);
    expect(parsePdb(at(6)).remarks).toEqual(["neighbouring C-alphas are 6 A apart at the median, where 3.8 is usual"]);
    expect(parsePdb(at(3.8)).remarks).toEqual([]);
  });

  it("withstands hostile texts", () => {
    const pieces = ["ATOM  ", "HETATM", "TER\n", "MODEL", "ENDMDL\n", "END\n", "HEADER", " CA ", "A000", atom()];
    fuzzTexts(parsePdb, [three, textOf(atom(), "TER", atom({ alternate: "B" }))], pieces, checkChain);
  });
});

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
