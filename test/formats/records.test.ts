import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VoxtwirlError } from "../../src/errors.ts";
import { readingLines, type ParsedMolecules, type ParseOptions } from "../../src/formats/records.ts";
import { parseSdf } from "../../src/formats/sdf.ts";
import { parseXyz } from "../../src/formats/xyz.ts";
import { thrown } from "./support.ts";

/** A record, its reason to be left out, and the line in it where the fault is, from 1. */
type Bad = readonly [text: string, reason: string, line: number];

const head = (counts: string, program = "  program 01012500003D") => `name\n${program}\n\n${counts}\n`;
const v2000 = (atoms: number, bonds: number) =>
  `${String(atoms).padStart(3)}${String(bonds).padStart(3)}  0  0  0  0            999 V2000`;
const atom = (symbol: string, x = "0.0000", z = "0.5000") =>
  `${x.padStart(10)}    0.0000${z.padStart(10)} ${symbol.padEnd(3)} 0  0\n`;
const end = "M  END\n> <note>\ntext\n\n$$$$\n";
const carbonyl = (...edits: string[]) => edits.join("");
const two = atom("C") + atom("O", "1.2000");
const placeholders = "dummy, ghost or query atoms";
const disagree = "counts that do not agree with the lines";

interface Format {
  name: string;
  parse: (text: string, file?: string, options?: ParseOptions) => ParsedMolecules;
  good: [string, string, ...string[]];
  bad: Bad[];
}

const formats: [xyz: Format, sdf: Format] = [
  {
    name: "XYZ",
    parse: parseXyz,
    good: [
      "1\nargon\nAr 0 0 0\n",
      "2\n\nC 0 0 0\nO 0 0 1.1\n\n",
      "1\nProperties=pos:R:3:Z:I:1\n1 2 3 8\n",
      "2\n12\n1 0 0 0\n1 0 0 0.7\n",
    ],
    bad: [
      ["0\nnothing\n", "no atoms", 1],
      ["2\ndummy\nC 0 0 0\nX 0 0 1\n", placeholders, 4],
      ["2\nghost\nH:Bq 0 0 0\nH 0 0 1\n", placeholders, 3],
      ["1\ncharge\n0 0 0 0\n", placeholders, 3],
      ["2\nname\nC 0 0 0\nHW1 0 0 1\n", "unknown symbols", 4],
      ["1\n\nC nan 0 0\n", "coordinates that are no numbers", 3],
      ["1\n\nC 0 ******* 0\n", "coordinates that are no numbers", 3],
      ["1\n\nC 0 0 inf\n", "coordinates that are no numbers", 3],
      ["1\n\nC 10.12345-10.12345 0\n", "coordinates that are no numbers", 3],
      ["1\n\nC 0,5 0,5 0,5\n", "coordinates that are no numbers", 3],
      ["1\n\nC 0 0\n", "coordinates that are no numbers", 3],
      ["2\nProperties=id:I:1:pos:R:3\n1 0 0 0\n2 0 0 1\n", "unknown columns", 2],
      ["2\nProperties=id:S:1:pos:R:3:Z:I:1\nB 0 0 0 6\nB 0 0 1 0\n", placeholders, 4],
      ["1\ngdb 7\t1\nX 0 0 0\n1 2 3\nC C\nInChI=1S\n", placeholders, 3],
    ],
  },
  {
    name: "SDF",
    parse: parseSdf,
    good: [
      carbonyl(head(v2000(2, 1)), two, "  1  2  2\n", end),
      carbonyl(head(v2000(1, 0)), atom("Ar"), end),
      carbonyl(head("2 1 0 V2000"), "0 0 0.5 C\n0 0 1.7 o\n1 2 9\n", end),
      carbonyl(head(v2000(2, 1), ""), two, "  1  2  0\n", end),
    ],
    bad: [
      ["\n$$$$\n", "no atoms", 1],
      [carbonyl(head(v2000(0, 0)), end), "no atoms", 4],
      [carbonyl(head(v2000(2, 1)), atom("C"), atom("R#"), "  1  2  1\n", end), placeholders, 6],
      [carbonyl(head(v2000(1, 0)), atom("A"), end), placeholders, 5],
      [carbonyl(head(v2000(1, 0)), atom("Xy"), end), "unknown symbols", 5],
      [carbonyl(head(v2000(1, 0)), atom("C", "nan"), end), "coordinates that are no numbers", 5],
      [carbonyl(head(v2000(1, 0)), atom("C", "**********"), end), "coordinates that are no numbers", 5],
      [carbonyl(head(v2000(2, 1)), two, "  1  2  7\n", end), "unknown bond orders", 7],
      [carbonyl(head(v2000(2, 1)), two, "  1  3  1\n", end), "bonds of no atom", 7],
      [carbonyl(head(v2000(2, 1)), two, end), disagree, 7],
      [carbonyl(head(v2000(2, 0)), two, "  1  2  1\n", end), disagree, 7],
      [carbonyl(head(v2000(1, 0)), two, end), disagree, 6],
      [carbonyl(head(v2000(3, 1)), two, "  1  2  1\n", end), disagree, 7],
      [carbonyl(head("nothing"), two, end), disagree, 4],
      [carbonyl("name\n$$$$\n"), disagree, 1],
      [carbonyl(head(v2000(1, 0)).slice("name\n".length), atom("C"), end), "misplaced header", 3],
      [carbonyl(head(v2000(1, 0)), atom("C"), "$$$$\n"), "no M  END", 5],
      [
        carbonyl(head(v2000(1, 0)), atom("C"), "M  END\n", head(v2000(1, 0)), atom("C"), end),
        "several molecules in a record",
        12,
      ],
      [
        carbonyl(
          head(v2000(2, 1), "  program 01012500002D"),
          atom("C", "0.0000", "0.0000"),
          atom("C", "0.8250", "0.0000"),
          "  1  2  1\n",
          end,
        ),
        "flat drawings",
        2,
      ],
      [
        carbonyl(
          head("  0  0  0     0  0            999 V3000"),
          "M  V30 COUNTS 1 0\nM  V30 BEGIN ATOM\nM  V30 1 * 0 0 1 0\n",
          end,
        ),
        placeholders,
        7,
      ],
    ],
  },
];

describe.each(formats)("records of $name that cannot be used", ({ parse, good, bad }) => {
  const lines = (text: string) => text.split("\n").length - 1;

  it("are left out one by one, with their reasons and lines; strict refuses them", () => {
    for (const [text, reason, line] of bad) {
      const all = good[0] + text + good[1];
      const read = parse(all, "some.file");
      const { leftOut } = read;
      expect([...read], text).toEqual([...parse(good[0] + good[1])]);
      expect(read.records).toBe(3);
      const at = lines(good[0]) + line;
      expect(leftOut, text).toEqual([
        { reason, count: 1, first: [{ record: 2, line: at, message: expect.any(String) }] },
      ]);
      const error = thrown(() => parse(all, "some.file", { strict: true })) as VoxtwirlError;
      expect(error.code).toBe("bad-file");
      expect(error.message).toBe(`some.file, line ${at}: ${leftOut[0]!.first[0]!.message}`);
      const alone = thrown(() => parse(text, "some.file")) as VoxtwirlError;
      expect([alone.code, alone.fix !== ""]).toEqual(["bad-file", true]);
      expect(alone.message).toMatch(new RegExp(`^some.file, line ${line}: `));
    }
  });

  it("leave the good ones as they are, whichever and however many there are", () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(...good).map((text) => ({ text, bad: undefined as Bad | undefined })),
        fc.constantFrom(...bad).map((one) => ({ text: one[0], bad: one })),
      ),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(pieces, fc.constantFrom(...good), (some, first) => {
        const all = [{ text: first, bad: undefined }, ...some];
        const read = parse(all.map(({ text }) => text).join(""));
        const alone = parse(
          all
            .filter((one) => one.bad === undefined)
            .map(({ text }) => text)
            .join(""),
        );
        expect([...read]).toEqual([...alone]);
        expect(read.records).toBe(all.length);
        const wanted = new Map<string, { record: number; line: number }[]>();
        let line = 0;
        all.forEach(({ text, bad }, i) => {
          if (bad !== undefined) {
            wanted.set(bad[1], [...(wanted.get(bad[1]) ?? []), { record: i + 1, line: line + bad[2] }]);
          }
          line += lines(text);
        });
        expect(read.leftOut.map(({ reason, count }) => [reason, count])).toEqual(
          [...wanted].map(([reason, list]) => [reason, list.length]),
        );
        read.leftOut.forEach(({ reason, first }) =>
          expect(first.map(({ record, line }) => ({ record, line }))).toEqual(wanted.get(reason)!.slice(0, 3)),
        );
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it("are told in a line for each reason", () => {
    const [one, other] = [bad[0]!, bad[2]!];
    const text = readingLines(parse(good[0] + one[0] + other[0] + good[0])).join("\n");
    expect(text).toMatch(/1 of 4 records left out: record 2 \(line \d+\): /);
    const five = readingLines(parse(good[0] + other[0].repeat(5)));
    expect(five).toHaveLength(1);
    expect(five[0]).toMatch(
      /^5 of 6 records left out: record 2 \(line \d+\): .*; .* in record 3 \(.*\), record 4 \(line \d+\) and 2 more$/,
    );
    const none = thrown(() => parse(one[0] + other[0])) as VoxtwirlError;
    expect(none.message).toMatch(/none of the 2 records can be used \(/);
  });
});

describe("files whose structure is lost", () => {
  const [first, second] = formats[1].good;
  it.each([
    [parseXyz, "1\n\nAr 0 0 0\n3\ncut off\nC 0 0 0.000\nO 0 0 1.100\n", "ends after 2 of 3"],
    [parseXyz, "2\nfewer atoms\nC 0 0 0\n1\n\nAr 0 0 0\n", "is the number of atoms in line 1 right?"],
    [parseXyz, "1\nmore atoms\nC 0 0 0\nO 0 0 1.1\n1\n\nAr 0 0 0\n", "the number in line 1 may be wrong"],
    [parseXyz, "1\n\nAr 0 0 0\nnonsense\n", 'found "nonsense"'],
    [parseXyz, "2\nX\nX 0 0 0\n\n1\n\nAr 0 0 0\n", 'found ""'],
    [parseSdf, `${first}${second.slice(0, -"M  END\n> <note>\ntext\n\n$$$$\n".length)}`, "M  END"],
    [parseSdf, `${first}${second.slice(0, -"$$$$\n".length)}`, "$$$$"],
    [parseSdf, `\n${first}${first}`, "1 line too many above it"],
  ])("are refused: %#", (parse, text, message) => {
    const error = thrown(() => parse(text, "some.file")) as VoxtwirlError;
    expect([error.code, error.fix !== ""]).toEqual(["bad-file", true]);
    expect(error.message).toContain(message);
  });
});
