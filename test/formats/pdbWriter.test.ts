import { describe, expect, it } from "vitest";
import { parsePdb } from "../../src/formats/pdb.ts";
import { encodePdb } from "../../src/formats/pdbWriter.ts";
import { builtinBackbones } from "../../src/proteins/builtinBackbones.ts";
import { makeChain, type ChainParts } from "../../src/proteins/chain.ts";
import { thrown } from "./support.ts";

const straight = (n: number, parts: Partial<ChainParts> = {}) =>
  makeChain({ positions: Float64Array.from({ length: 3 * n }, (_, i) => (i % 3 === 0 ? 1.25 * i : 0)), ...parts });

describe("encodePdb", () => {
  it("writes a chain in the format's columns", () => {
    const chain = straight(2, {
      positions: Float64Array.from([1.23456, -999.999, 9999.999, -0.0001, 0.0005, 2]),
      residues: ["GLY", "MSE"],
      numbers: Int32Array.from([-9, 9999]),
      insertionCodes: ["", "B"],
      chain: "x",
    });
    expect(encodePdb([chain]).split("\n")).toEqual([
      "ATOM      1  CA  GLY x  -9       1.235-999.9999999.999  1.00  0.00           C  ",
      "ATOM      2  CA  MSE x9999B      0.000   0.001   2.000  1.00  0.00           C  ",
      "TER       3      MSE x9999B                                                     ",
      "END                                                                             ",
      "",
    ]);
  });

  it("writes a model for each of several chains, which parsePdb reads back", () => {
    const chains = builtinBackbones().slice(0, 12);
    const text = encodePdb(chains);
    expect(text.match(/^MODEL {5} {2}\d\d/gm)).toHaveLength(3);
    expect(text.match(/^.*$/gm)!.every((line) => line.length === 80 || line === "")).toBe(true);
    const read = parsePdb(text, "f", { models: "all" });
    expect(read.map(({ model }) => model ?? 1)).toEqual(chains.map((_, i) => i + 1));
    for (const [i, { positions, sequence, numbers, chain }] of chains.entries()) {
      expect(read[i]).toMatchObject({ positions, sequence, numbers, chain });
    }
    expect([...parsePdb(encodePdb([straight(3)]))]).toEqual([straight(3)]);
  });

  it.each<[string, ChainParts, RegExp]>([
    [
      "coordinates too large",
      straight(1, { positions: Float64Array.from([0, 1e4, 0]) }),
      /a coordinate of 10000\.000 A/,
    ],
    ["and too small", straight(1, { positions: Float64Array.from([0, 0, -999.9996]) }), /coordinate of -1000\.000 A/],
    ["numbers of five digits", straight(1, { numbers: Int32Array.from([10_000]) }), /the residue number 10000$/],
    ["long names of residues", straight(1, { residues: ["A1LU6"] }), /the name of residue 0 of chain 0 is "A1LU6"$/],
    ["long names of chains", straight(1, { chain: "AA" }), /^the name of chain 0 is "AA"$/],
    ["long insertion codes", straight(1, { insertionCodes: ["AB"] }), /^an insertion code of chain 0 is "AB"$/],
  ])("refuses %s", (_, parts, message) => {
    expect(thrown(() => encodePdb([makeChain(parts)]))).toMatchObject({
      code: "bad-molecule",
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/^Change it: of the columns of a PDB file, .*\.$/),
    });
  });

  it("refuses places that are not finite, no chains, and more than the numbers of models hold", () => {
    const chain = { ...straight(1), positions: Float64Array.from([0, NaN, 0]) };
    expect(thrown(() => encodePdb([chain]))).toMatchObject({ code: "bad-molecule" });
    expect(thrown(() => encodePdb([]))).toMatchObject({ code: "bad-option" });
    const many = Array.from({ length: 10_000 }, () => straight(1));
    expect(thrown(() => encodePdb(many))).toMatchObject({ message: "10000 chains are not possible in a PDB file" });
  });
});
