import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { centroid } from "../../src/molecules/molecule.ts";
import {
  builtinBackbones,
  builtinBackbonesBytes,
  builtinBackbonesSha256,
} from "../../src/proteins/builtinBackbones.ts";
import { chainName, neighbourDistances } from "../../src/proteins/chain.ts";
import { sequenceFamilies } from "../../src/proteins/families.ts";
import { chainGeometry } from "../../src/proteins/geometry.ts";
import { cosSin } from "../../src/proteins/growing.ts";

const chains = builtinBackbones();

describe("the built-in backbones", () => {
  it("are what the hash says, made afresh for each caller", () => {
    expect(createHash("sha256").update(builtinBackbonesBytes()).digest("hex")).toBe(builtinBackbonesSha256);
    builtinBackbones()[0]!.positions.fill(0);
    expect(builtinBackbones()).toEqual(chains);
  });

  it("are 96 chains of 24 to 64 residues with names of their own, centred to what they are rounded to", () => {
    expect([chains.length, new Set(chains.map(chainName)).size]).toEqual([96, 96]);
    for (const { positions, sequence } of chains) {
      expect(sequence).toMatch(/^[ACDEFGHIKLMNPQRSTVWY]{24,64}$/);
      expect(Math.max(...centroid(positions).map(Math.abs))).toBeLessThan(5.01e-4);
      expect(positions.every((value) => value === Math.round(1000 * value) / 1000 && !Object.is(value, -0))).toBe(true);
    }
    const lengths = chains.map(({ sequence }) => sequence.length);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeGreaterThan(25);
  });

  it("have the geometry of C-alphas", () => {
    for (const chain of chains) {
      const { positions: p } = chain;
      const bonds = neighbourDistances(p).map((distance) => Math.abs(distance - 3.8));
      expect(Math.max(...bonds), chainName(chain)).toBeLessThan(0.003);
      // Of next neighbours, for virtual bond angles of 85 to 150 degrees; and of all others.
      const [least, most] = [85, 150].map((angle) => 2 * 3.8 * Math.sin((angle * Math.PI) / 360));
      const next: number[] = [];
      const others: number[] = [];
      for (let j = 2; j < chain.sequence.length; j++) {
        for (let i = 0; i < j - 1; i++) {
          const apart = Math.hypot(p[3 * j]! - p[3 * i]!, p[3 * j + 1]! - p[3 * i + 1]!, p[3 * j + 2]! - p[3 * i + 2]!);
          (i === j - 2 ? next : others).push(apart);
        }
      }
      expect(Math.min(...others), chainName(chain)).toBeGreaterThan(3.8);
      expect(Math.min(...next) > least! && Math.max(...next) < most!, chainName(chain)).toBe(true);
    }
  });

  it("are folds of all kinds: helices, strands, both and neither, compact and not", () => {
    const geometry = chains.map(({ positions }) => chainGeometry(positions));
    const share = (letter: "H" | "E") => geometry.map(({ counts, structure }) => counts[letter] / structure.length);
    const [helical, extended] = [share("H"), share("E")];
    expect(helical.filter((value) => value > 0.7).length).toBeGreaterThan(10);
    expect(extended.filter((value) => value > 0.6).length).toBeGreaterThan(10);
    expect(helical.filter((value, i) => value > 0.2 && extended[i]! > 0.2).length).toBeGreaterThan(3);
    expect(helical.filter((value, i) => value + extended[i]! < 0.2).length).toBeGreaterThan(8);
    expect(geometry.every(({ counts }) => counts.M < 6)).toBe(true);
    expect(
      geometry.filter(({ radiusOfGyration, expectedRadius }) => radiusOfGyration < 1.25 * expectedRadius).length,
    ).toBeGreaterThan(20);
  });

  it("are 32 families by their sequences, at any threshold of 0.2 to 0.3", () => {
    for (const similarity of [0.2, 0.3]) {
      const { family, families } = sequenceFamilies(
        chains.map(({ sequence }) => sequence),
        similarity,
      );
      expect(families).toBe(32);
      expect([...family]).toEqual(chains.map((_, i) => Math.floor(i / 3)));
    }
    expect(new Set(chains.map(({ sequence }) => sequence)).size).toBeGreaterThan(85);
  });
});

it("cosines and sines are right to the last bits at all angles", () => {
  for (let degrees = -720; degrees <= 720; degrees += 7.3) {
    const [cos, sin] = cosSin(degrees);
    expect(Math.abs(cos - Math.cos((degrees * Math.PI) / 180)), String(degrees)).toBeLessThan(4e-15);
    expect(Math.abs(sin - Math.sin((degrees * Math.PI) / 180)), String(degrees)).toBeLessThan(4e-15);
  }
});
