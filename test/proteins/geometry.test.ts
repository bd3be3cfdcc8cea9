import { describe, expect, it } from "vitest";
import { chainGeometry } from "../../src/proteins/geometry.ts";
import { builtinBackbones } from "../../src/proteins/builtinBackbones.ts";
import { dihedral, secondaryStructure } from "../../src/proteins/secondaryStructure.ts";
import { thrown, turned } from "../formats/support.ts";
import { screw } from "./helpers.ts";

const mirrored = (positions: Float64Array) => positions.map((value, i) => (i % 3 === 2 ? -value : value));

describe("secondaryStructure", () => {
  it("knows ideal helices of either hand, strands, and chains that are neither", () => {
    expect(secondaryStructure(screw(12, 91, 50))).toBe("H".repeat(12));
    expect(secondaryStructure(screw(12, 91, -50))).toBe("M".repeat(12));
    expect(secondaryStructure(mirrored(screw(12, 91, 50)))).toBe("M".repeat(12));
    expect(secondaryStructure(screw(12, 124, -170))).toBe(`-${"E".repeat(10)}-`);
    for (const [angle, turn] of [
      [110, 90],
      [91, 120],
      [145, -170],
      [124, -100],
    ] as const) {
      expect(secondaryStructure(screw(12, angle, turn)), `${angle} ${turn}`).toBe("-".repeat(12));
    }
  });

  it("needs five residues", () => {
    expect([4, 5].map((n) => secondaryStructure(screw(n, 91, 50)))).toEqual(["----", "HHHHH"]);
    expect([4, 5].map((n) => secondaryStructure(screw(n, 124, -170)))).toEqual(["----", "-EEE-"]);
    expect([0, 1].map((n) => secondaryStructure(screw(n, 91, 50)))).toEqual(["", "-"]);
  });

  it("is the same in any pose, and in the built-in backbones that of their folds", () => {
    for (const { positions } of builtinBackbones()) {
      expect(secondaryStructure(turned(positions, 3, [5, -8, 2]))).toBe(secondaryStructure(positions));
    }
    const of = (name: string) => secondaryStructure(builtinBackbones().find(({ entry }) => entry === name)!.positions);
    expect(of("builtin-twoHelices-1")).toMatch(/^-?H{9,}-*H{9,}$/);
    expect(of("builtin-sheet-1")).toMatch(/^-E{5,}--E{5,}--E{5,}--E{5,}-$/);
  });

  it("takes a dihedral's sign from the hand of the screw", () => {
    expect(dihedral(screw(4, 100, 60), 0)).toBeCloseTo(60, 10);
    expect(dihedral(mirrored(screw(5, 100, 60)), 1)).toBeCloseTo(-60, 10);
    expect(Math.abs(dihedral(screw(4, 100, 180), 0))).toBeCloseTo(180, 10);
  });
});

describe("chainGeometry", () => {
  it("counts neighbours by their distances, and clashes of others", () => {
    // Along x, then back over the first two.
    const x = [0, 3.8, 6.75, 10.4, 14.3, 18.4];
    const positions = Float64Array.from([...x.flatMap((value) => [value, 0, 0]), 14.6, 0, 3.4]);
    const geometry = chainGeometry(positions);
    expect(geometry).toMatchObject({ neighbours: 6, trans: 1, cis: 1, breaks: 2, clashes: 1 });
    expect(geometry.meanNeighbour).toBeCloseTo((18.4 + Math.hypot(3.8, 3.4)) / 6, 12);
    expect(chainGeometry(screw(20, 91, 50))).toMatchObject({
      neighbours: 19,
      trans: 19,
      cis: 0,
      breaks: 0,
      clashes: 0,
    });
  });

  it("gives the radius of gyration beside that of folded proteins, and counts of structure", () => {
    const straight = Float64Array.from({ length: 30 }, (_, i) => (i % 3 === 1 ? 3.8 * Math.floor(i / 3) : 7));
    const { radiusOfGyration, expectedRadius, counts } = chainGeometry(straight);
    expect(radiusOfGyration).toBeCloseTo(3.8 * Math.sqrt((10 ** 2 - 1) / 12), 12);
    expect(expectedRadius).toBeCloseTo(2.2 * 10 ** 0.38, 12);
    expect(counts).toEqual({ H: 0, M: 0, E: 0, "-": 10 });
    expect(chainGeometry(screw(30, 91, 50)).counts).toEqual({ H: 30, M: 0, E: 0, "-": 0 });
  });

  it("takes one residue, and refuses none", () => {
    expect(chainGeometry([1, 2, 3])).toMatchObject({ neighbours: 0, meanNeighbour: NaN, radiusOfGyration: 0 });
    for (const positions of [[], [1, 2, 3, 4]]) {
      expect(thrown(() => chainGeometry(positions))).toMatchObject({ code: "bad-shape" });
    }
  });
});
