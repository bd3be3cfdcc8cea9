import { rotatePoints, type Rotation } from "../equivariance/groups.ts";
import type { Frame } from "../molecules/frame.ts";

/** Whether two frames have the same elements in the same order. */
export function sameElements(a: Frame, b: Frame): boolean {
  const { elements } = a;
  return elements.length === b.elements.length && elements.every((element, i) => element === b.elements[i]);
}

/**
 * How far atoms of `moved` are at most from where `rotation` turns those of `frame`, in Angstrom, as seen from the
 * first atom: frames may have been shifted. Along a cell that repeats, any number of its vectors is no distance.
 */
export function farthestFrom(moved: Frame, frame: Frame, rotation: Rotation): number {
  const turned = rotatePoints(rotation, frame.positions);
  const whole = frame.cell && frame.pbc && wholeVectors(rotatePoints(rotation, frame.cell), frame.pbc);
  const p = moved.positions;
  let farthest = 0;
  for (let i = 3; i < p.length; i += 3) {
    const [x, y, z] = [0, 1, 2].map((k) => p[i + k]! - p[k]! - turned[i + k]! + turned[k]!) as [number, number, number];
    const distance = whole ? whole(x, y, z) : Math.hypot(x, y, z);
    if (!(distance <= farthest)) farthest = distance;
  }
  return farthest;
}

/** The length of a vector less the nearest whole numbers of a cell's vectors, along those that repeat. */
function wholeVectors(
  cell: Float64Array,
  pbc: readonly [boolean, boolean, boolean],
): ((x: number, y: number, z: number) => number) | undefined {
  const [a, b, c] = [cell.subarray(0, 3), cell.subarray(3, 6), cell.subarray(6, 9)] as const;
  // Over the volume, the rows of what gives a vector in units of the cell's.
  const rows = [cross(b, c), cross(c, a), cross(a, b)];
  const volume = dot(a, rows[0]!);
  if (!(Math.abs(volume) > 1e-9)) return undefined;
  return (x, y, z) => {
    const vector = [x, y, z];
    const whole = rows.map((row, i) => (pbc[i] ? Math.round(dot(row, vector) / volume) : 0));
    return Math.hypot(...vector.map((value, k) => value - whole[0]! * a[k]! - whole[1]! * b[k]! - whole[2]! * c[k]!));
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
}

function cross(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  return [0, 1, 2].map((k) => {
    const [i, j] = [(k + 1) % 3, (k + 2) % 3];
    return a[i]! * b[j]! - a[j]! * b[i]!;
  });
}
