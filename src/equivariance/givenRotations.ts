import { requireNumbers } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { cubeRotations, groupOrderOf, type RotationSource } from "./cubeRotations.ts";
import { CUBE_SYMMETRIES, cubeSymmetryMatrices, isReflection, rotationFault } from "./cubeSymmetries.ts";
import { givenElements, quadratureOf } from "./givenElements.ts";
import type { Rotation, RotationGroup } from "./groups.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import type { GivenRotations, PredictionRotations } from "./predictionRotations.ts";
import { requireRepresentation } from "./representations.ts";
import { MATRIX_READINGS } from "./rotationReadings.ts";

/** What an entry in half precision may be off in a product of two rows. */
const TOLERANCE = 1e-3;

/**
 * @param count rotations of each sample
 * @throws VoxtwirlError "bad-option" where `matrices` are none or `output` is no representation, "bad-shape" for
 *   matrices that are not `count` a sample, "bad-file" that names the first matrix that cannot be used, as
 *   `cubeRotations` and `givenElements`
 */
export function givenRotations(
  { matrices, output, name = "the rotations" }: PredictionRotations,
  count: number,
  source: RotationSource | RotationGroup,
): GivenRotations {
  requireNumbers("rotations.matrices", matrices);
  requireRepresentation("rotations.output", output);
  if (matrices.length === 0 || matrices.length % (9 * count) !== 0) {
    const what = `${matrices.length} numbers are not matrices of ${count} rotations`;
    throw new VoxtwirlError("bad-shape", what, `Give [${count}, 3, 3] or [samples, ${count}, 3, 3].`);
  }
  if (typeof source !== "string") return givenElements({ matrices, output, name }, count, source);
  if (source === "so3" && output.kind !== "grid") {
    const rule = quadratureOf(matrices, count);
    if (rule !== undefined) return givenElements({ matrices, output, name }, count, rule);
    const rotations = anyRotations(matrices, count, name);
    return { rotations, output, source, order: Infinity, compared: MATRIX_READINGS.length + 1 + count };
  }
  const fix = output.kind === "grid" ? undefined : OTHERS_TAKE;
  const cube = cubeRotations(matrices, count, source, name, fix);
  return {
    rotations: cube.elements.map((element) => cubeSymmetryMatrices[element]!),
    output,
    source: cube.source,
    order: groupOrderOf(cube.source),
    compared: cube.elements.some(isReflection) ? CUBE_SYMMETRIES : OCTAHEDRAL_ORDER,
  };
}

const OTHERS_TAKE = "Give rotations of the cube; for independent draws of all rotations use --group so3.";

/** @throws VoxtwirlError "bad-file" that names the first matrix that is no rotation */
function anyRotations(matrices: ArrayLike<number>, count: number, name: string): Rotation[] {
  return Array.from({ length: matrices.length / 9 }, (_, at) => {
    const matrix = Array.from({ length: 9 }, (_, i) => matrices[9 * at + i]!);
    const fault = rotationFault(matrix, TOLERANCE);
    if (fault === undefined) return matrix;
    const sample = matrices.length > 9 * count ? ` of sample ${Math.floor(at / count)}` : "";
    const fix = "Give rotations alone: orthogonal matrices with determinant 1, active, x y z.";
    throw new VoxtwirlError("bad-file", `${name}: matrix ${at % count}${sample} ${fault}`, fix);
  });
}
