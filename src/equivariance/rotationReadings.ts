import type { Rotation } from "./groups.ts";

/** Another meaning of the rotations that belong to predictions. */
export type RotationReading =
  /** Matrices for vectors with their axes in another order or one of them reversed; transposed: passive ones. */
  | {
      readonly kind: "matrices";
      readonly transposed: boolean;
      /** Order of the axes, "xyz" as asked. */
      readonly axes: string;
      readonly flipped: "" | "x" | "y" | "z";
    }
  /** The predictions are rotated back already. */
  | { readonly kind: "rotated-back" }
  /** The same matrices in another order: prediction i belongs to matrix `rows[i]`. */
  | { readonly kind: "rows"; readonly rows: readonly number[] };

export type MatrixReading = Extract<RotationReading, { kind: "matrices" }>;

/** The 48 readings of matrices, the simplest first: the first takes them as they are. */
export const MATRIX_READINGS: readonly MatrixReading[] = (() => {
  const all: MatrixReading[] = [];
  for (const flipped of ["", "x", "y", "z"] as const) {
    for (const axes of ["xyz", "zyx", "yxz", "xzy", "yzx", "zxy"]) {
      for (const transposed of [false, true]) all.push({ kind: "matrices", transposed, axes, flipped });
    }
  }
  const changes = ({ transposed, axes, flipped }: MatrixReading) =>
    Number(transposed) + Number(axes !== "xyz") + Number(flipped !== "");
  return all.sort((a, b) => changes(a) - changes(b));
})();

/** The matrix that acts on x y z as R does on the reading's axes: Q^T R Q, u = Q v. */
export function readMatrix(matrix: Rotation, { transposed, axes, flipped }: MatrixReading): Rotation {
  const place = ["x", "y", "z"].map((axis) => axes.indexOf(axis));
  const sign = ["x", "y", "z"].map((axis) => (axis === flipped ? -1 : 1));
  return Array.from({ length: 9 }, (_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    const [row, column] = transposed ? [place[j]!, place[i]!] : [place[i]!, place[j]!];
    return sign[i]! * sign[j]! * matrix[3 * row + column]!;
  });
}
