/** The irreducible representations of groups of rotations, by their characters. */
import { determinant } from "./matrices.ts";

/** Real irreducible representations of a group; complex ones that are conjugates count as one. */
export interface Irreps {
  /** The trivial one first. */
  readonly names: readonly string[];
  /** The l of each, where they are of SO(3) or O(3). */
  readonly degrees?: readonly number[];
  /** Writes d chi(T) of each, chi the character and d the dimension; of conjugates the sum of both. */
  characters(this: void, rotation: ArrayLike<number>, into: Float64Array): void;
}

/**
 * Of SO(3), D^l for l = 0 to `most`: chi_l(w) = sin((2l + 1) w/2) / sin(w/2), w the angle, here as
 * 1 + 2 (cos w + ... + cos l w), and d = 2l + 1.
 */
export function so3Irreps(most: number): Irreps {
  const degrees = Array.from({ length: most + 1 }, (_, l) => l);
  return {
    degrees,
    names: degrees.map(String),
    characters(rotation, into) {
      const angle = angleOf((rotation[0]! + rotation[4]! + rotation[8]! - 1) / 2);
      let sum = -1;
      for (let l = 0; l <= most; l++) {
        sum += 2 * Math.cos(l * angle);
        into[l] = (2 * l + 1) * sum;
      }
    },
  };
}

/**
 * Of a group of rotations and its products with the point inversion: each of the rotations' once even ("g") and once
 * odd ("u") under the inversion.
 */
export function withInversion({ names, degrees, characters }: Irreps): Irreps {
  return {
    names: [...names.map((name) => `${name}g`), ...names.map((name) => `${name}u`)],
    ...(degrees && { degrees: [...degrees, ...degrees] }),
    characters(rotation, into) {
      const sign = determinant(rotation) < 0 ? -1 : 1;
      characters(
        Array.from(rotation, (value) => sign * value),
        into,
      );
      for (let k = 0; k < names.length; k++) into[names.length + k] = sign * into[k]!;
    },
  };
}

/** Of O; rows are d chi of its five classes: identity, C3, half turns about axes, C4, half turns about edges. */
export const octahedralIrreps: Irreps = {
  names: ["A1", "A2", "E", "T1", "T2"],
  characters(rotation, into) {
    const trace = Math.round(rotation[0]! + rotation[4]! + rotation[8]!);
    const isDiagonal = Math.round(rotation[0]! ** 2 + rotation[4]! ** 2 + rotation[8]! ** 2) === 3;
    if (trace === 3) into.set([1, 1, 4, 9, 9]);
    else if (trace === 0) into.set([1, 1, -2, 0, 0]);
    else if (trace === 1) into.set([1, -1, 0, 3, -3]);
    else into.set(isDiagonal ? [1, 1, 4, -3, -3] : [1, -1, 0, -3, 3]);
  },
};

/** Of the n rotations about an axis (0 is x) by multiples of 360/n degrees: cos(k w), k = 0 to n/2, w the angle. */
export function cyclicIrreps(n: number, axis: number): Irreps {
  const frequencies = Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) => k);
  const across = 4 * ((axis + 1) % 3);
  return {
    names: frequencies.map(String),
    characters(rotation, into) {
      const angle = angleOf(rotation[across]!);
      into.set(frequencies.map((k) => (k === 0 || 2 * k === n ? 1 : 2) * Math.cos(k * angle)));
    },
  };
}

/** Of the changes of signs: by the axes whose reversal changes the sign of a part. */
export const mirrorIrreps: Irreps = {
  names: ["even", "x", "y", "z", "xy", "xz", "yz", "xyz"],
  characters(rotation, into) {
    const [x, y, z] = [rotation[0]!, rotation[4]!, rotation[8]!];
    into.set([1, x, y, z, x * y, x * z, y * z, x * y * z]);
  },
};

/** Of a cosine that may be off by rounding. */
function angleOf(cosine: number): number {
  return Math.acos(Math.min(1, Math.max(-1, cosine)));
}
