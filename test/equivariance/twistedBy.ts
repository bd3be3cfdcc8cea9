import { inverseRotation, rotatePoints, type Rotation } from "../../src/equivariance/groups.ts";

/** Vectors [n, 3] to numbers. */
export type HostModel = (x: Float64Array) => ArrayLike<number>;

/** R^-1 f(R x) of each rotation, one after another, for a model of vectors; or f(R x) for one of scalars. */
export function twistedBy(
  model: HostModel,
  x: Float64Array,
  rotations: readonly Rotation[],
  kind: "vectors" | "scalars" = "vectors",
): Float64Array {
  const each = rotations.map((rotation) => {
    const raw = Float64Array.from(model(rotatePoints(rotation, x)));
    return kind === "vectors" ? rotatePoints(inverseRotation(rotation), raw) : raw;
  });
  return Float64Array.from(each.flatMap((values) => [...values]));
}

/** Forces z e_x of each atom: as an operator half of degree 1 and half of degree 2. */
export const shear: HostModel = (x) => x.map((_, i) => (i % 3 === 0 ? x[i + 2]! : 0));

/** A scalar with many degrees and both parities. */
export const wild: HostModel = (x) => [
  Math.exp(x[0]! + 0.3 * x[4]!) + x[2]! * x[3]! * x[7]!,
  Math.sin(2 * x[1]!) * (1 + x[5]!) + x[6]! ** 3,
];
