import { VoxtwirlError } from "../errors.ts";
import { chainReadingLines } from "../formats/chainNotes.ts";
import type { LabelUnits } from "../formats/labels.ts";
import { readingLines } from "../formats/records.ts";
import { formula, type Molecule } from "../molecules/molecule.ts";
import { chainName, type Chain } from "../proteins/chain.ts";
import { readChainFile, type ChainFile } from "./chains.ts";
import type { MoleculeFile } from "./moleculeFile.ts";
import { readMoleculeFile } from "./molecules.ts";

/** What a file, a pipe or a folder of files held, whatever a task takes. */
export type DataFile = MoleculeFile | ChainFile;

/** How it is read. */
export interface ReadDataOptions {
  /** Whether a record that cannot be used is an error. */
  readonly strict?: boolean | undefined;
  /** Unit of energies, for molecules that have any; the file's by default. */
  readonly labelUnits?: LabelUnits | undefined;
}

/**
 * Reads what a task takes.
 *
 * @throws VoxtwirlError as `readMoleculeFile` and `readChainFile`; "bad-option" for a unit of energies where there are
 *   none
 */
export async function readDataFile(
  { name, takes }: { readonly name: string; readonly takes: "molecule" | "chain" },
  path: string,
  { strict = false, labelUnits }: ReadDataOptions = {},
): Promise<DataFile> {
  if (takes === "molecule") return readMoleculeFile(path, { strict, labelUnits });
  if (labelUnits === undefined) return readChainFile(path, { strict });
  const message = `the task ${name} has no --label-units: its data have no energies`;
  throw new VoxtwirlError("bad-option", message, "Leave it out.");
}

/** The molecules or chains themselves. */
export function samplesOf(file: DataFile): readonly (Molecule | Chain)[] {
  return "chains" in file ? file.chains : file.molecules;
}

/** The same file with some of its molecules or chains, by their places; nothing is told of the reading. */
export function partOf(file: DataFile, places: readonly number[], sha256: string): DataFile {
  const notes = { sha256, records: places.length, leftOut: [], remarks: [] };
  return "chains" in file
    ? { ...file, ...notes, passedOver: [], chains: places.map((i) => file.chains[i]!) }
    : { ...file, ...notes, molecules: places.map((i) => file.molecules[i]!) };
}

/** What people read of a molecule or a chain. */
export function sampleName(sample: Molecule | Chain): string {
  return "sequence" in sample ? chainName(sample) : (sample.name ?? formula(sample));
}

/** What there is to say of the reading. */
export function dataReadingLines(file: DataFile): string[] {
  return "chains" in file ? chainReadingLines(file) : readingLines(file);
}
