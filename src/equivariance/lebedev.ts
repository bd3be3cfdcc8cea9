/** Points on the sphere whose weighted means integrate polynomials exactly. */
import { VoxtwirlError } from "../errors.ts";
import { cubeSymmetryMatrices } from "./cubeSymmetries.ts";

/** Up to which degree a rule is exact. That of degree 13 has negative weights, and is left out. */
export type QuadratureDegree = 3 | 5 | 7 | 9 | 11;

/** A unit vector, and its part of the mean. */
export interface SpherePoint {
  readonly point: readonly number[];
  readonly weight: number;
}

/** One point of each orbit under the 48 symmetries of the cube, of any length, and the weight of every point of it. */
type Orbits = readonly (readonly [point: readonly [number, number, number], weight: number])[];

/** V. I. Lebedev, Quadratures on a sphere, USSR Comput. Math. Math. Phys. 16 (1976) 10, in closed form. */
const RULES: Readonly<Record<QuadratureDegree, Orbits>> = {
  3: [[[1, 0, 0], 1 / 6]],
  5: [
    [[1, 0, 0], 1 / 15],
    [[1, 1, 1], 3 / 40],
  ],
  7: [
    [[1, 0, 0], 1 / 21],
    [[1, 1, 0], 4 / 105],
    [[1, 1, 1], 9 / 280],
  ],
  9: [
    [[1, 0, 0], 1 / 105],
    [[1, 1, 1], 9 / 280],
    // 2 sin 15 degrees
    [[1, 0.5176380902050415, 0], 1 / 35],
  ],
  11: [
    [[1, 0, 0], 4 / 315],
    [[1, 1, 0], 64 / 2835],
    [[1, 1, 1], 27 / 1280],
    [[1, 1, 3], 14641 / 725760],
  ],
};

/**
 * Lebedev's rule: 6, 14, 26, 38 or 50 points whose weights, all positive, add up to 1. The weighted mean of a spherical
 * harmonic of degree 1 to `degree` is 0.
 *
 * @throws VoxtwirlError "bad-option" for a degree that is not one of 3, 5, 7, 9 and 11
 */
export function lebedevPoints(degree: QuadratureDegree): SpherePoint[] {
  const orbits = (RULES as Partial<typeof RULES>)[degree];
  if (orbits === undefined) {
    throw new VoxtwirlError("bad-option", `there is no quadrature of degree ${degree}`, "Give 3, 5, 7, 9 or 11.");
  }
  return orbits.flatMap(([first, weight]) => {
    const length = Math.hypot(...first);
    const orbit = new Map<string, readonly number[]>();
    for (const matrix of cubeSymmetryMatrices) {
      const image = [0, 3, 6].map((row) => first.reduce((sum, value, j) => sum + matrix[row + j]! * value, 0));
      orbit.set(
        image.join(),
        image.map((value) => value / length),
      );
    }
    return Array.from(orbit.values(), (point) => ({ point, weight }));
  });
}
