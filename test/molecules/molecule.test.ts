import { describe, expect, it } from "vitest";
import { symmetricEigen3, type Vector3 } from "../../src/molecules/eigen.ts";
import { atomicNumber, elements5, elements8, elementSymbol } from "../../src/molecules/elements.ts";
import { centroid, formula, principalPose, radius, type Molecule } from "../../src/molecules/molecule.ts";
import { Random } from "../../src/random.ts";
import { randomPositions, turned } from "../formats/support.ts";

describe("helpers of molecules", () => {
  const ethanol: Molecule = {
    elements: Uint8Array.from([6, 6, 8, 1, 1, 1, 1, 1, 1]),
    positions: Float64Array.from({ length: 27 }, (_, i) => (i === 0 ? 9 : 0)),
  };

  it("gives centroid, radius and formula", () => {
    expect(centroid(ethanol.positions)).toEqual([1, 0, 0]);
    expect(radius(ethanol)).toBeCloseTo(8, 12);
    expect(formula(ethanol)).toBe("C2H6O");
    expect(formula({ elements: Uint8Array.from([1, 8, 1]), positions: new Float64Array(9) })).toBe("H2O");
    expect(formula({ elements: Uint8Array.from([17, 6, 35, 1]), positions: new Float64Array(12) })).toBe("CHBrCl");
  });

  it("knows the elements and the two channel orders", () => {
    expect(elements5.map(atomicNumber)).toEqual([6, 1, 8, 7, 9]);
    expect(elements8.map(atomicNumber)).toEqual([6, 1, 8, 7, 9, 16, 17, 35]);
    for (let number = 1; number <= 118; number++) {
      expect(atomicNumber(elementSymbol(number).toUpperCase())).toBe(number);
    }
    expect(atomicNumber("D")).toBe(1);
    expect(atomicNumber("Xx")).toBeUndefined();
    expect(atomicNumber("constructor")).toBeUndefined();
  });
});

/** The upper triangle of a symmetric matrix. */
type Symmetric = [number, number, number, number, number, number];

describe("symmetricEigen3", () => {
  it("solves the eigenproblem, equal and zero eigenvalues included", () => {
    const random = new Random(3);
    const next = () => random.normal();
    const drawn = (): Symmetric => [next(), next(), next(), next(), next(), next()];
    const matrices: Symmetric[] = [
      ...Array.from({ length: 50 }, drawn),
      [1, 0, 0, 1, 0, 1],
      [0, 0, 0, 0, 0, 0],
      [1, 1, 1, 1, 1, 1],
      [1, 1e-9, 0, 1, 0, 2],
    ];
    for (const [a, b, c, d, e, f] of matrices) {
      const rows: Vector3[] = [
        [a, b, c],
        [b, d, e],
        [c, e, f],
      ];
      const { values, vectors } = symmetricEigen3(rows.flat());
      expect(values[0] >= values[1] && values[1] >= values[2]).toBe(true);
      vectors.forEach((vector, k) => {
        rows.forEach((row, i) => expect(dot(row, vector)).toBeCloseTo(values[k]! * vector[i]!, 12));
        vectors.forEach((other, l) => expect(dot(vector, other)).toBeCloseTo(Number(k === l), 12));
      });
    }
  });
});

describe("principalPose", () => {
  it("is the same for every pose of an asymmetric molecule, centred, longest along x", () => {
    const positions = randomPositions(9, 1);
    const pose = principalPose(positions);
    for (let seed = 1; seed <= 20; seed++) {
      const other = principalPose(turned(positions, seed, [3, -2, 7]));
      other.forEach((value, i) => expect(value).toBeCloseTo(pose[i]!, 9));
    }
    const moment = (axis: number) =>
      pose.filter((_, i) => i % 3 === axis).reduce((sum, value) => sum + value * value, 0);
    expect(moment(0) > moment(1) && moment(1) > moment(2)).toBe(true);
    for (const value of centroid(pose)) expect(value).toBeCloseTo(0, 12);
  });

  it("turns but never mirrors", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const positions = randomPositions(6, seed);
      expect(handedness(principalPose(positions))).toBeCloseTo(handedness(positions), 9);
    }
  });

  it("is finite and keeps distances for an atom, a line, a plane and a tetrahedron", () => {
    const shapes = [
      [5, 5, 5],
      [0, 0, 0, 0, 0, 1],
      [0, 0, 0, 1, 1, 1, 2, 2, 2],
      [0, 0, 0, 1, 0, 0, 0, 1, 0],
      [1, 1, 1, -1, -1, 1, -1, 1, -1, 1, -1, -1],
    ];
    for (const shape of shapes) {
      const pose = principalPose(Float64Array.from(shape));
      for (let i = 0; i < shape.length; i += 3) {
        for (let j = 0; j < i; j += 3) expect(separation(pose, i, j)).toBeCloseTo(separation(shape, i, j), 12);
      }
    }
    expect(Array.from(principalPose(Float64Array.from([0, 0, 0, 0, 0, 2])), Math.abs)).toEqual([1, 0, 0, 1, 0, 0]);
  });
});

function dot(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function separation(p: ArrayLike<number>, i: number, j: number): number {
  return Math.hypot(p[i]! - p[j]!, p[i + 1]! - p[j + 1]!, p[i + 2]! - p[j + 2]!);
}

/** The volume, with its sign, that the first four atoms span. */
function handedness(p: ArrayLike<number>): number {
  const seen = (at: number): Vector3 => [p[at]! - p[0]!, p[at + 1]! - p[1]!, p[at + 2]! - p[2]!];
  const [a, b, c] = [seen(3), seen(6), seen(9)];
  return dot(a, [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]]);
}
