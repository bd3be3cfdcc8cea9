import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { parseSdf } from "../../src/molecules/sdf.ts";
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
    expect(parseSdf(sdf)).toEqual([
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
    expect(parseSdf(carbonMonoxide.replaceAll("\n", "\r\n"))).toEqual(parseSdf(carbonMonoxide));
    expect(parseSdf(sdf.slice(0, -"$$$$\n".length))).toHaveLength(2);
  });

  it("reads counts that touch, and lines separated by blanks instead of columns", () => {
    const atoms = 120;
    const bonds = Array.from({ length: 119 }, (_, i) => `${String(i + 1).padStart(3)}${String(i + 2).padStart(3)}  1`);
    const chain = [
      ...header("", "120119  0  0  0  0            999 V2000"),
      ...Array.from({ length: atoms }, (_, i) => atom(i, 0, 0, "C")),
      ...bonds,
      "M  END",
    ];
    const [molecule] = parseSdf(chain.join("\n"));
    expect(molecule.elements).toHaveLength(120);
    expect(molecule.bonds![118]).toEqual({ a: 118, b: 119, order: 1 });
    const loose = [...header("", "2 1 0 0 V2000"), "0.5 0 0 Cl", "1.5 1e-3 0 H 0 0", "1 2 1", "M  END"].join("\n");
    expect([...parseSdf(loose)[0].positions]).toEqual([0.5, 0, 0, 1.5, 1e-3, 0]);
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
    [withLine(4, "  0  0  0     0  0            999 V3000"), "V3000", 4],
    [withLine(4, "  0  0  0  0  0  0            999 V2000"), "0 atoms", 4],
    [withLine(4, "no counts"), "counts line", 4],
    [withLine(4, "999999  0  0  0  0            999 V2000"), "expected atom 3 of 999", 7],
    [withLine(4, "  2  2  0  0  0  0            999 V2000"), "expected bond 2 of 2", 8],
    [withLine(5, atom(0, 0, 0, "R#")), '"R#" is no element', 5],
    [withLine(5, atom(0, 0, 0, "*")), '"*" is no element', 5],
    [withLine(5, "    0.0000    0.0000    nan    C"), "expected atom 1 of 2", 5],
    [withLine(7, "  1  3  1"), "joins atoms 1 and 3", 7],
    [withLine(7, "  0  1  1"), "joins atoms 0 and 1", 7],
    [withLine(7, "  1  1  1"), "joins atoms 1 and 1", 7],
    [withLine(7, "  1  2  8"), "order 8", 7],
    [withLine(7, "  1  2 -1"), "expected bond 1 of 1", 7],
    [
      [...header("", "  4  0  0", "2D"), ...[1, 2, 3, 4].map((x) => atom(x, 1, 0, "C")), "M  END"].join("\n"),
      "flat drawing",
      9,
    ],
  ])("refuses %j", (text, message, line) => {
    const error = thrown(() => parseSdf(text, "some.sdf")) as VoxtwirlError;
    expect(error).toBeInstanceOf(VoxtwirlError);
    expect(error.code).toBe("bad-file");
    expect(error.message).toContain(message);
    expect(error.message.startsWith(line > 0 ? `some.sdf, line ${line}: ` : "some.sdf ")).toBe(true);
    expect(error.fix).not.toBe("");
  });

  it("never fails but by a bad-file error, and never gives an incoherent molecule", () =>
    fuzz(parseSdf, [sdf, carbonMonoxide]));
});
