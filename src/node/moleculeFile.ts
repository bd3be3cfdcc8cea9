import type { Molecule } from "../molecules/molecule.ts";
import type { ReadingNotes } from "../formats/records.ts";

/** What a file, a pipe or a folder of files held. */
export interface MoleculeFile extends ReadingNotes {
  molecules: Molecule[];
  /**
   * SHA-256, in hexadecimal, of the file as it lies on disk (of the built-in set's bytes for "builtin"). Of a folder,
   * of the lines that sha256sum prints for its files in their order.
   */
  sha256: string;
}
