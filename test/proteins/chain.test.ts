import { describe, expect, it } from "vitest";
import { breaksOf, chainName, makeChain } from "../../src/proteins/chain.ts";
import { residueCode, residueName } from "../../src/proteins/residues.ts";
import { thrown } from "../formats/support.ts";

describe("makeChain", () => {
  it("fills in glycine, numbers from 1 and the chain A, and copies what it is given", () => {
    const positions = Float64Array.from([0, 0, 0, 4, 0, 0, 8.001, 0, 0]);
    const chain = makeChain({ positions });
    expect(chain).toEqual({
      chain: "A",
      positions,
      sequence: "GGG",
      residues: ["GLY", "GLY", "GLY"],
      numbers: Int32Array.from([1, 2, 3]),
      insertionCodes: ["", "", ""],
      breaks: Uint8Array.from([0, 1, 0]),
    });
    positions[0] = 9;
    expect(chain.positions[0]).toBe(0);
  });

  it.each([
    [{ positions: new Float64Array(0) }, /^the chain has 0 coordinates for 0 residues$/],
    [{ positions: new Float64Array(4) }, /^the chain has 4 coordinates/],
    [{ positions: Float64Array.from([0, Infinity, 0]) }, /not finite$/],
    [{ positions: new Float64Array(6), residues: ["ALA"] }, /^the chain has 6 coordinates for 1 residues$/],
    [{ positions: new Float64Array(3), numbers: new Int32Array(2) }, /^the chain has 3 coordinates/],
  ])("refuses parts that do not belong together (%#)", (parts, message) => {
    expect(thrown(() => makeChain(parts))).toMatchObject({
      code: "bad-molecule",
      message: expect.stringMatching(message),
    });
  });
});

it("breaks are where the next C-alpha is more than 4 A away, in all directions", () => {
  expect([...breaksOf([0, 0, 0, 0, 4, 0, 0, 8.01, 0, 2.4, 8, 3.3])]).toEqual([0, 1, 1, 0]);
});

it("names have entry, chain and model, each once", () => {
  expect(chainName({ entry: "1ABC", chain: "B", model: 3 })).toBe("1ABC_B/3");
  expect(chainName({ entry: "1ABC_B", chain: "B" })).toBe("1ABC_B");
  expect(chainName({ entry: "1ABC", chain: "" })).toBe("1ABC");
  expect(chainName({ chain: "" })).toBe("");
});

it("letters are those of amino acids and of what comes from them, whatever the case", () => {
  const letters = "ACDEFGHIKLMNPQRSTVWYUO";
  expect(Array.from(letters, (letter) => residueCode(residueName(letter)!)).join("")).toBe(letters);
  expect(["mse", "CYX", "HOH", "DA", "", "CA"].map(residueCode).join("")).toBe("MCXXXX");
  expect([residueName("X"), residueName("a")]).toEqual([undefined, "ALA"]);
});
