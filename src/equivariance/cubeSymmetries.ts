import { determinant } from "./matrices.ts";
import { octahedralInverses, octahedralMatrices, octahedralPermutation, OCTAHEDRAL_ORDER } from "./octahedral.ts";

/**
 * Number of matrices that map a cube onto itself, the full octahedral group: the 24 rotations and their products with
 * the point inversion, which are reflections (determinant -1). Element g + 24 has the matrix -R_g.
 */
export const CUBE_SYMMETRIES = 2 * OCTAHEDRAL_ORDER;

/** The 48 matrices, row major. */
export const cubeSymmetryMatrices: readonly (readonly number[])[] = [
  ...octahedralMatrices,
  ...octahedralMatrices.map((matrix) => matrix.map((value) => 0 - value)),
];

const indexOfMatrix = new Map(cubeSymmetryMatrices.map((matrix, g) => [matrix.join(), g]));

/** Entries may be off by what angles in half precision make of them. */
const TOLERANCE = 0.01;

/** The element with this matrix, entries within 0.01; undefined for any other matrix. */
export function cubeSymmetry(matrix: ArrayLike<number>): number | undefined {
  const rounded = Array.from(matrix, (value) => Math.round(value) + 0);
  if (rounded.some((value, i) => !(Math.abs(value - matrix[i]!) <= TOLERANCE))) return undefined;
  return indexOfMatrix.get(rounded.join());
}

export function isReflection(element: number): boolean {
  return element >= OCTAHEDRAL_ORDER;
}

export function cubeSymmetryInverse(element: number): number {
  const rotation = element % OCTAHEDRAL_ORDER;
  return octahedralInverses[rotation]! + element - rotation;
}

/** As `octahedralPermutation`, for any of the 48. */
export function cubeSymmetryPermutation(size: number, element: number): Uint32Array {
  const permutation = octahedralPermutation(size, element % OCTAHEDRAL_ORDER);
  return isReflection(element) ? permutation.map((from) => size ** 3 - 1 - from) : permutation;
}

/** What a matrix is that is none of the 24 rotations of the cube, to go on with "matrix 3 ...". */
export function describeMatrix(matrix: ArrayLike<number>): string {
  const fault = rotationFault(matrix, TOLERANCE);
  if (fault !== undefined) return fault;
  const [a, , , , e, , , , i] = Array.from(matrix) as [number, 0, 0, 0, number, 0, 0, 0, number];
  const degrees = (Math.acos(Math.min(1, Math.max(-1, (a + e + i - 1) / 2))) * 180) / Math.PI;
  return `is a rotation by ${degrees.toFixed(1)} degrees, but none of the 24 that map a cube onto itself`;
}

/**
 * Why a matrix is no rotation, to go on with "matrix 3 ..."; undefined where it is one.
 *
 * @param improper whether reflections will do too
 */
export function rotationFault(matrix: ArrayLike<number>, tolerance: number, improper = false): string | undefined {
  const m = Array.from(matrix);
  if (!m.every(Number.isFinite)) return "has entries that are not finite numbers";
  if (m.every((value) => value === 0)) return "is all zeros";
  const rows = [m.slice(0, 3), m.slice(3, 6), m.slice(6, 9)] as const;
  const dot = (a: readonly number[], b: readonly number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
  const lengths = rows.map((row) => Math.sqrt(dot(row, row)));
  const scale = (lengths[0]! + lengths[1]! + lengths[2]!) / 3;
  const even = lengths.every((length) => Math.abs(length / scale - 1) <= tolerance);
  const skew = [dot(rows[0], rows[1]), dot(rows[0], rows[2]), dot(rows[1], rows[2])];
  if (!even || skew.some((value) => Math.abs(value) > tolerance * scale ** 2)) {
    return "is not orthogonal, so no rotation";
  }
  if (Math.abs(scale - 1) > tolerance) return `scales by ${Number(scale.toPrecision(4))}, so it is no rotation`;
  return !improper && determinant(m) < 0 ? "is a reflection (determinant -1), not a rotation" : undefined;
}
