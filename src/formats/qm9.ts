/** The original files of QM9: XYZ with more on the comment line, and three more lines after the atoms. */
import type { LineReader } from "./lines.ts";

/** The name that such a file's comment begins with; undefined for other comments. */
export function qm9Name(comment: string): string | undefined {
  return /^gdb\s+\d+(?=\s)/.exec(comment)?.[0].replace(/\s+/, " ");
}

/** Passes over what stands after the atoms: frequencies, SMILES, InChI. */
export function skipQm9Trailer(lines: LineReader): void {
  const mark = lines.mark();
  lines.next();
  lines.next();
  if (!(lines.next() ?? "").startsWith("InChI=")) lines.reset(mark);
}
