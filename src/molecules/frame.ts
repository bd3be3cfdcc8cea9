/**
 * What the atoms of a frame have besides an element and a place, as a column of an extended XYZ file: real or whole
 * numbers, texts, or 1 and 0 for true and false; `width` of them an atom, one atom after another.
 */
export type FrameColumn =
  | { readonly kind: "R" | "I"; readonly width: number; readonly values: Float64Array }
  | { readonly kind: "S"; readonly width: number; readonly values: readonly string[] }
  | { readonly kind: "L"; readonly width: number; readonly values: Uint8Array };

/** A value of a frame as a whole: a number, a truth value, a text, or arrays and objects of these. */
export type InfoValue = number | boolean | string | null | readonly InfoValue[] | { readonly [key: string]: InfoValue };

/** Atoms at one moment, in a cell or not, with all that a file says of them. */
export interface Frame {
  /** Atomic numbers (n); 0 for a dummy atom, which has a place and no nucleus. */
  readonly elements: Uint8Array;
  /** (n, 3), in Angstrom. */
  readonly positions: Float64Array;
  /** The three vectors of the cell (3, 3), one a row, in Angstrom. */
  readonly cell?: Float64Array;
  /** Along which of the cell's vectors the atoms repeat; none by default. */
  readonly pbc?: readonly [boolean, boolean, boolean];
  /** Where the cell begins, in Angstrom; at zero by default. */
  readonly origin?: Float64Array;
  /** Columns of numbers and texts by their names, such as forces. */
  readonly arrays: ReadonlyMap<string, FrameColumn>;
  /** Values by their names, such as energy. */
  readonly info: ReadonlyMap<string, InfoValue>;
}

/** A frame of a file. */
export interface NumberedFrame extends Frame {
  /** Its number in the file, from 1. */
  readonly number: number;
  /** The line where it begins, from 1; none in files without lines. */
  readonly line?: number;
}
