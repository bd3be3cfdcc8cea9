import type { XyzColumn } from "./extendedXyz.ts";
import type { LineReader } from "./lines.ts";

export const xyzLayout =
  "An XYZ file has, per molecule, a line with the number of atoms, a comment line, and `symbol x y z` lines.";

/** What of an XYZ file is read, and how strictly. */
export interface XyzRules {
  /** Which columns are read beside elements and positions. */
  readonly columns: (others: readonly XyzColumn[]) => readonly XyzColumn[];
  /** Whether dummy atoms have a place; else a frame with one cannot be used. */
  readonly dummies: boolean;
  /** Whether numbers of these columns that are none are NaN, and cells that are none passed over. */
  readonly tolerant: boolean;
}

export function cutOff(lines: LineReader, read: number, count: number): Error {
  return lines.error(`the file ends after ${read} of ${count} atoms`, `Is the file cut off? ${xyzLayout}`);
}
