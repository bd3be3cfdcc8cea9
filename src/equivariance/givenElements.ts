import { VoxtwirlError } from "../errors.ts";
import { rotationFault } from "./cubeSymmetries.ts";
import type { GivenRotations, PredictionRotations } from "./predictionRotations.ts";
import type { Rotation, RotationGroup } from "./groups.ts";
import type { QuadratureDegree } from "./lebedev.ts";
import { quadrature } from "./quadrature.ts";
import { MATRIX_READINGS } from "./rotationReadings.ts";

/** What an entry in half precision may be off by. */
const TOLERANCE = 1e-3;
const DEGREES: readonly QuadratureDegree[] = [3, 5, 7, 9, 11];

/**
 * Rotations of raw predictions that are elements of a group, such as `matrixGroup` or `quadrature` makes: different
 * ones of a finite group; of one with weights all of them, in the same order in each sample.
 *
 * @param count rotations of each sample, as many as the matrices fit
 * @throws VoxtwirlError "bad-option" for grids and a group that does not permute voxels, "bad-file" that names the
 *   first matrix that is no such element
 */
export function givenElements(
  { matrices, output, name = "the rotations" }: PredictionRotations,
  count: number,
  group: RotationGroup,
): GivenRotations {
  if (output.kind === "grid" && group.interpolation !== undefined) {
    const fix =
      "Rotate the predictions back yourself, and give no rotations; or take a group of the cube's symmetries.";
    throw new VoxtwirlError("bad-option", `${group.name} would interpolate voxels to rotate predictions back`, fix);
  }
  const all = group.enumerate?.();
  const fail = (at: number, what: string, fix: string) => {
    const sample = matrices.length > 9 * count ? ` of sample ${Math.floor(at / count)}` : "";
    throw new VoxtwirlError("bad-file", `${name}: matrix ${at % count}${sample} ${what}`, fix);
  };
  // Of the sample before, whose order is mostly the same.
  let places: number[] = [];
  const first: number[] = [];
  const rotations: Rotation[] = [];
  for (let start = 0; start < matrices.length / 9; start += count) {
    const own: number[] = [];
    for (let i = 0; i < count; i++) {
      const matrix = matrixAt(matrices, start + i);
      const fault = rotationFault(matrix, TOLERANCE, group.name !== "so3");
      if (fault !== undefined) fail(start + i, fault, "Give elements of the group: active, row major, x y z.");
      if (all === undefined) {
        rotations.push(matrix);
        continue;
      }
      const place = isNear(all[places[i] ?? -1], matrix) ? places[i]! : all.findIndex((one) => isNear(one, matrix));
      if (place < 0) fail(start + i, `is no element of ${group.name}`, "Name the group that has all: see --group.");
      const again = own.indexOf(place);
      if (again >= 0) fail(start + i, `is that of matrix ${again} again`, "For independent draws use --group so3.");
      if (group.weights && start > 0 && place !== first[i]) {
        fail(start + i, "is not that of sample 0", "Give the rotations of a quadrature in one order for all samples.");
      }
      own.push(place);
      rotations.push(all[place]!);
    }
    if (start === 0) first.push(...own);
    places = own;
  }
  return {
    ...{ rotations, output, source: group.name, order: group.order },
    ...(group.weights && { weights: first.map((place) => group.weights![place]!) }),
    compared: MATRIX_READINGS.length + 1 + count,
  };
}

/** The quadrature whose rotations the matrices of the first sample are, in any order; undefined where there is none. */
export function quadratureOf(matrices: ArrayLike<number>, count: number): RotationGroup | undefined {
  // The number of rotations tells which it may be, at the cost of a few points on a sphere.
  const rule = DEGREES.map((degree) => quadrature(degree)).find(({ order }) => order === count);
  const all = rule?.enumerate?.();
  if (all === undefined || matrices.length < 9 * count) return undefined;
  const found = new Set(
    Array.from({ length: count }, (_, i) => {
      const matrix = matrixAt(matrices, i);
      return all.findIndex((one) => isNear(one, matrix));
    }),
  );
  return found.size === count && !found.has(-1) ? rule : undefined;
}

function matrixAt(matrices: ArrayLike<number>, at: number): number[] {
  return Array.from({ length: 9 }, (_, i) => matrices[9 * at + i]!);
}

function isNear(a: Rotation | undefined, b: Rotation): boolean {
  return a !== undefined && a.every((value, k) => Math.abs(value - b[k]!) <= TOLERANCE);
}
