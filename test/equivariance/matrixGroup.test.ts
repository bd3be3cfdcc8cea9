import { describe, expect, it } from "vitest";
import { octahedral, type Rotation } from "../../src/equivariance/groups.ts";
import { inverseRotation } from "../../src/equivariance/groups.ts";
import { determinant, product } from "../../src/equivariance/matrices.ts";
import { matrixGroup, type MatrixGroupOptions } from "../../src/equivariance/matrixGroup.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { expectClose, randomArray } from "../harness.ts";

const identity: Rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
/** By 120 degrees about z, with six digits, and a half turn about x. */
const third: Rotation = [-0.5, -0.866025, 0, 0.866025, -0.5, 0, 0, 0, 1];
const half: Rotation = [1, 0, 0, 0, -1, 0, 0, 0, -1];
const inversion: Rotation = [-1, 0, 0, 0, -1, 0, 0, 0, -1];

/** A fifth of a turn about (0, 1, phi), by Rodrigues' formula. */
function fifth(): Rotation {
  const phi = (1 + Math.sqrt(5)) / 2;
  const [x, y, z] = [0, 1, phi].map((value) => value / Math.hypot(1, phi)) as [number, number, number];
  const [c, s] = [Math.cos((2 * Math.PI) / 5), Math.sin((2 * Math.PI) / 5)];
  const axis = [x, y, z];
  const cross = [0, -z, y, z, 0, -x, -y, x, 0];
  return identity.map((one, k) => c * one + s * cross[k]! + (1 - c) * axis[Math.floor(k / 3)]! * axis[k % 3]!);
}

const bad = (options: Partial<MatrixGroupOptions>, message: RegExp) =>
  expect(() => matrixGroup({ name: "own", ...options })).toThrow(
    expect.objectContaining({ code: "bad-option", message: expect.stringMatching(message) as string }),
  );

describe("matrixGroup", () => {
  it("makes all products of generators, orthogonal to the last digit", () => {
    const d3 = matrixGroup({ name: "d3", generators: [third, half] });
    const elements = d3.enumerate!();
    expect([d3.name, d3.order, elements.length, elements[0]]).toEqual(["d3", 6, 6, identity]);
    for (const element of elements) {
      expectClose(product(element, inverseRotation(element)), identity, 1e-9);
      expect(determinant(element)).toBeCloseTo(1, 9);
    }
    // All elements, in any order, are the same group.
    expect(matrixGroup({ name: "again", matrices: [...elements].reverse() }).order).toBe(6);
    const icosahedral = matrixGroup({ name: "i", generators: [fifth(), [0, 0, 1, 1, 0, 0, 0, 1, 0]] });
    expect(icosahedral.order).toBe(60);
    expect(new Set(icosahedral.enumerate!().map((one) => one.map((value) => value.toFixed(6)).join())).size).toBe(60);
    const both = matrixGroup({ name: "ih", generators: [...icosahedral.enumerate!(), inversion] });
    expect(both.enumerate!().filter((element) => determinant(element) < 0)).toHaveLength(60);
  });

  it("permutes voxels where all elements are symmetries of the cube, and interpolates otherwise", () => {
    const own = matrixGroup({ name: "own", matrices: octahedralMatrices.map((one) => one.map((v) => v + 1e-7)) });
    expect([own.interpolation, own.enumerate!()]).toEqual([undefined, octahedralMatrices]);
    const grid = randomArray(27, 1);
    expect(own.actOnGrid(octahedralMatrices[7]!, grid, 3, 1)).toEqual(
      octahedral().actOnGrid(octahedralMatrices[7]!, grid, 3, 1),
    );
    expect(matrixGroup({ name: "d3", generators: [third, half] }).interpolation).toBe("catmullRom");
  });

  it("refuses what is no group, and names the element", () => {
    bad({}, /neither matrices nor generators/);
    bad({ matrices: [identity], generators: [identity] }, /both/);
    bad({ matrices: [] }, /matrices is empty/);
    bad({ matrices: [identity, half, third] }, /product of matrices\[1\] and matrices\[2\] is not among the 3/);
    bad(
      { matrices: [identity, half, half.map((value) => value * (1 + 1e-6))] },
      /matrices\[2\] is matrices\[1\] again/,
    );
    bad({ matrices: [identity, half.map((value) => 1.01 * value)] }, /matrices\[1\] scales by 1.01/);
    bad({ generators: [[-0.5, -0.866, 0, 0.866, -0.5, 0, 0, 0, 1]] }, /generators\[0\] is not orthogonal/);
    bad({ generators: [[1, 0, 0]] }, /generators\[0\] has 3 numbers, not 9/);
    const [c, s] = [Math.cos(1), Math.sin(1)];
    bad({ generators: [[c, -s, 0, s, c, 0, 0, 0, 1]] }, /more than 1000 products/);
    bad({ name: "octahedral", generators: [half] }, /octahedral is the name of another group/);
  });
});
