import { describe, expect, it } from "vitest";
import { axisAngle } from "../../src/equivariance/axisAngle.ts";
import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";
import { haarQuaternion, quaternionToMatrix } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";

describe("axisAngle", () => {
  it("is that of the quaternion a rotation was made of", () => {
    const random = new Random(4);
    for (let i = 0; i < 50; i++) {
      const [x, y, z, w] = haarQuaternion(random);
      const { angle, axis } = axisAngle(quaternionToMatrix([x, y, z, w]));
      const sign = w < 0 ? -1 : 1;
      const sine = Math.hypot(x, y, z);
      expect(angle).toBeCloseTo((360 / Math.PI) * Math.atan2(sine, Math.abs(w)), 9);
      [x, y, z].forEach((component, j) => expect(axis[j]).toBeCloseTo((sign * component) / sine, 9));
    }
  });

  it("names the rotations of the cube: 6 by 90 degrees, 9 by 180, 8 by 120", () => {
    const named = octahedralMatrices.map(axisAngle);
    const count = (degrees: number) => named.filter(({ angle }) => Math.abs(angle - degrees) < 1e-9).length;
    expect([0, 90, 120, 180].map(count)).toEqual([1, 6, 8, 9]);
    expect(named[0]).toEqual({ angle: 0, axis: [0, 0, 0] });
    expect(new Set(named.map(({ angle, axis }) => [angle, ...axis].map((x) => x.toFixed(6)).join())).size).toBe(24);
    for (const [g, { axis }] of named.entries()) {
      // The axis stays where it is.
      const matrix = octahedralMatrices[g]!;
      axis.forEach((component, i) => {
        const image = matrix[3 * i]! * axis[0] + matrix[3 * i + 1]! * axis[1] + matrix[3 * i + 2]! * axis[2];
        expect(image).toBeCloseTo(component, 12);
      });
    }
  });

  it("turns x to y about +z by 90 degrees, and gives a half turn one of its axes", () => {
    expect(axisAngle([0, -1, 0, 1, 0, 0, 0, 0, 1])).toEqual({ angle: 90, axis: [0, 0, 1] });
    expect(axisAngle([0, 1, 0, -1, 0, 0, 0, 0, 1])).toEqual({ angle: 90, axis: [0, 0, -1] });
    expect(axisAngle([-1, 0, 0, 0, 0, -1, 0, -1, 0])).toEqual({
      angle: 180,
      axis: [0, expect.closeTo(Math.SQRT1_2), expect.closeTo(-Math.SQRT1_2)],
    });
  });
});
