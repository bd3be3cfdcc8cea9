import { describe, expect, it } from "vitest";
import { cyclic2, cyclic4, fullOctahedral, mirrors } from "../../src/equivariance/cubeGroups.ts";
import { decompose } from "../../src/equivariance/decomposition.ts";
import { degreeParts, quadratureSteps, resolvedDegree, type DegreeParts } from "../../src/equivariance/degrees.ts";
import { o3, octahedral, so3, type Rotation, type RotationGroup } from "../../src/equivariance/groups.ts";
import { determinant } from "../../src/equivariance/matrices.ts";
import { quadrature } from "../../src/equivariance/quadrature.ts";
import { Random } from "../../src/random.ts";
import { shear, twistedBy, wild, type HostModel } from "./twistedBy.ts";

const random = new Random(3);
const normal = (length: number) => Float64Array.from({ length }, () => random.normal());
const [x, y, y2] = [normal(9), normal(9), normal(2)];
const square = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
const bad = (code = "bad-option"): unknown => expect.objectContaining({ code });
const valuesOf = ({ parts }: DegreeParts) => Object.fromEntries(parts.map(({ name, value }) => [name, value]));
const expectParts = (found: DegreeParts, expected: Readonly<Record<string, number>>) => {
  for (const [name, value] of Object.entries(valuesOf(found))) expect(value).toBeCloseTo(expected[name] ?? 0, 10);
};
const wildParts = (group: RotationGroup, rotations: readonly Rotation[], degree?: number) =>
  degreeParts(twistedBy(wild, x, rotations, "scalars"), y2, { group, rotations, degree });

describe("parts by degree", () => {
  it.each([5, 7] as const)("of forces z e_x are half of degree 1 and half of degree 2: quadrature of %i", (degree) => {
    const group = quadrature(degree);
    const rotations = group.enumerate!();
    const found = degreeParts(twistedBy(shear, x, rotations), y, { group, rotations });
    expectParts(found, { 1: square(x) / 6, 2: square(x) / 6 });
    expect(found.equiv).toBeCloseTo(square(x) / 3, 10);
    expect(found.mean).toBeCloseTo(square(y), 10);
    expect(found.remainder).toBeCloseTo(0, 10);
    const steps = quadratureSteps(found);
    expect(steps.slice(0, 2)).toEqual([
      { degree: 1, equiv: expect.closeTo(square(x) / 6, 10) as number },
      { degree: 2, equiv: expect.closeTo(square(x) / 3, 10) as number },
    ]);
  });

  it("of the same forces are T1 and T2 of the cube", () => {
    const rotations = octahedral().enumerate!();
    const found = degreeParts(twistedBy(shear, x, rotations), y, { group: octahedral, rotations });
    expectParts(found, { T1: square(x) / 6, T2: square(x) / 6 });
  });

  it("of Legendre polynomials are of one degree", () => {
    const legendre: HostModel[] = [
      ([, , z]) => [z!],
      ([, , z]) => [1.5 * z! ** 2 - 0.5],
      ([, , z]) => [2.5 * z! ** 3 - 1.5 * z!],
      ([, , z]) => [(35 * z! ** 4 - 30 * z! ** 2 + 3) / 8],
      ([, , z]) => [(63 * z! ** 5 - 70 * z! ** 3 + 15 * z!) / 8],
    ];
    const group = quadrature(11);
    const rotations = group.enumerate!();
    const place = Float64Array.of(2 / 3, -1 / 3, 2 / 3);
    for (const [i, model] of legendre.entries()) {
      const found = degreeParts(twistedBy(model, place, rotations, "scalars"), [0.5], { group, rotations });
      expectParts(found, { [i + 1]: 1 / (2 * i + 3) });
      expect(found.mean).toBeCloseTo(0.25, 12);
    }
  });

  it("are 0u alone for a model that tells hands apart", () => {
    const hand: HostModel = ([a, b, c, d, e, f, g, h, i]) => [determinant([a!, b!, c!, d!, e!, f!, g!, h!, i!])];
    const volume = determinant(x);
    for (const [group, name] of [
      [fullOctahedral(), "A1u"],
      [mirrors(), "xyz"],
    ] as const) {
      const rotations = group.enumerate!();
      expectParts(degreeParts(twistedBy(hand, x, rotations, "scalars"), [0], { group, rotations }), {
        [name]: volume ** 2,
      });
    }
  });
});

/** P by the matrix elements of representations: d sum over m, m' of |mean of D_mm' F|^2. */
function byElements(rotations: readonly Rotation[], values: Float64Array, of: (r: Rotation) => number[][]): number {
  const d = of(rotations[0]!).length;
  const length = values.length / rotations.length;
  let sum = 0;
  for (let m = 0; m < d; m++) {
    for (let n = 0; n < d; n++) {
      for (let e = 0; e < length; e++) {
        const terms = rotations.map((r, i) => of(r)[m]![n]! * values[i * length + e]!);
        sum += d * (terms.reduce((total, value) => total + value, 0) / rotations.length) ** 2;
      }
    }
  }
  return sum;
}

const rows = (r: Rotation) => [r.slice(0, 3), r.slice(3, 6), r.slice(6, 9)];
const swap = (r: Rotation) => determinant(r.map(Math.abs));
const quadrupoles = [
  [Math.SQRT1_2, -Math.SQRT1_2, 0],
  [-1 / Math.sqrt(6), -1 / Math.sqrt(6), 2 / Math.sqrt(6)],
];
const scaled = (matrix: number[][], factor: number) => matrix.map((row) => row.map((value) => factor * value));
const cube: Readonly<Record<string, (proper: Rotation) => number[][]>> = {
  A1: () => [[1]],
  A2: (r) => [[swap(r)]],
  E: (r) =>
    quadrupoles.map((u) =>
      quadrupoles.map((v) =>
        r.reduce((sum, value, at) => sum + u[Math.floor(at / 3)]! * Math.abs(value) * v[at % 3]!, 0),
      ),
    ),
  T1: rows,
  T2: (r) => scaled(rows(r), swap(r)),
};
const even = (r: Rotation) => r.map((value) => determinant(r) * value);
const axes = { x: 0, y: 4, z: 8 };
const elements: [RotationGroup, Readonly<Record<string, (r: Rotation) => number[][]>>][] = [
  [octahedral(), cube],
  [
    fullOctahedral(),
    Object.fromEntries(
      Object.entries(cube).flatMap(([name, of]) => [
        [`${name}g`, (r: Rotation) => of(even(r))],
        [`${name}u`, (r: Rotation) => scaled(of(even(r)), determinant(r))],
      ]),
    ),
  ],
  [
    mirrors(),
    Object.fromEntries(
      ["x", "y", "z", "xy", "xz", "yz", "xyz"].map((name) => [
        name,
        (r: Rotation) => [[Array.from(name).reduce((sign, axis) => sign * r[axes[axis as "x"]]!, 1)]],
      ]),
    ),
  ],
  [cyclic2("y"), { 1: (r) => [[r[0]!]] }],
  // The rotations themselves are the pair of frequency 1, as real matrices.
  [cyclic4("z"), { 1: (r) => [r.slice(0, 2), r.slice(3, 5)], 2: (r) => [[r[0]! ** 2 - r[1]! ** 2]] }],
];

describe.each(elements)("parts under %#", (group, representations) => {
  const all = group.enumerate!();
  const values = twistedBy(wild, x, all, "scalars");
  const exact = wildParts(group, all);

  it("are those of the representations' matrices, and add up to L_equiv", () => {
    const offset = values.map((value, at) => value - y2[at % 2]!);
    // A pair of conjugates is real of dimension 2 but has half the weight of one that is irreducible over C.
    const half = (name: string) => (group.name === "cyclic4-z" && name === "1" ? 0.5 : 1);
    for (const { name, value } of exact.parts) {
      const expected = half(name) * byElements(all, offset, representations[name]!);
      expect([name, value]).toEqual([name, expect.closeTo(expected, 10)]);
    }
    const { lossEquiv, lossMean } = decompose(values, y2, { groupOrder: group.order });
    expect(exact.equiv).toBeCloseTo(2 * lossEquiv, 10);
    expect(exact.mean).toBeCloseTo(2 * lossMean, 10);
    expect(exact.parts.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(exact.equiv, 10);
    expect(exact.remainder).toBe(0);
  });

  it("are right in the mean over all pairs of elements", () => {
    const sums: Record<string, number> = {};
    for (let i = 0; i < all.length; i++) {
      for (let j = 0; j < i; j++) {
        const some = wildParts(group, [all[i]!, all[j]!]);
        for (const { name, value } of some.parts) sums[name] = (sums[name] ?? 0) + value;
      }
    }
    const pairs = (all.length * (all.length - 1)) / 2;
    for (const { name, value } of exact.parts) expect(sums[name]! / pairs).toBeCloseTo(value, 9);
  });
});

describe("parts from independent draws", () => {
  it("are right in the mean over all pairs that a quadrature draws from", () => {
    const rule = quadrature(5);
    const [all, weights] = [rule.enumerate!(), rule.weights!];
    const values = twistedBy(shear, x, all);
    const found = [0, 0, 0];
    for (let i = 0; i < all.length; i++) {
      for (let j = 0; j <= i; j++) {
        const pair = Float64Array.from([...values.subarray(9 * i, 9 * i + 9), ...values.subarray(9 * j, 9 * j + 9)]);
        const { parts, equiv } = degreeParts(pair, y, { group: so3, rotations: [all[i]!, all[j]!], degree: 2 });
        const weight = (i === j ? 1 : 2) * weights[i]! * weights[j]!;
        [equiv, ...parts.map(({ value }) => value)].forEach((value, k) => (found[k]! += weight * value));
      }
    }
    expect(found[0]).toBeCloseTo(square(x) / 3, 9);
    expect(found[1]).toBeCloseTo(square(x) / 6, 9);
    expect(found[2]).toBeCloseTo(square(x) / 6, 9);
  });

  it.each<[string, RotationGroup, string[]]>([
    ["so3", so3(), ["1", "2"]],
    ["o3", o3(), ["1g", "2g", "0u", "1u", "2u"]],
  ])("scatter about those of many rotations, and add up with the remainder: %s", (_, group, names) => {
    const rule = quadrature(11).enumerate!();
    const draws = Array.from({ length: 200 }, (_, seed) => wildParts(group, group.sample(new Random(seed), 24), 2));
    expect(draws[0]!.parts.map(({ name }) => name)).toEqual(names);
    for (const { parts, equiv, remainder } of draws) {
      expect(parts.reduce((sum, { value }) => sum + value, remainder)).toBeCloseTo(equiv, 9);
    }
    const rotated = twistedBy(wild, x, rule, "scalars");
    const inverted = twistedBy(
      wild,
      x,
      rule.map((r) => r.map((value) => -value)),
      "scalars",
    );
    const parted = (values: Float64Array, target: ArrayLike<number>) =>
      degreeParts(values, target, { group: quadrature(11), rotations: rule });
    const sign = group.name === "o3" ? 1 : 0;
    const halves = [1, -1].map((s) => rotated.map((value, i) => (sign ? (value + s * inverted[i]!) / 2 : value)));
    for (const [k, name] of names.entries()) {
      const l = Number(name[0]);
      const exact = parted(halves[name.endsWith("u") ? 1 : 0]!, [0, 0]);
      const expected = l === 0 ? exact.mean : exact.parts[l - 1]!.value;
      const found = draws.map(({ parts }) => parts[k]!.value);
      const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
      const variance = found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (found.length - 1);
      expect(Math.abs(mean - expected)).toBeLessThan(4.5 * Math.sqrt(variance / found.length));
    }
  });

  it("resolve degrees of which there are no more functions than draws", () => {
    expect([9, 10, 24, 34, 35, 84, 165].map((draws) => resolvedDegree(draws))).toEqual([0, 1, 1, 1, 2, 3, 4]);
    expect([19, 20, 69, 70].map((draws) => resolvedDegree(draws, { inversion: true }))).toEqual([0, 1, 1, 2]);
    expect(wildParts(so3(), so3().sample(random, 24)).parts.map(({ degree }) => degree)).toEqual([1]);
    expect(wildParts(o3(), o3().sample(random, 9)).parts.map(({ name }) => name)).toEqual(["0u"]);
  });
});

describe("parts are refused", () => {
  const haar = so3().sample(random, 4);
  const cubes = octahedral().enumerate!();
  it.each<[string, RotationGroup, readonly Rotation[], number?]>([
    ["one rotation", so3(), haar.slice(0, 1)],
    ["rotations that are not of the group", octahedral(), haar],
    ["one element twice", octahedral(), [cubes[3]!, cubes[3]!]],
    ["reflections of SO(3)", so3(), fullOctahedral().enumerate!().slice(22, 26)],
    ["skewed matrices", o3(), [cubes[0]!, [1, 0.5, 0, 0, 1, 0, 0, 0, 1]]],
    ["part of a quadrature", quadrature(5), quadrature(5).enumerate!().slice(0, 9)],
    ["a quadrature in another order", quadrature(3), quadrature(3).enumerate!().reverse()],
    ["a degree above half a quadrature's", quadrature(5), quadrature(5).enumerate!(), 3],
    ["a degree of a finite group", octahedral(), cubes, 1],
    ["a group that is not known", { ...octahedral(), name: "own" }, cubes],
  ])("%s", (_, group, rotations, degree) => {
    expect(() => wildParts(group, rotations, degree)).toThrow(bad());
  });

  it("numbers that do not fit or are not finite", () => {
    const options = { group: octahedral, rotations: cubes };
    expect(() => degreeParts(new Float64Array(47), [0, 0], options)).toThrow(bad("bad-shape"));
    expect(() => degreeParts(new Float64Array(48).fill(NaN), [0, 0], options)).toThrow(bad("not-finite"));
  });
});
