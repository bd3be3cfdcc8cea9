import { VoxtwirlError } from "../errors.ts";
import type { ResampleMethod } from "../kernels/rotation/resample.ts";
import { rotationGroup, so3, type Rotation, type RotationGroup } from "./groups.ts";
import { lebedevPoints, type QuadratureDegree } from "./lebedev.ts";

/**
 * All rotations by a deterministic rule in place of draws: Lebedev's points n of this degree, to each of which the z
 * axis is taken, times degree + 1 angles about it. The weighted mean of every element D^l_mm' of Wigner's matrices of
 * 1 <= l <= degree is 0, as the Haar mean is (M. Graef and D. Potts, Numer. Funct. Anal. Optim. 30 (2009) 665, for such
 * products). 24, 84, 208, 380 or 600 rotations; those of degree 3 are the 24 of the cube.
 *
 * mu is the weighted mean of the twisted predictions, and exact where they are of a degree up to this one as functions
 * of the rotation. L_equiv is the weighted mean of their squared distance from mu, exact up to half the degree. Nothing
 * is drawn, so that there is no error of sampling; what is left out are higher degrees: see `degreeParts`.
 *
 * @throws VoxtwirlError "bad-option" for a degree that is not one of 3, 5, 7, 9 and 11
 */
export function quadrature(degree: QuadratureDegree, interpolation: ResampleMethod = "catmullRom"): RotationGroup {
  const points = lebedevPoints(degree);
  const angles = Array.from({ length: degree + 1 }, (_, k) => (2 * Math.PI * k) / (degree + 1));
  const rotations = points.flatMap(({ point }) => angles.map((angle) => rotationTo(point, angle)));
  const weights = points.flatMap(({ weight }) => angles.map(() => weight / angles.length));
  const name = `quadrature-${degree}`;
  return rotationGroup({
    ...so3(interpolation),
    ...{ name, weights, order: rotations.length },
    enumerate: () => [...rotations],
    sample(_, count) {
      if (count === rotations.length) return [...rotations];
      const message = `the ${rotations.length} rotations of ${name} go together: there are no ${count} of them`;
      throw new VoxtwirlError("bad-option", message, `Give ${rotations.length}, or another group.`);
    },
  });
}

/** The rotation by `angle` about z, and then the shortest one of z to a unit vector. */
function rotationTo(point: readonly number[], angle: number): Rotation {
  const [x, y, z] = point as [number, number, number];
  const s = 1 / (1 + z);
  const columns =
    z === -1
      ? [
          [1, 0, 0],
          [0, -1, 0],
        ]
      : [
          [1 - s * x * x, -s * x * y, -x],
          [-s * x * y, 1 - s * y * y, -y],
        ];
  const [c, d] = [clean(Math.cos(angle)), clean(Math.sin(angle))];
  return [0, 1, 2].flatMap((i) => {
    const [u, v] = [columns[0]![i]!, columns[1]![i]!];
    return [u * c + v * d + 0, v * c - u * d + 0, point[i]!];
  });
}

/** Without what rounding leaves of a zero. */
function clean(value: number): number {
  return Math.abs(value) < 1e-15 ? 0 : value;
}
