import { describe, expect, it } from "vitest";
import {
  OCTAHEDRAL_ORDER,
  octahedralInverses,
  octahedralMatrices,
  octahedralPermutation,
  octahedralProducts,
  rotateGridOctahedral,
} from "../../src/equivariance/octahedral.ts";
import { randomArray } from "../harness.ts";
import { resample } from "../../src/reference/resample.ts";
import { rotateOctahedral as moveVoxels } from "../../src/reference/rotateOctahedral.ts";

const ALL = Array.from({ length: OCTAHEDRAL_ORDER }, (_, g) => g);

function determinant(m: readonly number[]): number {
  const [a, b, c, d, e, f, g, h, i] = m as [number, number, number, number, number, number, number, number, number];
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

describe("the octahedral group", () => {
  it("has 24 distinct signed permutation matrices of determinant 1, the identity first", () => {
    expect(new Set(octahedralMatrices.map((m) => m.join())).size).toBe(24);
    expect(octahedralMatrices[0]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    for (const m of octahedralMatrices) {
      expect(determinant(m)).toBe(1);
      expect(m.filter((value) => value === 0).length).toBe(6);
      expect(m.filter((value) => Math.abs(value) === 1).length).toBe(3);
    }
  });

  it("has the rotation angles of the cube: 1 of 0, 9 of 180, 8 of 120 and 6 of 90 degrees", () => {
    const traces = octahedralMatrices.map((m) => m[0]! + m[4]! + m[8]!);
    expect([3, -1, 0, 1].map((trace) => traces.filter((t) => t === trace).length)).toEqual([1, 9, 8, 6]);
  });

  it("keeps its documented numbering", () => {
    // Files hold these indices: 1, 2 and 3 turn half about y, x and z; 4 is the cyclic permutation x' = y.
    expect(octahedralMatrices[1]).toEqual([-1, 0, 0, 0, 1, 0, 0, 0, -1]);
    expect(octahedralMatrices[2]).toEqual([1, 0, 0, 0, -1, 0, 0, 0, -1]);
    expect(octahedralMatrices[3]).toEqual([-1, 0, 0, 0, -1, 0, 0, 0, 1]);
    expect(octahedralMatrices[4]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
    expect(octahedralMatrices[12]).toEqual([1, 0, 0, 0, 0, 1, 0, -1, 0]);
  });

  it("is closed, with inverses that are transposes, and every row of the table a permutation", () => {
    for (const a of ALL) {
      expect([...octahedralProducts[a]!].sort((x, y) => x - y)).toEqual(ALL);
      const inverse = octahedralMatrices[octahedralInverses[a]!]!;
      expect(inverse).toEqual([0, 3, 6, 1, 4, 7, 2, 5, 8].map((at) => octahedralMatrices[a]![at]));
      expect(octahedralProducts[a]![octahedralInverses[a]!]).toBe(0);
      for (const b of ALL) {
        const v = [2, 3, 5];
        const apply = (g: number, u: number[]) =>
          [0, 1, 2].map((i) => [0, 1, 2].reduce((sum, j) => sum + octahedralMatrices[g]![3 * i + j]! * u[j]!, 0));
        expect(apply(octahedralProducts[a]![b]!, v)).toEqual(apply(a, apply(b, v)));
      }
    }
  });
});

describe("rotation of a grid", () => {
  it.each([
    [1, 1],
    [4, 3],
    [5, 2],
  ])("moves voxels as the matrices say, bitwise invertibly and as a group: %i^3 x %i", (size, channels) => {
    const x = randomArray(size ** 3 * channels, 1);
    for (const a of ALL) {
      const turned = rotateGridOctahedral(x, size, channels, a);
      expect(turned).toEqual(moveVoxels(x, size, channels, a));
      expect(rotateGridOctahedral(turned, size, channels, octahedralInverses[a]!)).toEqual(x);
      const b = (7 * a + 5) % 24;
      expect(rotateGridOctahedral(turned, size, channels, b)).toEqual(
        rotateGridOctahedral(x, size, channels, octahedralProducts[b]![a]!),
      );
    }
  });

  it("has one convention with the interpolating rotation", () => {
    const x = randomArray(4 ** 3, 2);
    for (const g of ALL) {
      const interpolated = resample(x, octahedralMatrices[g]!, [1, 4, 1], "trilinear");
      expect(Float32Array.from(interpolated)).toEqual(rotateGridOctahedral(x, 4, 1, g));
    }
  });

  it("refuses what is no element or no such grid", () => {
    for (const g of [-1, 24, 0.5, NaN]) {
      expect(() => octahedralPermutation(2, g)).toThrow(expect.objectContaining({ code: "bad-option" }));
    }
    expect(() => rotateGridOctahedral(new Float32Array(7), 2, 1, 0)).toThrow(
      expect.objectContaining({ code: "bad-shape" }),
    );
  });
});
