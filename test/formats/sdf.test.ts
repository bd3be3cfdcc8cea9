import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { parseSdf } from "../../src/formats/sdf.ts";
import { fuzz } from "./fuzz.ts";
import { thrown } from "./support.ts";

const header = (name: string, counts: string, dimension = "3D") => [
  name,
  `  program 0101250000${dimension}`,
  "a comment",
  counts,
];
const atom = (x: number, y: number, z: number, symbol: string) =>
  [x, y, z].map((value) => value.toFixed(4).padStart(10)).join("") + ` ${symbol.padEnd(3)} 0  0  0  0`;
const carbonMonoxide = [
  ...header("carbon monoxide", "  2  1  0  0  0  0            999 V2000"),
  atom(1, -20.5, 0, "C"),
  atom(1, 0, 1.13, "o"),
  "  1  2  3  0",
  "M  CHG  2   1  -1   2   1",
  "M  END",
].join("\n");
const argon = [...header("", "  1  0  0  0  0  0            999 V2000"), atom(0, 0, 0, "Ar"), "M  END"].join("\n");
const sdf = `${carbonMonoxide}\n> <energy>\n-1.0\n\n> <note>\n\n$$$$\n${argon}\n$$$$\n`;

/** The records with one line replaced. */
const withLine = (number: number, line: string) =>
  sdf
    .split("\n")
    .map((old, i) => (i === number - 1 ? line : old))
    .join("\n");

describe("parseSdf", () => {
  it("reads records with bonds, charges and data fields", () => {
    expect([...parseSdf(sdf)]).toEqual([
      {
        name: "carbon monoxide",
        elements: Uint8Array.from([6, 8]),
        positions: Float64Array.from([1, -20.5, 0, 1, 0, 1.13]),
        bonds: [{ a: 0, b: 1, order: 3 }],
      },
      { elements: Uint8Array.from([18]), positions: new Float64Array(3), bonds: [] },
    ]);
  });

  it("reads a molfile, with CRLF too, and a last record without its end", () => {
    expect(parseSdf(carbonMonoxide)).toHaveLength(1);
    for (const end of ["\r\n", "\r", "\r\r\n"]) {
      expect(parseSdf(carbonMonoxide.replaceAll("\n", end) + "\x1a")).toEqual(parseSdf(carbonMonoxide));
    }
    expect(parseSdf(sdf.slice(0, -"$$$$\n".length))).toHaveLength(2);
  });

  it("reads counts that touch, and lines separated by blanks instead of columns", () => {
    const atoms = 120;
    const bonds = Array.from({ length: 119 }, (_, i) => `${String(i + 1).padStart(3)}${String(i + 2).padStart(3)}  1`);
    const chain = [
      ...header("", "120119  0  0  0  0            999 V2000"),
      ...Array.from({ length: atoms }, (_, i) => atom(i, 0, i % 2, "C")),
      ...bonds,
      "M  END",
    ];
    const molecule = parseSdf(chain.join("\n"))[0]!;
    expect(molecule.elements).toHaveLength(120);
    expect(molecule.bonds![118]).toEqual({ a: 118, b: 119, order: 1 });
    expect(parseSdf(chain.join("\n").replace("120119  0", "120 119 0"))).toEqual(parseSdf(chain.join("\n")));
    const loose = [...header("", "2 1 0 0 V2000"), "0.5 0 1 Cl", "1.5 1e-3 0 H 0 0", "1 2 1", "M  END"].join("\n");
    expect([...parseSdf(loose)[0]!.positions]).toEqual([0.5, 0, 1, 1.5, 1e-3, 0]);
  });

  it("parts counts and bonds as all lines of the record agree, with more than 999 of them too", () => {
    const chain = (atoms: number, width: number, counts: string) => {
      const bonds = Array.from({ length: atoms - 1 }, (_, i) =>
        [i + 1, i + 2, 1].map((value) => String(value).padStart(width)).join(""),
      );
      const places = Array.from({ length: atoms }, (_, i) => atom(i, 0, i % 2, "C"));
      return [...header("", counts), ...places, ...bonds, "M  END"].join("\n");
    };
    // In columns "  12  11" is 1 and 2, and the bond of 10 and 11 one of 1 and 0.
    for (const [atoms, counts] of [
      [12, "  12  11   0 V2000"],
      [1014, " 1014 1013 0 V2000"],
    ] as const) {
      const molecule = parseSdf(chain(atoms, 5, counts))[0]!;
      expect(molecule.elements).toHaveLength(atoms);
      expect(molecule.bonds![atoms - 2]).toEqual({ a: atoms - 2, b: atoms - 1, order: 1 });
    }
    const glued = thrown(() => parseSdf(chain(1014, 4, "10141013  0 V2000"))) as VoxtwirlError;
    expect(glued.message).toContain("expected bond 1 of 410");
    const ring = Array.from(
      { length: 1014 },
      (_, i) => `${String((i % 100) + 1).padStart(3)}${String((i % 99) + 101).padStart(3)}  1`,
    );
    const many = chain(200, 3, "2001014  0  0  0  0            999 V2000").replace(
      /( {2}1 {2}2 {2}1\n)[^M]*/,
      `${ring.join("\n")}\n`,
    );
    expect((thrown(() => parseSdf(many)) as VoxtwirlError).message).toContain("announces 200 atoms and 101 bonds");
  });

  it("reads bonds without an order, dative and hydrogen bonds", () => {
    for (const order of [0, 4, 8, 9, 10]) {
      expect(parseSdf(withLine(7, `  1  2${String(order).padStart(3)}  0`))[0]!.bonds).toEqual([{ a: 0, b: 1, order }]);
    }
  });

  it("passes over aliases, lists of atoms and data that hold another molecule", () => {
    const properties = ["A    1", "  1  2  1", "M  CHG  1   1   1", "V    2 text", "  1 F    2   6   7", "M  END"].join(
      "\n",
    );
    const data = `> <drawn>\n${carbonMonoxide}\n`;
    const [molecule] = parseSdf(`${carbonMonoxide.replace("M  END", properties)}\n${data}\n$$$$\n`);
    expect(molecule).toEqual(parseSdf(carbonMonoxide)[0]);
  });

  it("reads V3000: any atom numbers, lines that go on, other blocks", () => {
    const v3000 = [
      ...header("carbon monoxide", "  0  0  0     0  0            999 V3000"),
      "M  V30 BEGIN CTAB",
      "M  V30 COUNTS 2 1 1 0 0",
      "M  V30 BEGIN ATOM",
      "M  V30 7 C 1 -20.5 -",
      "M  V30 0 0 CHG=-1",
      "M  V30 1002 o 1 0 1.13 0 CHG=1",
      "M  V30 END ATOM",
      "M  V30 BEGIN BOND",
      "M  V30 1 3 7 1002",
      "M  V30 END BOND",
      "M  V30 BEGIN SGROUP",
      "M  V30 1 DAT 0 ATOMS=(2 7 1002)",
      "M  V30 END SGROUP",
      "M  V30 END CTAB",
      "M  END",
    ].join("\n");
    expect([...parseSdf(v3000)]).toEqual([...parseSdf(carbonMonoxide)]);
    for (const [from, to, message] of [
      ["COUNTS 2 1", "COUNTS 3 1", "announces 3 atoms"],
      ["COUNTS 2 1", "COUNTS 2 2", "2 bonds"],
      ["30 1002 o", "30 7 o", "number"],
      ["30 1002 o", "30 1002 R#", "no element"],
      ["30 1002 o", '30 1002 "NOT [N,O]"', "no element"],
      ["0 1.13 0", "0 inf 0", "coordinates"],
      ["1 3 7", "1 3 1", "joins 1 and 1002"],
      ["1 3 7", "1 6 7", "order 6"],
      ["-20.5 -\nM  V30 0", "-20.5 -\nM  CHG 0", "not continued"],
    ] as const) {
      expect(v3000).toContain(from);
      const error = thrown(() => parseSdf(v3000.replace(from, to))) as VoxtwirlError;
      expect(error.message, to).toContain(message);
    }
  });

  it.each([
    ["", "holds no molecule", 0],
    ["\n\n", "holds no molecule", 0],
    [carbonMonoxide.split("\n").slice(0, 3).join("\n"), "header", 3],
    [carbonMonoxide.split("\n").slice(0, 5).join("\n"), "ends before atom 2 of 2", 5],
    [carbonMonoxide.split("\n").slice(0, 6).join("\n"), "ends before bond 1 of 1", 6],
    [carbonMonoxide.split("\n").slice(0, 8).join("\n"), "M  END", 8],
    [`${carbonMonoxide}\n> <energy>\n-1`, "$$$$", 11],
    [`${carbonMonoxide}\n${carbonMonoxide}`, "$$$$", 18],
    [withLine(4, "  0  0  0     0  0            999 V3000"), "0 atoms", 9],
    [withLine(4, "  0  0  0  0  0  0            999 V2000"), "0 atoms", 4],
    [withLine(4, "no counts"), "counts line", 4],
    [withLine(4, "999999  0  0  0  0            999 V2000"), "expected atom 3 of 999", 7],
    [withLine(4, "  2  2  0  0  0  0            999 V2000"), "expected bond 2 of 2", 8],
    [withLine(5, atom(0, 0, 0, "R#")), '"R#" is no element', 5],
    [withLine(5, atom(0, 0, 0, "*")), '"*" is no element', 5],
    [withLine(5, "    0.0000    0.0000    nan    C"), "expected atom 1 of 2", 5],
    [withLine(5, "    0.0000**********    0.0000 C  "), "expected atom 1 of 2", 5],
    [withLine(4, "  1  1  0  0  0  0            999 V2000"), "expected bond 1 of 1", 6],
    [withLine(4, "  2  0  0  0  0  0            999 V2000"), "announces 2 atoms and 0 bonds", 7],
    [withLine(7, "  1  2  3  0\n  1  2  3  0"), "announces 2 atoms and 1 bonds", 8],
    [withLine(1, "title\nanother"), "1 line too many", 5],
    [`${carbonMonoxide}\n$$$$\n\n\n${carbonMonoxide}`, "2 lines too many", 16],
    [`${carbonMonoxide}\n$$$$\n${carbonMonoxide.split("\n").slice(1).join("\n")}`, "1 line too few", 13],
    [`${carbonMonoxide}\n${carbonMonoxide}\n$$$$\n`, "another molecule", 18],
    [`${carbonMonoxide}\n$$$$\n\n$$$$\n`, "empty record", 11],
    [withLine(7, "  1  3  1"), "joins atoms 1 and 3", 7],
    [withLine(7, "  0  1  1"), "joins atoms 0 and 1", 7],
    [withLine(7, "  1  1  1"), "joins atoms 1 and 1", 7],
    [withLine(7, "  1  2  6"), "order 6", 7],
    [withLine(7, "  1  2 -1"), "expected bond 1 of 1", 7],
    [
      [...header("", "  4  0  0", "2D"), ...[1, 2, 3, 4].map((x) => atom(x, 1, 0, "C")), "M  END"].join("\n"),
      "flat drawing",
      2,
    ],
  ])("refuses %j", (text, message, line) => {
    const error = thrown(() => parseSdf(text, "some.sdf", { strict: true })) as VoxtwirlError;
    expect(error).toBeInstanceOf(VoxtwirlError);
    expect(error.code).toBe("bad-file");
    expect(error.message).toContain(message);
    expect(error.message.startsWith(line > 0 ? `some.sdf, line ${line}: ` : "some.sdf ")).toBe(true);
    expect(error.fix).not.toBe("");
  });

  it("never fails but by a bad-file error, and never gives an incoherent molecule", () =>
    fuzz(parseSdf, [sdf, carbonMonoxide]));
});
