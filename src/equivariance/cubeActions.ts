import { cubeSymmetry, cubeSymmetryPermutation } from "./cubeSymmetries.ts";
import { rotatePoints, type Rotation, type RotationActions } from "./groups.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";

/**
 * The 48 symmetries of the cube on grids, bitwise exact, and any matrix on vectors. Permutations of voxels are kept:
 * what is made here is for as long as there are grids to rotate.
 */
export function cubeActions(): RotationActions {
  const permutations = new Map<string, Uint32Array>();
  return {
    actOnGrid<T extends FloatArray>(rotation: Rotation, grid: T, size: number, channels: number): T {
      const element = cubeSymmetry(rotation)!;
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
