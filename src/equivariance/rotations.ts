import { requireNumbers, requireRandom } from "../check.ts";
import { mat3, quat } from "gl-matrix";
import { VoxtwirlError } from "../errors.ts";
import type { Random } from "../random.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";

/** A unit quaternion (x, y, z, w), w the scalar part. */
export type Quaternion = readonly [number, number, number, number];

/** The rotation matrix of a unit quaternion: nine numbers, row major, active (v' = R v). */
export function quaternionToMatrix(q: Quaternion): number[] {
  requireNumbers("q", q);
  // gl-matrix stores columns, and the conjugate's matrix is the transpose. Plain arrays keep it in float64.
  const conjugate = quat.conjugate([0, 0, 0, 1], [...q]);
  return [...(mat3.fromQuat([1, 0, 0, 0, 1, 0, 0, 0, 1], conjugate) as number[])];
}

/** A quaternion uniform on the unit sphere: four normal numbers, normalised. */
export function haarQuaternion(random: Random): Quaternion {
  requireRandom(random);
  for (;;) {
    const [x, y, z, w] = [random.normal(), random.normal(), random.normal(), random.normal()];
    const norm = Math.hypot(x, y, z, w);
    if (norm > 1e-6) return [x / norm, y / norm, z / norm, w / norm];
  }
}

/** A rotation matrix uniform on SO(3) (Haar measure): nine numbers, row major, active. */
export function haarRotation(random: Random): number[] {
  return quaternionToMatrix(haarQuaternion(random));
}

/**
 * `count` different elements of the octahedral group, every such subset equally likely; for 24 all of them in order.
 *
 * @throws VoxtwirlError "bad-option" unless count is a whole number from 1 to 24.
 */
export function drawOctahedral(random: Random, count: number): Uint32Array {
  requireRandom(random);
  if (!Number.isInteger(count) || count < 1 || count > OCTAHEDRAL_ORDER) {
    throw new VoxtwirlError(
      "bad-option",
      `cannot draw ${count} different rotations of the ${OCTAHEDRAL_ORDER} of the cube`,
      `Give a whole number from 1 to ${OCTAHEDRAL_ORDER}.`,
    );
  }
  const elements = Uint32Array.from({ length: OCTAHEDRAL_ORDER }, (_, g) => g);
  return count === OCTAHEDRAL_ORDER ? elements : random.shuffle(elements).slice(0, count);
}
