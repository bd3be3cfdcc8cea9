import { requireFunction, requireNumbers, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { ResampleMethod } from "../kernels/rotation/resample.ts";
import { ballVoxels, rotateGridInterpolated } from "./interpolate.ts";
import { determinant } from "./matrices.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { OCTAHEDRAL_ORDER, octahedralElement, octahedralMatrices, rotateGridOctahedral } from "./octahedral.ts";
import type { Representation } from "./representations.ts";
import { drawOctahedral, haarRotation } from "./rotations.ts";
import { requireGroup, type SymmetryGroup } from "./symmetryGroup.ts";

/**
 * An orthogonal matrix: nine numbers, row major, active (v' = R v), x y z. Determinant 1 is a rotation, proper; with
 * -1 it is improper, a rotation and the point inversion: `o3`, `fullOctahedral` and `mirrors` have such.
 */
export type Rotation = readonly number[];

/** How rotations act. Actions return new arrays of the same precision; the transposed matrix undoes one. */
export interface RotationActions {
  /** A grid [D, D, D, C] with its content rotated about its centre: out(p) = in(R^-1 p). */
  actOnGrid<T extends FloatArray>(rotation: Rotation, grid: T, size: number, channels: number): T;
  /** Vectors [n, 3], each rotated: v' = R v. */
  actOnPoints<T extends FloatArray>(rotation: Rotation, points: T): T;
}

/** A group of rotations: `rotationGroup` makes one. */
export interface RotationGroup extends RotationActions, SymmetryGroup<Rotation> {
  /** How the action on grids interpolates; undefined where it permutes voxels and is exact. */
  readonly interpolation: ResampleMethod | undefined;
}

const GIVE_ACTIONS = "Give { name, order, interpolation, sample, actOnGrid, actOnPoints }.";

/**
 * The group of rotations with these actions on grids and vectors; from them follow those on tensors and scalars, and
 * the inverse. Where it interpolates on grids, the voxels of the inscribed ball are compared.
 *
 * @throws VoxtwirlError "bad-option" without the actions or without what draws rotations
 */
export function rotationGroup(given: Omit<RotationGroup, "act" | "inverse" | "compared">): RotationGroup {
  requireObject("given", given, GIVE_ACTIONS);
  for (const name of ["sample", "actOnGrid", "actOnPoints"] as const) requireFunction(name, given[name], GIVE_ACTIONS);
  return {
    ...given,
    inverse: inverseRotation,
    act: (rotation, values, how) => act(given, how, rotation, values),
    ...(given.interpolation && { compared: ballVoxels }),
  };
}

/** The 24 rotations of the cube. On grids they permute voxels, bitwise exactly. */
export function octahedral(): RotationGroup {
  return rotationGroup({
    name: "octahedral",
    order: OCTAHEDRAL_ORDER,
    interpolation: undefined,
    sample: (random, count) => Array.from(drawOctahedral(random, count), (g) => octahedralMatrices[g]!),
    enumerate: () => [...octahedralMatrices],
    actOnGrid: (rotation, grid, size, channels) => rotateGridOctahedral(grid, size, channels, requireElement(rotation)),
    actOnPoints: rotatePoints,
  });
}

/** All rotations, by Haar measure. On grids they interpolate: see `rotateGridInterpolated`. */
export function so3(interpolation: ResampleMethod = "catmullRom"): RotationGroup {
  return rotationGroup({
    name: "so3",
    order: Infinity,
    interpolation,
    sample: (random, count) => Array.from({ length: count }, () => haarRotation(random)),
    actOnGrid: (rotation, grid, size, channels) =>
      rotateGridInterpolated(grid, size, channels, rotation, interpolation),
    actOnPoints: rotatePoints,
  });
}

/**
 * All rotations, each without or with the point inversion, by Haar measure: the determinant is 1 or -1, equally
 * likely. On grids they interpolate, as those of `so3`.
 */
export function o3(interpolation: ResampleMethod = "catmullRom"): RotationGroup {
  return rotationGroup({
    ...so3(interpolation),
    name: "o3",
    sample: (random, count) =>
      Array.from({ length: count }, () => {
        const sign = random.int(2) === 0 ? 1 : -1;
        return haarRotation(random).map((value) => sign * value);
      }),
  });
}

/** An array rotated, of the same precision; scalars are the array itself. */
export function act<T extends FloatArray>(
  group: RotationActions,
  how: Representation,
  rotation: Rotation,
  values: T,
): T {
  switch (how.kind) {
    case "scalars":
      return values;
    case "vectors":
      return group.actOnPoints(rotation, values);
    case "pseudovectors": {
      const turned = group.actOnPoints(rotation, values);
      return determinant(rotation) < 0 ? (turned.map((value) => -value) as T) : turned;
    }
    case "tensors":
      // t R^T rotates the rows of t as vectors; R (t R^T) its columns.
      return transposed(group.actOnPoints(rotation, transposed(group.actOnPoints(rotation, values))));
    case "grid":
      return group.actOnGrid(rotation, values, how.size, how.channels);
  }
}

/** Matrices [n, 3, 3], each transposed. */
function transposed<T extends FloatArray>(matrices: T): T {
  const result = zerosLike(matrices);
  for (let at = 0; at < matrices.length; at++) {
    const [i, j] = [Math.floor((at % 9) / 3), at % 3];
    result[at - 3 * i - j + 3 * j + i] = matrices[at]!;
  }
  return result;
}

/** @throws VoxtwirlError "bad-option" unless it is a group of rotations, as itself or as the function that makes it */
export function requireRotationGroup(given: unknown): RotationGroup {
  const group = requireGroup(given);
  if (isRotationGroup(group)) return group;
  const message = `the group ${group.name} has no rotations`;
  throw new VoxtwirlError("bad-option", message, "Give octahedral(), so3() or another RotationGroup.");
}

export function isRotationGroup(group: SymmetryGroup): group is RotationGroup {
  const { actOnGrid, actOnPoints } = group as Partial<RotationGroup>;
  return typeof actOnGrid === "function" && typeof actOnPoints === "function";
}

/** The transposed matrix. */
export function inverseRotation(rotation: Rotation): number[] {
  requireNumbers("rotation", rotation);
  return rotation.map((_, at) => rotation[3 * (at % 3) + Math.floor(at / 3)]!);
}

function nine(rotation: Rotation): [number, number, number, number, number, number, number, number, number] {
  const [a, b, c, d, e, f, g, h, i] = rotation;
  return [a!, b!, c!, d!, e!, f!, g!, h!, i!];
}

/** R v for each of the vectors [n, 3], in float64, rounded once. */
export function rotatePoints<T extends FloatArray>(rotation: Rotation, points: T): T {
  if (points.length % 3 !== 0) {
    throw new VoxtwirlError("bad-shape", `${points.length} numbers are not vectors of three`, "Give [n, 3].");
  }
  const rotated = zerosLike(points);
  const [a, b, c, d, e, f, g, h, i] = nine(rotation);
  for (let at = 0; at < points.length; at += 3) {
    const [x, y, z] = [points[at]!, points[at + 1]!, points[at + 2]!];
    rotated[at] = a * x + b * y + c * z;
    rotated[at + 1] = d * x + e * y + f * z;
    rotated[at + 2] = g * x + h * y + i * z;
  }
  return rotated;
}

/** The element's number. @throws VoxtwirlError "bad-option" when the matrix is not one of the 24 */
export function requireElement(rotation: Rotation): number {
  const element = octahedralElement(rotation);
  if (element !== undefined) return element;
  throw new VoxtwirlError(
    "bad-option",
    `[${rotation.map((value) => Number(value.toFixed(4))).join(", ")}] is not a rotation of the cube`,
    "Give one of octahedralMatrices: row major, active, x y z.",
  );
}
