import { VoxtwirlError } from "../errors.ts";
import { LineReader, parseCoordinate, parseElement, quoted } from "./lines.ts";
import type { Molecule } from "./molecule.ts";

const layout =
  "An XYZ file has, per molecule, a line with the number of atoms, a comment line, and `symbol x y z` lines.";

/** Characters of the shortest possible atom line with its end, `C 0 0 0`. */
const shortestAtomLine = 8;

/**
 * Reads an XYZ file of one molecule or of several, one after the other. Positions are in Angstrom.
 *
 * Elements are symbols in any case or atomic numbers; what follows the coordinates on a line is ignored; the comment
 * becomes the name. The original QM9 files are read too (exponents written *^, three more lines after the atoms).
 *
 * Throws "bad-file" with `file` and the line number where the text is not such a file.
 */
export function parseXyz(text: string, file = "XYZ text"): Molecule[] {
  const lines = new LineReader(text, file);
  const molecules: Molecule[] = [];
  for (let line = lines.nextFilled(); line !== undefined; line = lines.nextFilled()) {
    molecules.push(readMolecule(lines, line));
  }
  if (molecules.length === 0) throw new VoxtwirlError("bad-file", `${file} holds no molecule`, layout);
  return molecules;
}

function readMolecule(lines: LineReader, countLine: string): Molecule {
  const count = readCount(lines, countLine);
  const comment = lines.next() ?? "";
  checkColumns(lines, comment);
  const molecule: Molecule = { elements: new Uint8Array(count), positions: new Float64Array(3 * count) };
  for (let i = 0; i < count; i++) readAtom(lines, molecule, i);

  const qm9 = /^gdb\s+\d+(?=\s)/.exec(comment);
  if (qm9 !== null) skipQm9Trailer(lines);
  const name = (qm9 === null ? comment : qm9[0].replace(/\s+/, " ")).trim();
  if (name !== "") molecule.name = name;
  return molecule;
}

/** The number of atoms, checked against the text that is left before anything is allocated for it. */
function readCount(lines: LineReader, line: string): number {
  const token = line.trim();
  if (!/^\d{1,9}$/.test(token)) throw lines.error(`expected a number of atoms, found ${quoted(token)}`, layout);
  const count = Number(token);
  if (count === 0) throw lines.error("a molecule of 0 atoms", "Remove the empty molecule from the file.");
  if (count * shortestAtomLine - 1 > lines.remaining) {
    throw lines.error(
      `${count} atoms are announced, more than the rest of the file can hold`,
      `Is the file cut off? ${layout}`,
    );
  }
  return count;
}

/** Extended XYZ may name other columns in its comment; only those in the usual order are read. */
function checkColumns(lines: LineReader, comment: string): void {
  const columns = /\bProperties="?([^\s"]{1,200})/i.exec(comment);
  if (columns === null || /^species:S:1:pos:R:3(:|$)/i.test(columns[1])) return;
  throw lines.error(
    `columns ${quoted(columns[1])} in extended XYZ are not supported`,
    "Write the columns species:S:1:pos:R:3 first.",
  );
}

function readAtom(lines: LineReader, molecule: Molecule, i: number): void {
  const line = lines.next();
  if (line === undefined) {
    const found = `the file ends after ${i} of ${molecule.elements.length} atoms`;
    throw lines.error(found, `Is the file cut off? ${layout}`);
  }
  const [symbol, ...numbers] = line.trim().split(/\s+/, 4);
  const element = parseElement(symbol);
  const [x, y, z] = numbers.map(parseCoordinate);
  if (element === undefined) {
    throw lines.error(
      `expected atom ${i + 1} of ${molecule.elements.length}, but ${quoted(symbol)} is no element`,
      layout,
    );
  }
  if (x === undefined || y === undefined || z === undefined) {
    throw lines.error(
      `expected three coordinates in Angstrom after ${quoted(symbol)}, found ${quoted(numbers.join(" "))}`,
      layout,
    );
  }
  molecule.elements[i] = element;
  molecule.positions.set([x, y, z], 3 * i);
}

/** Skips what the original QM9 files have after the atoms: frequencies, SMILES, InChI. */
function skipQm9Trailer(lines: LineReader): void {
  const mark = lines.mark();
  lines.next();
  lines.next();
  if (!(lines.next() ?? "").startsWith("InChI=")) lines.reset(mark);
}
