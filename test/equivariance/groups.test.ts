import { describe, expect, it } from "vitest";
import { inverseRotation, octahedral, so3, type RotationGroup } from "../../src/equivariance/groups.ts";
import { ballVoxels, gatherVoxels } from "../../src/equivariance/interpolate.ts";
import { octahedralElement, octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { haarRotation } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";
import { expectClose, randomArray } from "../harness.ts";
import { resample } from "../../src/reference/resample.ts";

const SIZE = 5;
const CHANNELS = 3;
const grid = () => randomArray(SIZE ** 3 * CHANNELS, 3);

describe("groups of rotations", () => {
  it("enumerates the cube's 24 and draws different ones", () => {
    expect(octahedral().enumerate!().map(octahedralElement)).toEqual(Array.from({ length: 24 }, (_, g) => g));
    const drawn = octahedral().sample(new Random(1), 10).map(octahedralElement);
    expect(new Set(drawn).size).toBe(10);
    expect(so3()).not.toHaveProperty("enumerate");
  });

  it.each<[string, RotationGroup]>([
    ["octahedral", octahedral()],
    ["so3", so3()],
  ])("acts on points as the matrix and back by its inverse: %s", (_, group) => {
    const points = randomArray(12, 2);
    for (const rotation of group.sample(new Random(5), 4)) {
      const rotated = group.actOnPoints(rotation, points);
      const [x, y, z] = points.subarray(3, 6) as unknown as [number, number, number];
      const expected = [0, 1, 2].map((i) => rotation[3 * i]! * x + rotation[3 * i + 1]! * y + rotation[3 * i + 2]! * z);
      expectClose(rotated.subarray(3, 6), expected, 1e-6);
      expectClose(group.actOnPoints(inverseRotation(rotation), rotated), points, 1e-6);
    }
  });

  it.each(["trilinear", "catmullRom"] as const)("rotates grids as the twin of the kernel does: %s", (method) => {
    const rotation = haarRotation(new Random(8));
    const expected = resample(grid(), rotation, [1, SIZE, CHANNELS], method);
    expectClose(so3(method).actOnGrid(rotation, grid(), SIZE, CHANNELS), expected, 1e-5);
  });

  it("interpolates nothing where so3 rotates by an element of the cube's group", () => {
    octahedralMatrices.forEach((matrix) => {
      const exact = octahedral().actOnGrid(matrix, grid(), SIZE, CHANNELS);
      expectClose(so3().actOnGrid(matrix, grid(), SIZE, CHANNELS), exact, 1e-6);
    });
  });

  it("knows an element by its matrix, rounding allowed, and nothing else", () => {
    octahedralMatrices.forEach((matrix, g) => {
      expect(octahedralElement(Float32Array.from(matrix, (value) => value + 3e-5))).toBe(g);
      // A reflection is no rotation.
      expect(octahedralElement(matrix.map((value) => -value))).toBeUndefined();
    });
    expect(octahedralElement(haarRotation(new Random(2)))).toBeUndefined();
    expect(octahedralElement([NaN, 0, 0, 0, 1, 0, 0, 0, 1])).toBeUndefined();
    const tilted = haarRotation(new Random(2));
    expect(() => octahedral().actOnGrid(tilted, grid(), SIZE, CHANNELS)).toThrow(
      expect.objectContaining({ code: "bad-option" }),
    );
  });

  it("refuses arrays that are no grid and no vectors", () => {
    const [identity] = octahedralMatrices;
    const bad = expect.objectContaining({ code: "bad-shape" });
    for (const group of [octahedral(), so3()]) {
      expect(() => group.actOnPoints(identity!, new Float32Array(4))).toThrow(bad);
      expect(() => group.actOnGrid(identity!, new Float32Array(4), SIZE, CHANNELS)).toThrow(bad);
    }
  });

  it("keeps the voxels of the inscribed ball, which every rotation of the cube maps onto itself", () => {
    for (const size of [1, 2, 4, 5, 8]) {
      const inside = new Float32Array(size ** 3);
      for (const voxel of ballVoxels(size)) inside[voxel] = 1;
      for (const matrix of octahedralMatrices) expect(octahedral().actOnGrid(matrix, inside, size, 1)).toEqual(inside);
    }
    expect(ballVoxels(5).length).toBe(33);
    expect([...gatherVoxels(Float32Array.of(1, 2, 3, 4, 5, 6), Uint32Array.of(0, 2), 2)]).toEqual([1, 2, 5, 6]);
  });
});
