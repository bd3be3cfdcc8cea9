/** Copies of a frame that tell what else than lost symmetry changes predictions. */
import type { Rotation } from "../equivariance/groups.ts";
import { product } from "../equivariance/matrices.ts";
import type { Frame } from "../molecules/frame.ts";
import type { Random } from "../random.ts";

/**
 * What a copy is for: "identity", the frame as it is, twice: does a program predict the same again; "jitter", as it is
 * but for the last digits of its positions and cell: what rounding does to it; "jitter single", for programs in single
 * precision, but for the last bits that these have; "near x", y or z: an edge lies along that axis, or nearly: does the
 * prediction jump.
 */
export type RepeatKind = "identity" | "jitter" | "jitter single" | `near ${"x" | "y" | "z"}`;

/** What a copy is that is none of the rotations to be measured under. */
export interface Repeat {
  readonly kind: RepeatKind;
  /** Of near poses: how far the edge is turned from the axis, in radians. */
  readonly angle?: number;
}

const AXES = ["x", "y", "z"] as const;
/** Of each frame. */
export const IDENTITIES = 2;
export const JITTERS = 2;
/** In radians, the first of which is the pose that others are held against. */
export const NEAR_ANGLES: readonly number[] = [0, 1e-4, 1e-3, 1e-2, 1e-1];
const KINDS: readonly RepeatKind[] = [
  ...(["identity", "jitter", "jitter single"] as const),
  ...AXES.map((axis) => `near ${axis}` as const),
];

/** The kind of a word or, in arrays, of its number from 1; undefined of others. */
export function repeatKind(said: unknown): RepeatKind | undefined {
  return typeof said === "number" ? KINDS[said - 1] : KINDS.find((kind) => kind === said);
}

/** As arrays have it. */
export function numberOfKind(kind: RepeatKind): number {
  return KINDS.indexOf(kind) + 1;
}

/** Poses in which the edge from the first atom to its nearest lies along an axis, and turned away from it. */
export function nearPoses(frame: Frame): { readonly repeat: Repeat; readonly rotation: Rotation }[] {
  const edge = nearestEdge(frame.positions);
  if (edge === undefined) return [];
  return AXES.flatMap((axis, i) => {
    const along = fromTo(edge, i);
    // About the next axis, so that the edge leaves the one it lies along.
    return NEAR_ANGLES.map((angle) => ({
      repeat: { kind: `near ${axis}` as const, angle },
      rotation: product(about((i + 1) % 3, angle), along),
    }));
  });
}

/** Points with each number one unit of the last digit up or down. */
export function jittered(points: Float64Array, unit: number, random: Random): Float64Array {
  return points.map((value) => value + (random.int(2) === 0 ? unit : -unit));
}

/** Points with each number two units of roundoff of single precision up or down. */
export function jitteredSingle(points: Float64Array, random: Random): Float64Array {
  return points.map((value) => value * (1 + (random.int(2) === 0 ? 1 : -1) * 2 ** -23));
}

/** The unit vector from the first atom to the nearest that is not in the same place; none without such. */
function nearestEdge(p: Float64Array): number[] | undefined {
  let nearest = Infinity;
  let edge: number[] | undefined;
  for (let at = 3; at < p.length; at += 3) {
    const vector = [0, 1, 2].map((k) => p[at + k]! - p[k]!);
    const length = Math.hypot(...vector);
    if (!(length > 1e-6 && length < nearest)) continue;
    nearest = length;
    edge = vector.map((value) => value / length);
  }
  return edge;
}

/** The rotation by the smallest angle that takes a unit vector to an axis. */
function fromTo(vector: readonly number[], axis: number): number[] {
  const to = [0, 1, 2].map((k) => (k === axis ? 1 : 0));
  const cosine = vector[axis]!;
  if (cosine < -1 + 1e-12) return about((axis + 1) % 3, Math.PI);
  const v = [0, 1, 2].map((k) => {
    const [i, j] = [(k + 1) % 3, (k + 2) % 3];
    return vector[i]! * to[j]! - vector[j]! * to[i]!;
  });
  const k = [0, -v[2]!, v[1]!, v[2]!, 0, -v[0]!, -v[1]!, v[0]!, 0];
  const squared = product(k, k);
  // Rodrigues: 1 + K + K^2 / (1 + cos).
  return k.map((value, at) => (at % 4 === 0 ? 1 : 0) + value + squared[at]! / (1 + cosine));
}

function about(axis: number, angle: number): number[] {
  const [i, j] = [(axis + 1) % 3, (axis + 2) % 3];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const r = new Array<number>(9).fill(0);
  r[4 * axis] = 1;
  r[4 * i] = r[4 * j] = c;
  r[3 * j + i] = s;
  r[3 * i + j] = -s;
  return r;
}
