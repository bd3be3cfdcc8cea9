import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import type { LeftOutRecord } from "../../src/formats/records.ts";
import { parseXyzFrames, readXyzFrames } from "../../src/formats/xyzStream.ts";
import type { NumberedFrame } from "../../src/molecules/frame.ts";
import { checkFrame, plain } from "./frames.ts";
import { fuzzTexts } from "./fuzz.ts";
import { processorTime, thrown } from "./support.ts";

const one = (comment: string, ...atoms: string[]) => {
  const lines = atoms.length === 0 ? ["O 1 2 3"] : atoms;
  return parseXyzFrames(`${lines.length}\n${comment}\n${lines.join("\n")}\n`)[0]!;
};
const info = (comment: string) => Object.fromEntries(one(comment).info);

async function collect(chunks: string[]): Promise<NumberedFrame[]> {
  const frames: NumberedFrame[] = [];
  for await (const frame of readXyzFrames(chunks)) frames.push(frame);
  return frames;
}

const several = [
  '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5\n' +
    "O 1 2 3 4 5 6\nh 1 2 4 0 0 0\n",
  "1\ngdb 7\t1 2\nC\t0\t0\t2*^-1\t9\n1.0\nC\tC\t\nInChI=1S/CH4/h1H4\tInChI=1S/CH4/h1H4\n",
  "\n1\nx\nAr 0 0 0\nVEC1 5 0 0\nVEC2 0 6 0\n1\n\nX 0 0 0\n\n \n",
];

describe("readXyzFrames", () => {
  it("reads everything that a frame has", () => {
    const comment =
      'Lattice="1 2 3 4 5 6 7 8 9.5" Origin="-1 0 1D0" pbc="T F T" energy=-1.5 ' +
      'label="a \\"b\\" c" ok=T free config_type=x ' +
      "Properties=tag:I:1:pos:R:3:Z:I:1:moved:L:2:name:S:1:forces:R:3";
    const frame = one(
      comment,
      "7 1 2 3 8 T F o1 .5 -1d-1 nan",
      "\t-8\t1\t2\t4\t1\tTrue\tFALSE\th1\tinf\t-inf\t1e999 9",
    );
    expect(plain(frame)).toEqual({
      number: 1,
      line: 1,
      elements: Uint8Array.of(8, 1),
      positions: Float64Array.of(1, 2, 3, 1, 2, 4),
      cell: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9.5),
      pbc: [true, false, true],
      origin: Float64Array.of(-1, 0, 1),
      arrays: {
        tag: { kind: "I", width: 1, values: [7, -8] },
        moved: { kind: "L", width: 2, values: [1, 0, 1, 0] },
        name: { kind: "S", width: 1, values: ["o1", "h1"] },
        forces: { kind: "R", width: 3, values: [0.5, -0.1, NaN, Infinity, -Infinity, Infinity] },
      },
      info: { energy: -1.5, label: 'a "b" c', ok: true, free: true, config_type: "x" },
    });
  });

  it.each([
    ["a=1 b=-2.5d1 c=T d=false e=nan", { a: 1, b: -25, c: true, d: false, e: NaN }],
    ["a=\"1 2 3\" b={4 5} c='T F' d=6,7", { a: [1, 2, 3], b: [4, 5], c: [true, false], d: [6, 7] }],
    [
      "a=[1, 2.5] b=[[1 2] [3 4]] c=[T, F] d=[\"x, y\", 'z', w]",
      {
        a: [1, 2.5],
        b: [
          [1, 2],
          [3, 4],
        ],
        c: [true, false],
        d: ["x, y", "z", "w"],
      },
    ],
    [
      'a="_JSON {\\"b\\": [1, null]}" c="_JSON [[1, NaN]]" d="_JSON \\"12\\""',
      { a: { b: [1, null] }, c: [[1, NaN]], d: "12" },
    ],
    ['"a b"=1 note="c=2 d" e = 3 \'f\' g', { "a b": 1, note: "c=2 d", e: 3, g: true }],
    [
      'a="x\\ny\\\\z\\"" b=12345678901234567890 c="" d=1_0',
      { a: 'x\ny\\z"', b: "12345678901234567890", c: "", d: "1_0" },
    ],
    ["a=[1, 2 b=3", { a: "[1,", b: 3 }],
    ['a={x b="y', { a: "{x", b: '"y' }],
    ["a=1 A=2 a=3", { a: 1, A: 2 }],
    ["water molecule 1", { comment: "water molecule 1" }],
    ["gdb 12\t1.5 2", { comment: "gdb 12" }],
    ["", {}],
  ])("reads the values of %j", (comment, expected) => {
    expect(info(comment)).toEqual(expected);
  });

  it.each([
    ['Lattice="9 0 0 0 9 0 0 0 9"', [true, true, true], [9, 0, 0, 0, 9, 0, 0, 0, 9]],
    ["Lattice=[[1,0,0],[0,2,0],[1,1,3]] pbc=[T,F,F]", [true, false, false], [1, 0, 0, 0, 2, 0, 1, 1, 3]],
    ['lattice="7 8 9" pbc=F', [false, false, false], [7, 0, 0, 0, 8, 0, 0, 0, 9]],
    ['pbc="1 0 True"', [true, false, true], undefined],
    ["x=1", [false, false, false], undefined],
  ])("reads the cell of %j", (comment, pbc, cell) => {
    const frame = one(comment);
    expect([frame.pbc, frame.cell && [...frame.cell]]).toEqual([pbc, cell]);
  });

  it("takes D and T for hydrogen, X, Xx, Du and 0 for dummy atoms, and symbols in any case", () => {
    const symbols = ["D", "t", "X", "xx", "Du", "0", "cL", "17", "C_3"];
    const frame = one("", ...symbols.map((symbol) => `${symbol} 0 0 0`));
    expect([...frame.elements]).toEqual([1, 1, 0, 0, 0, 0, 17, 17, 6]);
  });

  it("is the same however the text is cut", async () => {
    const text = several.join("");
    const whole = parseXyzFrames(text).map(plain);
    expect(whole.map(({ number, line }) => [number, line])).toEqual([
      [1, 1],
      [2, 5],
      [3, 12],
      [4, 17],
    ]);
    expect(whole[2]).toMatchObject({ pbc: [true, true, false], cell: Float64Array.of(5, 0, 0, 0, 6, 0, 0, 0, 0) });
    for (const ends of ["\n", "\r\n", "\r"]) {
      const turned = `\ufeff${text.replaceAll("\n", ends)}`;
      for (const size of [1, 2, 7, 1000]) {
        const chunks = Array.from({ length: Math.ceil(turned.length / size) }, (_, i) =>
          turned.slice(size * i, size * (i + 1)),
        );
        expect((await collect(chunks)).map(plain)).toEqual(whole);
      }
    }
  });

  it("looks at no line again and again while a large frame comes in small pieces", async () => {
    const lines = `C 0.123 0.456 0.789\n`;
    const chunks = ["40000\n\n", ...Array.from({ length: 40_000 }, () => lines), "1\n\nH 0 0 0"];
    const start = processorTime();
    expect((await collect(chunks)).map(({ elements }) => elements.length)).toEqual([40_000, 1]);
    expect(processorTime() - start).toBeLessThan(2000);
  });

  it.each([
    ["2\n\nC 0 0 0\nQq 0 0 0\n", 'frame 1, line 4: expected atom 2 of 2, but "Qq" is no element'],
    ["1\n\nBq 0 0 0\n", 'frame 1, line 3: expected atom 1 of 1, but "Bq" is no element'],
    ["1\n\nC 0 0 0\n1\n\nC 0 nan 0\n", 'frame 2, line 6: expected three coordinates in Angstrom after "C"'],
    [
      "1\nProperties=species:S:1:pos:R:3:f:R:3\nC 0 0 0 1 2\n",
      'frame 1, line 3: atom 1 of 1 has "1 2" for "f", not 3 real numbers',
    ],
    ["1\nProperties=species:S:1:pos:R:3:n:I:1\nC 0 0 0 1.5\n", 'has "1.5" for "n", not a whole number'],
    ["1\nProperties=species:S:1:pos:R:3:n:L:1\nC 0 0 0 maybe\n", "not a truth value"],
    ["1\nProperties=species:S:1:pos:R:3:f:R:1\nC 0 0 0 ****\n", 'has "****" for "f"'],
    ['1\nLattice="1 2"\nC 0 0 0\n', 'frame 1, line 2: lattice is "1 2"'],
    ['1\npbc="T maybe T"\nC 0 0 0\n', 'frame 1, line 2: pbc is "T maybe T"'],
    ["1\n\nC 0 0 0\nVEC1 1 0\n", "frame 1, line 4: expected three numbers after VEC1"],
    ["0\n\n", "frame 1, line 1: a molecule of 0 atoms"],
  ])("refuses %j by number and line, or leaves it out", (text, message) => {
    const error = thrown(() => parseXyzFrames(text, "a.xyz")) as VoxtwirlError;
    expect([error.code, error.message]).toEqual(["bad-file", expect.stringContaining(message)]);
    expect(error.message).toContain("a.xyz, frame ");
    const left: LeftOutRecord[] = [];
    const frames = parseXyzFrames(`${text}1\n\nHe 0 0 0\n`, "a.xyz", { onLeftOut: (record) => left.push(record) });
    expect(frames.at(-1)).toMatchObject({ elements: Uint8Array.of(2), number: frames.length + 1 });
    expect(left).toHaveLength(1);
    expect(error.message).toContain(left[0]!.message);
  });

  it.each([
    ["", "a.xyz holds no frame"],
    ["\n \n", "a.xyz holds no frame"],
    ["hello\n", 'a.xyz, line 1: expected a number of atoms, found "hello"'],
    ["2\n\nC 0 0 0\n", "more than the rest of the file can hold"],
    ["2\n\nC 0.000 0.000 0.000\n", "a.xyz, line 3: the file ends after 1 of 2 atoms"],
    ["999999999\n\nC 0 0 0\n", "a.xyz, line 1: 999999999 atoms are announced"],
  ])("refuses %j, which is no such file", (text, message) => {
    const error = thrown(() => parseXyzFrames(text, "a.xyz", { onLeftOut: () => undefined })) as VoxtwirlError;
    expect([error.code, error.message]).toEqual(["bad-file", expect.stringContaining(message)]);
  });

  it("never fails but by a bad-file error, and never gives an incoherent frame", () =>
    fuzzTexts(
      (text, file) => parseXyzFrames(text, file),
      [
        ...several,
        several.join(""),
        '1\na=[1, "x"] b="_JSON {}" Origin="1 2 3" Properties=pos:R:3:Z:I:1:l:L:1\n1 2 3 4 T\n',
      ],
      ['"', "\\", "[", "]", "{", "=", "_JSON ", "Lattice=", 'pbc="T T T"', "Properties=Z:I:1:pos:R:3:x:S:1", "VEC1 "],
      checkFrame,
    ));

  it("takes no longer than a comment deserves that is all quotes and brackets", () => {
    const start = processorTime();
    for (const part of ["a={", "a=[", "a=[[", 'a="', "' ", '"', "=", "a = ", "[", "\\", 'a="_JSON [', "a=[1,"]) {
      parseXyzFrames(`1\n${part.repeat(5e4)}=\nC 0 0 0\n`);
    }
    expect(processorTime() - start).toBeLessThan(3000);
  });
});
