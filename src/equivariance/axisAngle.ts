import type { Rotation } from "./groups.ts";

/** A rotation as people name it: by the right-hand rule about an axis through the origin. */
export interface AxisAngle {
  /** In degrees, from 0 to 180. */
  readonly angle: number;
  /** A unit vector, x y z; zero for the identity. A half turn has two: this is the one that begins positive. */
  readonly axis: readonly [number, number, number];
}

/** Axis and angle of a rotation matrix, accurate to about 1e-7. */
export function axisAngle(rotation: Rotation): AxisAngle {
  const [xx, xy, xz, yx, yy, yz, zx, zy, zz] = rotation as [
    ...[number, number, number],
    ...[number, number, number],
    ...[number, number, number],
  ];
  // Twice the sine times the axis, and twice the cosine.
  const turn = [zy - yz, xz - zx, yx - xy] as const;
  const sine = Math.hypot(...turn);
  const cosine = xx + yy + zz - 1;
  const angle = (Math.atan2(sine, cosine) * 180) / Math.PI;
  if (sine > 1e-6) return { angle, axis: unit(turn) };
  if (cosine > 0) return { angle: 0, axis: [0, 0, 0] };
  // R + 1 is twice the axis times its transpose: its column of the largest diagonal element.
  const columns = [
    [xx + 1, yx, zx],
    [xy, yy + 1, zy],
    [xz, yz, zz + 1],
  ] as const;
  const largest = columns.reduce((best, column, i) => (column[i]! > columns[best]![best]! ? i : best), 0);
  const axis = unit(columns[largest]!);
  const first = axis.find((component) => Math.abs(component) > 1e-6)!;
  return { angle: 180, axis: first < 0 ? unit(axis.map((c) => -c) as [number, number, number]) : axis };
}

function unit(vector: readonly [number, number, number]): [number, number, number] {
  const length = Math.hypot(...vector);
  // Without negative zeros.
  return vector.map((component) => component / length + 0) as [number, number, number];
}
