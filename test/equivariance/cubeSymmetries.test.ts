import { describe, expect, it } from "vitest";
import {
  CUBE_SYMMETRIES,
  cubeSymmetry,
  cubeSymmetryInverse,
  cubeSymmetryMatrices,
  cubeSymmetryPermutation,
  describeMatrix,
  isReflection,
} from "../../src/equivariance/cubeSymmetries.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";

const ALL = Array.from({ length: CUBE_SYMMETRIES }, (_, g) => g);
const times = (m: readonly number[], v: readonly number[]) =>
  [0, 1, 2].map((i) => m[3 * i]! * v[0]! + m[3 * i + 1]! * v[1]! + m[3 * i + 2]! * v[2]! + 0);

describe("the full octahedral group", () => {
  it("has 48 matrices, the rotations first, and knows them and their inverses", () => {
    expect(cubeSymmetryMatrices.slice(0, 24)).toEqual(octahedralMatrices);
    expect(new Set(cubeSymmetryMatrices.map((m) => m.join())).size).toBe(48);
    for (const g of ALL) {
      const m = cubeSymmetryMatrices[g]!;
      expect(cubeSymmetry(m)).toBe(g);
      expect(cubeSymmetry(m.map((value, i) => value + (i % 2 ? 0.009 : -0.009)))).toBe(g);
      expect(cubeSymmetry(m.map((value, i) => value + (i === 4 ? 0.02 : 0)))).toBeUndefined();
      const v = [2, 3, 5];
      expect(times(cubeSymmetryMatrices[cubeSymmetryInverse(g)]!, times(m, v))).toEqual(v);
      const handed: number[][] = [0, 1, 2].map((j) =>
        times(
          m,
          [0, 1, 2].map((i) => Number(i === j)),
        ),
      );
      const [[a, b, c], [d, e, f]] = handed as [number[], number[]];
      const cross = [b! * f! - c! * e!, c! * d! - a! * f!, a! * e! - b! * d!];
      const determinant = cross.reduce((sum, value, i) => sum + value * handed[2]![i]!, 0);
      expect(determinant).toBe(isReflection(g) ? -1 : 1);
    }
  });

  it.each([3, 4])("moves the voxels of a grid of %i as its matrices move their places", (size) => {
    const place = (at: number) => [at % size, Math.floor(at / size) % size, Math.floor(at / size ** 2)];
    const centred = (at: number) => place(at).map((value) => 2 * value - size + 1);
    for (const g of ALL) {
      cubeSymmetryPermutation(size, g).forEach((from, to) => {
        expect(times(cubeSymmetryMatrices[g]!, centred(from))).toEqual(centred(to));
      });
    }
  });
});

describe("describeMatrix", () => {
  const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
  it.each<[string, number[]]>([
    ["is a rotation by 30.0 degrees, but none of the 24 that map a cube onto itself", [c, -s, 0, s, c, 0, 0, 0, 1]],
    ["is a reflection (determinant -1), not a rotation", [-1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ["is a reflection (determinant -1), not a rotation", [c, -s, 0, s, c, 0, 0, 0, -1]],
    ["scales by 2, so it is no rotation", [2, 0, 0, 0, 0, -2, 0, 2, 0]],
    ["is not orthogonal, so no rotation", [1, 1, 0, 0, 1, 0, 0, 0, 1]],
    ["is not orthogonal, so no rotation", [1, 0, 0, 0, 1, 0, 0, 0, 0]],
    ["has entries that are not finite numbers", [1, 0, 0, 0, NaN, 0, 0, 0, 1]],
    ["is all zeros", new Array<number>(9).fill(0)],
  ])("says that it %s", (text, matrix) => {
    expect(describeMatrix(matrix)).toBe(text);
  });
});
