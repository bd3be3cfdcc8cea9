import { describe, expect, it } from "vitest";
import { cyclic2, fullOctahedral, mirrors } from "../../src/equivariance/cubeGroups.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { degreeParts } from "../../src/equivariance/degrees.ts";
import { finiteGroup } from "../../src/equivariance/symmetryGroup.ts";
import { o3, octahedral, type Rotation, type RotationGroup } from "../../src/equivariance/groups.ts";
import { determinant } from "../../src/equivariance/matrices.ts";
import { parityParts } from "../../src/equivariance/parity.ts";
import { Random } from "../../src/random.ts";
import { shear, twistedBy, wild, type HostModel } from "./twistedBy.ts";

const random = new Random(8);
const normal = (length: number) => Float64Array.from({ length }, () => random.normal());
const [x, y] = [normal(9), normal(2)];
const bad = (code = "bad-option"): unknown => expect.objectContaining({ code });
const parted = (group: RotationGroup, rotations: readonly Rotation[], model = wild) =>
  parityParts(twistedBy(model, x, rotations, "scalars"), y, { group, rotations });
const hand: HostModel = (positions) => [determinant(positions), 1];

describe("parts by parity", () => {
  it.each([
    ["full-octahedral", fullOctahedral(), "A1u"],
    ["mirrors", mirrors(), "xyz"],
  ] as const)("of all elements are the part that is odd and not rotated, and the rest: %s", (_, group, odd) => {
    const rotations = group.enumerate!();
    const values = twistedBy(wild, x, rotations, "scalars");
    const found = parted(group, rotations);
    const { parts } = degreeParts(values, y, { group, rotations });
    expect(found.parity).toBeCloseTo(parts.find(({ name }) => name === odd)!.value, 10);
    expect(found.equiv).toBeCloseTo(2 * decompose(values, y, { groupOrder: group.order }).lossEquiv, 10);
    expect(found.rotation + found.parity).toBe(found.equiv);
  });

  it("are parity alone for a model that tells hands apart, rotation alone for one that is odd anyway", () => {
    const rotations = o3().sample(random, 24);
    const hands = parted(o3(), rotations, hand);
    expect(hands.rotation).toBeCloseTo(0, 12);
    expect(hands.parity).toBeCloseTo(determinant(x) ** 2, 10);
    const all = fullOctahedral().enumerate!();
    const sheared = parityParts(twistedBy(shear, x, all), normal(9), { group: fullOctahedral, rotations: all });
    expect(sheared.parity).toBeCloseTo(0, 12);
    expect(sheared.rotation).toBeCloseTo(x.reduce((sum, value) => sum + value * value, 0) / 3, 10);
  });

  it("are right in the mean over all sets of two proper and three improper elements", () => {
    const all = mirrors().enumerate!();
    const exact = parted(mirrors(), all);
    const sets = Array.from({ length: 256 }, (_, bits) => all.filter((_, i) => (bits >> i) & 1)).filter((set) => {
      const proper = set.filter((matrix) => determinant(matrix) > 0).length;
      return proper === 2 && set.length === 5;
    });
    expect(sets).toHaveLength(24);
    const found = sets.map((set) => parted(mirrors(), set));
    const mean = (name: "rotation" | "parity") => found.reduce((sum, one) => sum + one[name], 0) / sets.length;
    expect(mean("rotation")).toBeCloseTo(exact.rotation, 10);
    expect(mean("parity")).toBeCloseTo(exact.parity, 10);
  });

  it("are right in the mean over independent draws with replacement", () => {
    // Of every pair of proper and every pair of improper elements, as draws from the 8 would have them.
    const all = mirrors().enumerate!();
    const exact = parted(mirrors(), all);
    const halves = [1, -1].map((sign) => all.filter((matrix) => determinant(matrix) === sign));
    const pairs = halves.map((half) => half.flatMap((a) => half.map((b) => [a, b])));
    let [rotation, parity] = [0, 0];
    for (const proper of pairs[0]!) {
      for (const improper of pairs[1]!) {
        const found = parted(o3(), [...proper, ...improper]);
        rotation += found.rotation / 256;
        parity += found.parity / 256;
      }
    }
    expect(rotation).toBeCloseTo(exact.rotation, 10);
    expect(parity).toBeCloseTo(exact.parity, 10);
  });

  it("are refused without two of either kind, and for numbers that do not fit", () => {
    const [all, options] = [mirrors().enumerate!(), { group: mirrors, rotations: mirrors().enumerate!() }];
    expect(() => parted(octahedral(), octahedral().enumerate!())).toThrow(bad());
    expect(() => parted(cyclic2("x"), cyclic2("x").enumerate!())).toThrow(bad());
    expect(() => parted(mirrors(), [...all.slice(0, 2), all.find((matrix) => determinant(matrix) < 0)!])).toThrow(
      bad(),
    );
    const own = finiteGroup({ name: "own", elements: [1], inverse: () => 1, act: (_, values) => values });
    expect(() => parted(own as never, all)).toThrow(bad());
    expect(() => parityParts(new Float64Array(15), y, options)).toThrow(bad("bad-shape"));
    expect(() => parityParts(new Float64Array(16).fill(Infinity), y, options)).toThrow(bad("not-finite"));
  });
});
