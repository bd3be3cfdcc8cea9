import { requireString } from "../check.ts";
import type { XyzColumn } from "./extendedXyz.ts";
import { frameLabels, labelName } from "./frameLabels.ts";
import { finite, LabelReading } from "./labels.ts";
import { LineReader } from "./lines.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { qm9Name } from "./qm9.ts";
import { RecordCollector, type ParsedMolecules, type ParseOptions } from "./records.ts";
import { XyzFrames, type XyzRecord } from "./xyzFrames.ts";
import { xyzLayout, type XyzRules } from "./xyzRules.ts";

const unitKeys = ["units", "unit", "energy_units", "energy_unit"];

/** Of molecules to learn from, forces alone are read beside atoms; a number that is none makes no file useless. */
const moleculeRules: XyzRules = { columns: forcesAlone, dummies: false, tolerant: true };

/**
 * Reads an XYZ file of one molecule or of several, one after the other. Positions are in Angstrom.
 *
 * Elements are symbols in any case, atomic numbers, or labels that begin with a symbol (C1, Pd2+, C_3); what follows
 * the coordinates on a line is ignored; the comment becomes the name. Of extended XYZ, the columns are where
 * `Properties` says. The original QM9 files are read too (exponents written *^, three more lines after the atoms).
 *
 * Energies are read from the comment: `energy`, REF_energy, dft_energy, potential_energy, free_energy, total_energy,
 * the first of these that is there, else the first key that ends in energy; in any case of letters. Forces are read
 * from the column of `Properties` of kind R:3 by the name of forces, force, REF_forces or dft_forces, else the first
 * that ends in force or forces. Their unit is `labelUnits`, else the one that the comment's `units` names, else eV.
 *
 * A molecule that cannot be used (dummy and ghost atoms, coordinates that are no numbers, no atoms) is left out; with
 * `strict` it is an error.
 *
 * Throws "bad-file" with `file` and the line number where the text is not such a file, or no longer: a number of atoms
 * that does not agree with the lines, or a file that is cut off. Also where no molecule can be used.
 */
export function parseXyz(text: string, file = "XYZ text", options: ParseOptions = {}): ParsedMolecules {
  requireString("text", text, "Give the file's text; of its bytes, new TextDecoder().decode(bytes).");
  const frames = new XyzFrames(new LineReader(text, file), moleculeRules);
  const records = new RecordCollector(file, options);
  const labels = new LabelReading(options.labelUnits, "eV");
  while (frames.next(true)) records.add(() => toMolecule(frames.read(), labels));
  return records.finish(xyzLayout, "remark", labels.notes());
}

function forcesAlone(others: readonly XyzColumn[]): readonly XyzColumn[] {
  const vectors = others.filter(({ kind, width }) => kind === "R" && width === 3);
  const name = labelName(
    "forces",
    vectors.map((column) => column.name),
  );
  return vectors.filter((column) => column.name === name);
}

function toMolecule({ frame, comment }: XyzRecord, labels: LabelReading): Molecule {
  const { elements, positions, pbc } = frame;
  const molecule: Molecule = { elements, positions };
  const name = (qm9Name(comment) ?? comment).trim();
  if (name !== "") molecule.name = name;
  const { energy, forces } = frameLabels(frame);
  if (energy !== undefined) molecule.energy = finite(energy);
  if (forces !== undefined) molecule.forces = forces.map(finite);
  if (pbc?.includes(true) === true) molecule.periodic = true;
  const lower = new Map([...frame.info].reverse().map(([key, value]) => [key.toLowerCase(), value]));
  const unit = lower.get(unitKeys.find((key) => lower.has(key)) ?? "");
  return labels.convert(molecule, typeof unit === "string" ? unit : undefined);
}
