import { expect, it } from "vitest";
import { chainArrays, timeFeatures } from "../../src/models/flowInputs.ts";

const config = {
  ...{ hidden: 8, layers: 1, heads: 1, conditioning: 4, pair: 4 },
  ...{ timeEmbedding: 4, indexEmbedding: 2, registers: 2 },
};

it("chains have registers before their residues, then padding", () => {
  const arrays = chainArrays(config, { lengths: [3, 1], places: 3, breaks: [[1]] });
  expect(Array.from(arrays.residues)).toEqual([0, 0, 1, 1, 1, 0, 0, 1, 0, 0]);
  expect(Array.from(arrays.tokens)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  expect(Array.from(arrays.chains)).toEqual([1, 1, 0]);
  const none = 0xffffffff;
  expect(Array.from(arrays.registerRows)).toEqual([0, 1, none, none, none, 0, 1, none, none, none]);
  const breaks = Array.from({ length: 10 }, (_, token) => arrays.placeFeatures[3 * token + 2]);
  expect(breaks).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  // Residue 1 is at angle pi.
  expect(arrays.placeFeatures[3 * 2 + 1]).toBe(-1);
  expect(arrays.placeFeatures[3 * 3 + 1]).toBe(1);
});

it("chains that are empty or too long are refused, and so are times outside [0, 1]", () => {
  expect(() => chainArrays(config, { lengths: [4], places: 3 })).toThrow(/the length of a chain is 4/);
  expect(() => chainArrays(config, { lengths: [0], places: 3 })).toThrow(/the length of a chain is 0/);
  expect(() => timeFeatures(config, [1.5])).toThrow(/a time is 1.5/);
  expect(() => timeFeatures(config, [NaN])).toThrow(/a time is NaN/);
  expect(Array.from(timeFeatures(config, [0]))).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
});
