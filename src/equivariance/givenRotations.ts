import { requireNumbers } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { cubeRotations, type RotationSource } from "./cubeRotations.ts";
import { CUBE_SYMMETRIES, cubeSymmetryMatrices, isReflection, rotationFault } from "./cubeSymmetries.ts";
import type { Rotation } from "./groups.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";
import { requireRepresentation, type Representation } from "./representations.ts";
import { MATRIX_READINGS } from "./rotationReadings.ts";

/** The rotations T_i of raw predictions f(T_i x), and how they act on these. */
export interface PredictionRotations {
  /** [N, 3, 3] for all samples alike or [samples, N, 3, 3]: active, row major, x y z. */
  readonly matrices: ArrayLike<number>;
  /**
   * What predictions and targets are. Grids are rotated by rotations of the cube alone; vectors, tensors and scalars
   * under "so3" by any.
   */
  readonly output: Representation;
  /** What to call the matrices in an error. */
  readonly name?: string;
}

/** Those rotations, checked. */
export interface GivenRotations {
  /** Of all samples alike, or of one sample after another. */
  readonly rotations: readonly Rotation[];
  readonly output: Representation;
  /** "full-octahedral" also where "octahedral" was asked for and every sample has all 48. */
  readonly source: RotationSource;
  /** Under how many rotations at most a prediction is compared with its target, to find another reading. */
  readonly compared: number;
}

/** What an entry in half precision may be off in a product of two rows. */
const TOLERANCE = 1e-3;

/**
 * @param count rotations of each sample
 * @throws VoxtwirlError "bad-option" where `matrices` are none or `output` is no representation, "bad-shape" for
 *   matrices that are not `count` a sample, "bad-file" that names the first matrix that cannot be used, as
 *   `cubeRotations`
 */
export function givenRotations(
  { matrices, output, name = "the rotations" }: PredictionRotations,
  count: number,
  source: RotationSource,
): GivenRotations {
  requireNumbers("rotations.matrices", matrices);
  requireRepresentation("rotations.output", output);
  if (matrices.length === 0 || matrices.length % (9 * count) !== 0) {
    const what = `${matrices.length} numbers are not matrices of ${count} rotations`;
    throw new VoxtwirlError("bad-shape", what, `Give [${count}, 3, 3] or [samples, ${count}, 3, 3].`);
  }
  if (source === "so3" && output.kind !== "grid") {
    const rotations = anyRotations(matrices, count, name);
    return { rotations, output, source, compared: MATRIX_READINGS.length + 1 + count };
  }
  const fix = output.kind === "grid" ? undefined : OTHERS_TAKE;
  const cube = cubeRotations(matrices, count, source, name, fix);
  return {
    rotations: cube.elements.map((element) => cubeSymmetryMatrices[element]!),
    output,
    source: cube.source,
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
