import { cubeSymmetry, cubeSymmetryPermutation } from "./cubeSymmetries.ts";
import { rotatePoints, type Rotation, type RotationActions } from "./groups.ts";
import { VoxtwirlError } from "../errors.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { requireGrid } from "./octahedral.ts";

/**
 * The 48 symmetries of the cube on grids, bitwise exact, and any matrix on vectors. Permutations of voxels are kept:
 * what is made here is for as long as there are grids to rotate.
 */
export function cubeActions(): RotationActions {
  const permutations = new Map<string, Uint32Array>();
  return {
    actOnGrid<T extends FloatArray>(rotation: Rotation, grid: T, size: number, channels: number): T {
      requireGrid(grid, size, channels);
      const element = requireCubeSymmetry(rotation);
      const key = `${size} ${element}`;
      const permutation = permutations.get(key) ?? cubeSymmetryPermutation(size, element);
      permutations.set(key, permutation);
      const rotated = zerosLike(grid);
      let at = 0;
      for (const from of permutation) {
        for (let c = 0; c < channels; c++) rotated[at++] = grid[from * channels + c]!;
      }
      return rotated;
    },
    actOnPoints: rotatePoints,
  };
}

/** The element's number. @throws VoxtwirlError "bad-option" when the matrix is not one of the 48 */
function requireCubeSymmetry(matrix: Rotation): number {
  const element = cubeSymmetry(matrix);
  if (element !== undefined) return element;
  const message = `[${matrix.map((value) => Number(value.toFixed(4))).join(", ")}] is no symmetry of the cube`;
  throw new VoxtwirlError("bad-option", message, "Give an element of the group: row major, active, x y z.");
}
