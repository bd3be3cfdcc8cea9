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
 * O_h: the 48 symmetries of the cube, 24 rotations and 24 reflections (determinant -1), bitwise exact on grids. Vectors
 * are polar: v' = R v, as displacements and forces are; axial ones (torques, magnetic moments) would be det(R) R v.
 * Tensors are t' = R t R^T, and scalars do not change their sign.
 */
export function fullOctahedral(): RotationGroup {
  return cubeGroup("full-octahedral", cubeSymmetryMatrices);
}

function cubeGroup(name: string, matrices: readonly Rotation[]): RotationGroup {
  const elements = countedElements(matrices.length, (i) => matrices[i]!);
  return rotationGroup({ name, ...elements, interpolation: undefined, ...cubeActions() });
}
