import { describe, expect, it } from "vitest";
import { drawOctahedral, haarQuaternion, haarRotation, quaternionToMatrix } from "../../src/equivariance/rotations.ts";
import { Random } from "../../src/random.ts";
import { expectClose } from "../harness.ts";

describe("quaternionToMatrix", () => {
  it("is a rotation by the quaternion's angle about its axis (Rodrigues)", () => {
    const random = new Random(1);
    for (let i = 0; i < 20; i++) {
      const [x, y, z, w] = haarQuaternion(random);
      const half = Math.hypot(x, y, z);
      const [a, b, c] = [x / half, y / half, z / half];
      const angle = 2 * Math.atan2(half, w);
      const [sin, rest] = [Math.sin(angle), 1 - Math.cos(angle)];
      expectClose(
        quaternionToMatrix([x, y, z, w]),
        [
          1 - rest * (1 - a * a),
          rest * a * b - sin * c,
          rest * a * c + sin * b,
          rest * a * b + sin * c,
          1 - rest * (1 - b * b),
          rest * b * c - sin * a,
          rest * a * c - sin * b,
          rest * b * c + sin * a,
          1 - rest * (1 - c * c),
        ],
        1e-14,
      );
    }
  });

  it("turns actively: a quarter turn about z takes x to y", () => {
    const half = Math.SQRT1_2;
    expectClose(quaternionToMatrix([0, 0, half, half]), [0, -1, 0, 1, 0, 0, 0, 0, 1], 1e-15);
  });
});

describe("haarRotation", () => {
  it("has E[R_ij] = 0, E[R_ij^2] = 1/3 and the distribution of angles of SO(3)", () => {
    const random = new Random(2);
    const n = 20_000;
    const mean = new Float64Array(9);
    const square = new Float64Array(9);
    let below = 0;
    for (let k = 0; k < n; k++) {
      const r = haarRotation(random);
      r.forEach((value, i) => {
        mean[i]! += value / n;
        square[i]! += value ** 2 / n;
      });
      const angle = Math.acos(Math.min(1, Math.max(-1, (r[0]! + r[4]! + r[8]! - 1) / 2)));
      if (angle < Math.PI / 2) below++;
    }
    expectClose(mean, new Float64Array(9), 4 * Math.sqrt(1 / 3 / n));
    expectClose(square, new Float64Array(9).fill(1 / 3), 4 * Math.sqrt(4 / 45 / n));
    // P(angle < a) = (a - sin a) / pi
    const p = (Math.PI / 2 - 1) / Math.PI;
    expect(Math.abs(below / n - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n));
  });

  it("is a function of the seed", () => {
    expect(haarRotation(new Random(3))).toEqual(haarRotation(new Random(3)));
    expect(haarRotation(new Random(3))).not.toEqual(haarRotation(new Random(4)));
  });
});

describe("drawOctahedral", () => {
  it("draws different elements, each equally often, and all in order for 24", () => {
    const random = new Random(5);
    const counts = new Array<number>(24).fill(0);
    const draws = 4_000;
    for (let k = 0; k < draws; k++) {
      const drawn = drawOctahedral(random, 6);
      expect(new Set(drawn).size).toBe(6);
      for (const g of drawn) counts[g]!++;
    }
    const deviation = Math.sqrt((draws * 6 * 18) / 24 ** 2);
    for (const count of counts) expect(Math.abs(count - draws / 4)).toBeLessThan(4.5 * deviation);
    expect([...drawOctahedral(random, 24)]).toEqual(Array.from({ length: 24 }, (_, g) => g));
  });

  it("refuses counts outside 1 to 24", () => {
    for (const count of [0, 25, 2.5, NaN]) {
      expect(() => drawOctahedral(new Random(1), count)).toThrow(expect.objectContaining({ code: "bad-option" }));
    }
  });
});
