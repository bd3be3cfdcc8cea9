import { requireNumbers } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";

/** Number of rotations that map a cube onto itself. */
export const OCTAHEDRAL_ORDER = 24;

/**
 * The 24 rotation matrices that permute and flip axes, row major.
 *
 * Element g = 4p + 2b + a. Row i has its one entry in column (i + p) mod 3 for p < 3 (cyclic), in column (p - i) mod 3
 * for p >= 3 (a swap of two axes). Bits a and b make the entries of rows x and y negative; that of row z has the sign
 * that gives determinant +1. Element 0 is the identity. The numbering is fixed: files may hold these indices, and
 * shaders/shared/octahedral.wgsl computes the same matrices.
 */
export const octahedralMatrices: readonly (readonly number[])[] = Array.from({ length: OCTAHEDRAL_ORDER }, (_, g) => {
  const p = g >> 2;
  const signX = g & 1 ? -1 : 1;
  const signY = g & 2 ? -1 : 1;
  const signs = [signX, signY, p < 3 ? signX * signY : -signX * signY];
  const matrix = new Array<number>(9).fill(0);
  signs.forEach((sign, i) => (matrix[3 * i + (p < 3 ? (i + p) % 3 : (p - i) % 3)] = sign));
  return matrix;
});

const indexOfMatrix = new Map(octahedralMatrices.map((matrix, g) => [matrix.join(), g]));

/** The element with this matrix, entries within 1e-4; undefined for any other matrix. */
export function octahedralElement(matrix: ArrayLike<number>): number | undefined {
  requireNumbers("matrix", matrix);
  const rounded = Array.from(matrix, (value) => Math.round(value) + 0);
  if (rounded.some((value, i) => !(Math.abs(value - matrix[i]!) <= 1e-4))) return undefined;
  return indexOfMatrix.get(rounded.join());
}

/** `octahedralProducts[a][b]` is the element that rotates by b first and then by a: R_a R_b. */
export const octahedralProducts: readonly (readonly number[])[] = octahedralMatrices.map((a) =>
  octahedralMatrices.map((b) => {
    const product = a.map((_, at) => {
      const [i, j] = [Math.floor(at / 3), at % 3];
      return a[3 * i]! * b[j]! + a[3 * i + 1]! * b[3 + j]! + a[3 * i + 2]! * b[6 + j]!;
    });
    return indexOfMatrix.get(product.join())!;
  }),
);

/** The inverse of each element. */
export const octahedralInverses: readonly number[] = octahedralProducts.map((row) => row.indexOf(0));

/**
 * The permutation that rotates a cubic grid of `size` voxels along an edge about its centre by element g: rotated
 * voxel i holds what was at voxel `result[i]`, out(p) = in(R^-1 p). Voxel order (z, y, x).
 *
 * @throws VoxtwirlError "bad-option" when g is not an element.
 */
export function octahedralPermutation(size: number, g: number): Uint32Array {
  const matrix = octahedralMatrices[g];
  if (matrix === undefined) {
    throw new VoxtwirlError("bad-option", `${g} is not a rotation of the cube`, "Give an element from 0 to 23.");
  }
  // Where the voxel at index 0 comes from, and how far the source moves with each step of x, y and z.
  const strides = [1, size, size ** 2];
  const [x, y, z] = [0, 1, 2].map((i) => strides.reduce((sum, stride, j) => sum + stride * matrix[3 * i + j]!, 0));
  const corner = strides.reduce((sum, stride, j) => {
    const isReversed = matrix[j]! + matrix[3 + j]! + matrix[6 + j]! < 0;
    return sum + (isReversed ? stride * (size - 1) : 0);
  }, 0);
  const permutation = new Uint32Array(size ** 3);
  let at = 0;
  for (let k = 0; k < size; k++) {
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size; i++) permutation[at++] = corner + k * z! + j * y! + i * x!;
    }
  }
  return permutation;
}

/**
 * One grid [D, D, D, C] rotated by element g: out(p) = in(R^-1 p), bitwise exact.
 *
 * @throws VoxtwirlError "bad-shape" when `data` does not hold D^3 C numbers; "bad-option" when g is not an element.
 */
export function rotateGridOctahedral<T extends FloatArray>(data: T, size: number, channels: number, g: number): T {
  requireGrid(data, size, channels);
  const rotated = zerosLike(data);
  octahedralPermutation(size, g).forEach((source, voxel) => {
    rotated.set(data.subarray(source * channels, (source + 1) * channels), voxel * channels);
  });
  return rotated;
}

/** @throws VoxtwirlError "bad-shape" when `data` does not hold D^3 C numbers */
export function requireGrid(data: ArrayLike<number>, size: number, channels: number): void {
  requireNumbers("the grid", data);
  if (data.length !== size ** 3 * channels) {
    throw new VoxtwirlError(
      "bad-shape",
      `a grid [${size}, ${size}, ${size}, ${channels}] holds ${size ** 3 * channels} numbers, not ${data.length}`,
      "Pass one sample's grid with its size and channels.",
    );
  }
}
