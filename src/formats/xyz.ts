import { requireString } from "../check.ts";
import { xyzColumns, type XyzColumns } from "./extendedXyz.ts";
import { LabelReading } from "./labels.ts";
import { coordinateFix, LineReader, looksNumeric, parseCoordinate, parseNumber, quoted } from "./lines.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { RecordCollector, Unusable, type ParsedMolecules, type ParseOptions } from "./records.ts";
import { parseElement, symbolFault } from "./symbols.ts";
import { commentLabels } from "./xyzLabels.ts";

const layout =
  "An XYZ file has, per molecule, a line with the number of atoms, a comment line, and `symbol x y z` lines.";

/** Characters of the shortest possible atom line with its end, `C 0 0 0`. */
const shortestAtomLine = 8;

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
  const lines = new LineReader(text, file);
  const records = new RecordCollector(file, options);
  const labels = new LabelReading(options.labelUnits, "eV");
  let last: number | undefined;
  for (let line = lines.nextFilled(); line !== undefined; line = lines.nextFilled()) {
    const count = readCount(lines, line, last);
    last = lines.lineNumber;
    records.add(() => readMolecule(lines, count, labels));
  }
  return records.finish(layout, "remark", labels.notes());
}

/**
 * The number of atoms, checked against the text that is left before anything is allocated for it; `last` is the line
 * of the number before.
 */
function readCount(lines: LineReader, line: string, last: number | undefined): number {
  const token = line.trim();
  if (!/^\d{1,9}$/.test(token)) {
    const more = last === undefined ? "" : `; the number in line ${last} may be wrong`;
    throw lines.error(`expected a number of atoms, found ${quoted(token)}${more}`, layout);
  }
  const count = Number(token);
  if (count > 0 && count * shortestAtomLine - 1 > lines.remaining) {
    throw lines.error(
      `${count} atoms are announced, more than the rest of the file can hold`,
      `Is the file cut off? ${layout}`,
    );
  }
  return count;
}

function readMolecule(lines: LineReader, count: number, labels: LabelReading): Molecule {
  const countLine = lines.lineNumber;
  const comment = lines.next() ?? "";
  const start = lines.mark();
  const columns = xyzColumns(comment);
  const qm9 = /^gdb\s+\d+(?=\s)/.exec(comment);
  try {
    if (count === 0) throw new Unusable("no atoms", countLine, "a molecule of 0 atoms", "Remove the empty molecule.");
    const molecule = readAtoms(lines, count, columns);
    const name = (qm9 === null ? comment : qm9[0].replace(/\s+/, " ")).trim();
    if (name !== "") molecule.name = name;
    const { energy, units, periodic } = commentLabels(comment);
    if (energy !== undefined) molecule.energy = energy;
    if (periodic) molecule.periodic = periodic;
    return labels.convert(molecule, units);
  } catch (fault) {
    if (!(fault instanceof Unusable)) throw fault;
    lines.reset(start);
    skipAtoms(lines, count, countLine, fault, columns);
    throw fault;
  } finally {
    if (qm9 !== null) skipQm9Trailer(lines);
  }
}

function readAtoms(lines: LineReader, count: number, columns: XyzColumns | string): Molecule {
  if (typeof columns === "string") {
    const fix = "Write Properties=species:S:1:pos:R:3, and other columns after these.";
    throw new Unusable("unknown columns", lines.lineNumber, columns, fix);
  }
  const molecule: Molecule = { elements: new Uint8Array(count), positions: new Float64Array(3 * count) };
  if (columns.forces !== undefined) molecule.forces = new Float64Array(3 * count);
  for (let i = 0; i < count; i++) readAtom(lines, molecule, i, columns);
  return molecule;
}

function readAtom(lines: LineReader, molecule: Molecule, i: number, columns: XyzColumns): void {
  const line = lines.next();
  if (line === undefined) throw cutOff(lines, i, molecule.elements.length);
  const tokens = line.trim().split(/\s+/, columns.needed);
  const symbol = tokens[columns.element] ?? "";
  const element = parseElement(symbol);
  if (element === undefined) {
    const { reason, message, fix } = symbolFault(symbol);
    throw new Unusable(
      reason,
      lines.lineNumber,
      `expected atom ${i + 1} of ${molecule.elements.length}, but ${message}`,
      fix,
    );
  }
  for (let k = 0; k < 3; k++) {
    const value = parseCoordinate(tokens[columns.position + k] ?? "");
    if (value === undefined) throw badCoordinates(lines, symbol, tokens.slice(columns.position, columns.position + 3));
    molecule.positions[3 * i + k] = value;
  }
  molecule.elements[i] = element;
  if (columns.forces === undefined) return;
  for (let k = 0; k < 3; k++) molecule.forces![3 * i + k] = parseNumber(tokens[columns.forces + k] ?? "");
}

function badCoordinates(lines: LineReader, symbol: string, found: readonly string[]): Unusable {
  return new Unusable(
    "coordinates that are no numbers",
    lines.lineNumber,
    `expected three coordinates in Angstrom after ${quoted(symbol)}, found ${quoted(found.join(" "))}`,
    coordinateFix(found.find((token) => parseCoordinate(token) === undefined) ?? "", layout),
  );
}

function cutOff(lines: LineReader, read: number, count: number): Error {
  return lines.error(`the file ends after ${read} of ${count} atoms`, `Is the file cut off? ${layout}`);
}

/**
 * Passes over the atoms of a molecule that cannot be used. Lines that are none mean that the number of atoms is wrong,
 * and so where the next molecule begins is unknown.
 */
function skipAtoms(
  lines: LineReader,
  count: number,
  countLine: number,
  fault: Unusable,
  columns: XyzColumns | string,
): void {
  const more = `; is the number of atoms in line ${countLine} right?`;
  for (let i = 0; i < count; i++) {
    const line = lines.next();
    if (line === undefined) throw cutOff(lines, i, count);
    if (isAtomLine(line, columns)) continue;
    const message =
      fault.line === lines.lineNumber
        ? fault.message
        : `expected atom ${i + 1} of ${count}, found ${quoted(line.trim())}`;
    const fix = /\S[,;]/.test(line) ? "Separate the columns by blanks or tabs." : `Is the file cut off? ${layout}`;
    throw lines.error(message + more, fix);
  }
}

/** Whether a line may be an atom's, if one that cannot be used: two columns at least, and numbers for coordinates. */
function isAtomLine(line: string, columns: XyzColumns | string): boolean {
  if (typeof columns === "string") return /\S\s+\S/.test(line.slice(0, 400));
  const tokens = line.trim().split(/\s+/, columns.needed);
  return tokens.length > 1 && tokens.slice(columns.position, columns.position + 3).every(looksNumeric);
}

/** Skips what the original QM9 files have after the atoms: frequencies, SMILES, InChI. */
function skipQm9Trailer(lines: LineReader): void {
  const mark = lines.mark();
  lines.next();
  lines.next();
  if (!(lines.next() ?? "").startsWith("InChI=")) lines.reset(mark);
}
