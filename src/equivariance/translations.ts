import { requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { requireGrid } from "./octahedral.ts";
import type { Representation } from "./representations.ts";
import { countedElements, type SymmetryGroup } from "./symmetryGroup.ts";

/** Whole voxels along x, y and z. */
export type Translation = readonly [x: number, y: number, z: number];

/** Which translations. */
export interface TranslationOptions {
  /** Voxels along an edge of the grid. */
  readonly size: number;
  /** Voxels along each axis at most; without it all translations of the periodic grid. */
  readonly most?: number;
}

/**
 * Translations of cubic grids by whole voxels, bitwise exact: what leaves a grid comes in on the other side.
 *
 * Without `most` they are the group of the periodic grid, size^3 elements. With it they are the (2 most + 1)^3 shifts
 * by up to `most` voxels along each axis, and only voxels at least as far from every face are compared, so that no
 * prediction that came in on the other side is. That is for grids whose content lies in the middle, and for models that
 * pad with zeros. These shifts are a part of a group: L = L_mean + L_equiv holds over them too, but their mean is not
 * itself an exactly equivariant prediction.
 *
 * Vectors and tensors (differences of positions, forces) and scalars stay as they are.
 *
 * @throws VoxtwirlError "bad-option" unless size is from 2 to 1,024, and `most` leaves voxels to compare
 */
export function translations(options: TranslationOptions): SymmetryGroup<Translation> {
  requireObject("options", options, "Give { size }.");
  const { size, most } = options;
  requireWhole("size", size, 2, 1024);
  if (most !== undefined) requireWhole("most", most, 1, Math.max(1, Math.ceil(size / 2) - 1));
  const [least, count] = most === undefined ? [0, size] : [-most, 2 * most + 1];
  return {
    name: "translations",
    ...countedElements(count ** 3, (i): Translation => {
      const along = (axis: number) => least + (Math.floor(i / count ** axis) % count);
      return [along(0), along(1), along(2)];
    }),
    inverse: ([x, y, z]) => [0 - x, 0 - y, 0 - z],
    act: (translation, values, how) => (how.kind === "grid" ? translated(translation, values, how, size) : values),
    ...(most !== undefined && { compared: (edge: number) => innerVoxels(edge, most) }),
  };
}

function translated(
  [x, y, z]: Translation,
  values: FloatArray,
  { size, channels }: Extract<Representation, { kind: "grid" }>,
  expected: number,
): FloatArray {
  if (size !== expected) {
    const message = `a grid of ${size} voxels is none of ${expected}, whose translations these are`;
    throw new VoxtwirlError("bad-shape", message, `Give translations({ size: ${size} }).`);
  }
  requireGrid(values, size, channels);
  const moved = zerosLike(values);
  const source = (to: number, by: number) => (((to - by) % size) + size) % size;
  const fromX = Array.from({ length: size }, (_, i) => source(i, x) * channels);
  let at = 0;
  for (let k = 0; k < size; k++) {
    for (let j = 0; j < size; j++) {
      const row = (source(k, z) * size + source(j, y)) * size * channels;
      for (let i = 0; i < size; i++) {
        const from = row + fromX[i]!;
        for (let c = 0; c < channels; c++) moved[at++] = values[from + c]!;
      }
    }
  }
  return moved;
}

/** Voxels of a cubic grid with at least `margin` others between them and each face, in rising order. */
function innerVoxels(size: number, margin: number): Uint32Array {
  const inside = Array.from({ length: Math.max(0, size - 2 * margin) }, (_, i) => margin + i);
  return Uint32Array.from(inside.flatMap((z) => inside.flatMap((y) => inside.map((x) => (z * size + y) * size + x))));
}
