import { symmetricEigen3, type Vector3 } from "./eigen.ts";
import { elementSymbol } from "./elements.ts";

/**
 * A bond between atoms `a` and `b` (0-based); `order` as in MDL files: 1, 2, 3, 4 for an aromatic bond, 0 or 8 where it
 * is not known, 9 for a dative and 10 for a hydrogen bond.
 */
export interface Bond {
  a: number;
  b: number;
  order: number;
}

/**
 * One molecule: atomic numbers (n) and positions (n*3, Angstrom, x y z of each atom); bonds where they are known.
 *
 * `energy` and `forces` are labels to learn from. They are undefined where a file has none; what it has but cannot be
 * used (no number, not finite) is NaN, so that who needs labels can tell and count both.
 */
export interface Molecule {
  name?: string;
  elements: Uint8Array;
  positions: Float64Array;
  bonds?: Bond[];
  /** Potential energy in eV, where it is known; NaN where the file's cannot be used. */
  energy?: number;
  /** Forces in eV/Angstrom (n*3), where they are known; NaN where the file's cannot be used. */
  forces?: Float64Array;
  /** The file says that the atoms repeat in a cell, which is not read. */
  periodic?: true;
}

/** The unweighted mean of the atoms' positions, in Angstrom. */
export function centroid(positions: ArrayLike<number>): [number, number, number] {
  const atoms = positions.length / 3;
  const sum: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < positions.length; i++) sum[i % 3]! += positions[i]!;
  return [sum[0] / atoms, sum[1] / atoms, sum[2] / atoms];
}

/** A copy of the positions with the centroid at the origin. */
export function centred(positions: ArrayLike<number>): Float64Array {
  const centre = centroid(positions);
  return Float64Array.from(positions, (value, i) => value - centre[i % 3]!);
}

/** The largest distance of an atom from the centroid, in Angstrom. */
export function radius({ positions }: Molecule): number {
  const [cx, cy, cz] = centroid(positions);
  let largest = 0;
  for (let i = 0; i < positions.length; i += 3) {
    const x = positions[i]! - cx;
    const y = positions[i + 1]! - cy;
    const z = positions[i + 2]! - cz;
    largest = Math.max(largest, x * x + y * y + z * z);
  }
  return Math.sqrt(largest);
}

/**
 * The molecule's centred positions along its own axes: x along the direction of largest extent (variance over atoms), z
 * along that of the smallest. The axes are right-handed, so this is a rotation and keeps the molecule's handedness.
 *
 * Signs are fixed by the third moment: the sum of cubes along x, and then along y, is positive; where a moment vanishes
 * by symmetry the first atom that is off zero decides. Poses of the same molecule thus agree, unless two extents are
 * equal (symmetric tops), where the pose is still a function of the input but not the same for every copy.
 */
export function principalPose(positions: ArrayLike<number>): Float64Array {
  const p = centred(positions);
  const axes = principalAxes(p);
  return p.map((_, at) => along(axes[at % 3]!, p, at - (at % 3)));
}

/** The axes x, y and z that `principalPose` turns a molecule to, as unit vectors. */
export function principalAxes(positions: ArrayLike<number>): readonly [Vector3, Vector3, Vector3] {
  const p = centred(positions);
  const covariance = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < p.length; i += 3) {
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) covariance[3 * a + b]! += p[i + a]! * p[i + b]!;
  }
  const { vectors } = symmetricEigen3(covariance);
  const x = oriented(vectors[0], p);
  const y = oriented(vectors[1], p);
  return [x, y, [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]];
}

/** The axis or its opposite, so that the atoms' third moment along it is positive. */
function oriented(axis: Vector3, p: Float64Array): Vector3 {
  let cubes = 0;
  let absolute = 0;
  let first = 0;
  let largest = 0;
  for (let i = 0; i < p.length; i += 3) largest = Math.max(largest, Math.abs(along(axis, p, i)));
  for (let i = 0; i < p.length; i += 3) {
    const t = along(axis, p, i);
    cubes += t ** 3;
    absolute += Math.abs(t) ** 3;
    if (first === 0 && Math.abs(t) > 1e-3 * largest) first = t;
  }
  const sign = Math.abs(cubes) > 1e-6 * absolute ? cubes : first;
  return sign < 0 ? [-axis[0], -axis[1], -axis[2]] : axis;
}

function along(axis: Vector3, p: Float64Array, i: number): number {
  return axis[0] * p[i]! + axis[1] * p[i + 1]! + axis[2] * p[i + 2]!;
}

/**
 * The molecular formula in Hill order (carbon, hydrogen, then by symbol; without carbon all by symbol), e.g. "C2H6O".
 */
export function formula(molecule: Molecule): string {
  const counts = new Map<string, number>();
  for (const element of molecule.elements) {
    const symbol = elementSymbol(element);
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  const first = counts.has("C") ? ["C", "H"] : [];
  const rest = [...counts.keys()].filter((symbol) => !first.includes(symbol)).sort();
  return [...first, ...rest]
    .filter((symbol) => counts.has(symbol))
    .map((symbol) => (counts.get(symbol) === 1 ? symbol : `${symbol}${counts.get(symbol)}`))
    .join("");
}
