import { kindOf, requireNumbers } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { ResampleMethod } from "../kernels/rotation/resample.ts";
import type { Random } from "../random.ts";
import { rotateGridInterpolated } from "./interpolate.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { OCTAHEDRAL_ORDER, octahedralElement, octahedralMatrices, rotateGridOctahedral } from "./octahedral.ts";
import { drawOctahedral, haarRotation } from "./rotations.ts";

/** A rotation matrix: nine numbers, row major, active (v' = R v), x y z. */
export type Rotation = readonly number[];

/** How rotations act. Actions return new arrays of the same precision; the transposed matrix undoes one. */
export interface RotationActions {
  /** A grid [D, D, D, C] with its content rotated about its centre: out(p) = in(R^-1 p). */
  actOnGrid<T extends FloatArray>(rotation: Rotation, grid: T, size: number, channels: number): T;
  /** Vectors [n, 3], each rotated: v' = R v. */
  actOnPoints<T extends FloatArray>(rotation: Rotation, points: T): T;
}

/** A group of rotations as the measurements use it. */
export interface RotationGroup extends RotationActions {
  readonly name: string;
  /** Number of elements, Infinity where they cannot be counted. */
  readonly order: number;
  /** How the action on grids interpolates; undefined where it permutes voxels and is exact. */
  readonly interpolation: ResampleMethod | undefined;
  /** `count` rotations, uniform: different elements of a finite group, independent draws otherwise. */
  sample(random: Random, count: number): Rotation[];
  /** All elements of a finite group. */
  enumerate?(): Rotation[];
}

/** The 24 rotations of the cube. On grids they permute voxels, bitwise exactly. */
export function octahedral(): RotationGroup {
  return {
    name: "octahedral",
    order: OCTAHEDRAL_ORDER,
    interpolation: undefined,
    sample: (random, count) => Array.from(drawOctahedral(random, count), (g) => octahedralMatrices[g]!),
    enumerate: () => [...octahedralMatrices],
    actOnGrid: (rotation, grid, size, channels) => rotateGridOctahedral(grid, size, channels, requireElement(rotation)),
    actOnPoints: rotatePoints,
  };
}

/** All rotations, by Haar measure. On grids they interpolate: see `rotateGridInterpolated`. */
export function so3(interpolation: ResampleMethod = "catmullRom"): RotationGroup {
  return {
    name: "so3",
    order: Infinity,
    interpolation,
    sample: (random, count) => Array.from({ length: count }, () => haarRotation(random)),
    actOnGrid: (rotation, grid, size, channels) =>
      rotateGridInterpolated(grid, size, channels, rotation, interpolation),
    actOnPoints: rotatePoints,
  };
}

/**
 * The group that a caller gave, as itself or as the function that makes it.
 *
 * @throws VoxtwirlError "bad-option" when it is none
 */
export function requireGroup(given: unknown): RotationGroup {
  const group: unknown = typeof given === "function" ? (given as () => unknown)() : given;
  const { sample, actOnGrid, actOnPoints } = (group ?? {}) as Partial<RotationGroup>;
  if ([sample, actOnGrid, actOnPoints].every((action) => typeof action === "function")) return group as RotationGroup;
  const found = typeof given === "string" ? JSON.stringify(given) : kindOf(given);
  throw new VoxtwirlError("bad-option", `group is ${found}, no group of rotations`, "Give octahedral() or so3().");
}

/** The transposed matrix. */
export function inverseRotation(rotation: Rotation): number[] {
  requireNumbers("rotation", rotation);
  return rotation.map((_, at) => rotation[3 * (at % 3) + Math.floor(at / 3)]!);
}

/** R v for each of the vectors [n, 3], in float64, rounded once. */
export function rotatePoints<T extends FloatArray>(rotation: Rotation, points: T): T {
  if (points.length % 3 !== 0) {
    throw new VoxtwirlError("bad-shape", `${points.length} numbers are not vectors of three`, "Give [n, 3].");
  }
  const rotated = zerosLike(points);
  for (let at = 0; at < points.length; at += 3) {
    for (let i = 0; i < 3; i++) {
      const [a, b, c] = [rotation[3 * i]!, rotation[3 * i + 1]!, rotation[3 * i + 2]!];
      rotated[at + i] = a * points[at]! + b * points[at + 1]! + c * points[at + 2]!;
    }
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
