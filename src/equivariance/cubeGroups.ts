import { requireOneOf } from "../check.ts";
import { cubeActions } from "./cubeActions.ts";
import { cubeSymmetryMatrices } from "./cubeSymmetries.ts";
import { rotationGroup, type Rotation, type RotationGroup } from "./groups.ts";
import { octahedralMatrices } from "./octahedral.ts";
import { countedElements } from "./symmetryGroup.ts";

const AXES = ["x", "y", "z"] as const;

/**
 * C4: the four rotations about an axis of the grid by multiples of 90 degrees, bitwise exact on grids.
 *
 * @throws VoxtwirlError "bad-option" for an axis that is none
 */
export function cyclic4(axis: (typeof AXES)[number]): RotationGroup {
  requireOneOf("axis", axis, AXES);
  const diagonal = 4 * AXES.indexOf(axis);
  return cubeGroup(
    `cyclic4-${axis}`,
    octahedralMatrices.filter((matrix) => matrix[diagonal] === 1),
  );
}

/**
 * C2: the identity and the rotation about an axis of the grid by 180 degrees, bitwise exact on grids.
 *
 * @throws VoxtwirlError "bad-option" for an axis that is none
 */
export function cyclic2(axis: (typeof AXES)[number]): RotationGroup {
  return cubeGroup(`cyclic2-${axis}`, cyclic4(axis).enumerate!().filter(isDiagonal));
}

/**
 * D_2h: the 8 changes of signs of x, y and z, three mirror planes and what they make together, bitwise exact on grids.
 * Four of them are proper.
 */
export function mirrors(): RotationGroup {
  return cubeGroup("mirrors", cubeSymmetryMatrices.filter(isDiagonal));
}

/**
 * O_h: the 48 symmetries of the cube, 24 rotations and 24 reflections (determinant -1), bitwise exact on grids. Vectors
 * are polar: v' = R v, as displacements and forces are; pseudovectors (torques, magnetic moments) are v' = det(R) R v.
 * Tensors are t' = R t R^T, and scalars do not change their sign.
 */
export function fullOctahedral(): RotationGroup {
  return cubeGroup("full-octahedral", cubeSymmetryMatrices);
}

function isDiagonal(matrix: Rotation): boolean {
  return matrix.every((value, at) => at % 4 === 0 || value === 0);
}

function cubeGroup(name: string, matrices: readonly Rotation[]): RotationGroup {
  const elements = countedElements(matrices.length, (i) => matrices[i]!);
  return rotationGroup({ name, ...elements, interpolation: undefined, ...cubeActions() });
}
