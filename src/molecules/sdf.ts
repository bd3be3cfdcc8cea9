import { VoxtwirlError } from "../errors.ts";
import { LineReader, parseCoordinate, quoted } from "./lines.ts";
import { atomicNumber } from "./elements.ts";
import type { Bond, Molecule } from "./molecule.ts";

const layout = "Expected an MDL molfile or SD file, version V2000.";
const cutOff =
  "Is the file cut off, or were lines added or removed? The counts line must agree with the atom and bond lines.";

/**
 * Reads an MDL molfile, or an SD file of several records that end with `$$$$`; version V2000 with 3D coordinates in
 * Angstrom.
 *
 * Charges, stereo marks and data fields are ignored. Bond order 4 is an aromatic bond.
 *
 * Throws "bad-file" with `file` and the line number where the text is not such a file, is of version V3000, or holds a
 * flat drawing.
 */
export function parseSdf(text: string, file = "SDF text"): Molecule[] {
  const lines = new LineReader(text, file);
  const molecules: Molecule[] = [];
  while (moreRecords(lines)) {
    molecules.push(readRecord(lines));
    skipData(lines);
  }
  if (molecules.length === 0) throw new VoxtwirlError("bad-file", `${file} holds no molecule`, layout);
  return molecules;
}

/** Whether anything but blank lines is left; the header's own blank lines are not consumed. */
function moreRecords(lines: LineReader): boolean {
  const mark = lines.mark();
  const more = lines.nextFilled() !== undefined;
  lines.reset(mark);
  return more;
}

function readRecord(lines: LineReader): Molecule {
  const name = (lines.next() ?? "").trim();
  const program = lines.next() ?? "";
  lines.next();
  const [atoms, bonds] = readCounts(lines);
  const molecule: Molecule = { elements: new Uint8Array(atoms), positions: new Float64Array(3 * atoms), bonds: [] };
  if (name !== "") molecule.name = name;
  for (let i = 0; i < atoms; i++) readAtom(lines, molecule, i);
  for (let i = 0; i < bonds; i++) molecule.bonds!.push(readBond(lines, atoms, `bond ${i + 1} of ${bonds}`));
  skipProperties(lines);
  refuseDrawing(lines, molecule, program);
  return molecule;
}

/** The counts line: `aaabbb`, numbers of three columns each, and the version in columns 34 to 39. */
function readCounts(lines: LineReader): [atoms: number, bonds: number] {
  const line = lines.next();
  if (line === undefined) throw lines.error("the file ends inside a molecule's header", `${layout} ${cutOff}`);
  if (/V3000\s*$/i.test(line.slice(0, 80))) {
    throw lines.error(
      "version V3000 is not supported",
      "Convert the file to V2000, e.g. with Open Babel: obabel in.sdf -O out.sdf.",
    );
  }
  const counts = integers(line, 2) ?? [];
  if (counts.length < 2)
    throw lines.error(`expected a counts line (numbers of atoms and bonds), found ${quoted(line)}`, layout);
  if (counts[0] === 0) throw lines.error("a molecule of 0 atoms", "Remove the empty record from the file.");
  return [counts[0], counts[1]];
}

/**
 * `count` non-negative integers, of three columns each as the format has it, or separated by blanks as some programs
 * write them.
 */
function integers(line: string, count: number): number[] | undefined {
  const columns = Array.from({ length: count }, (_, i) => line.slice(3 * i, 3 * i + 3).trim());
  const numbers = (tokens: string[]) =>
    tokens.every((token) => /^\d{1,3}$/.test(token)) ? tokens.map(Number) : undefined;
  const words = line.slice(0, 80).trim().split(/\s+/, count);
  return numbers(columns) ?? (words.length === count ? numbers(words) : undefined);
}

/** An atom line: x, y and z in ten columns each, a blank, the symbol in three; or the same separated by blanks. */
function readAtom(lines: LineReader, molecule: Molecule, i: number): void {
  const which = `atom ${i + 1} of ${molecule.elements.length}`;
  const line = lines.next();
  if (line === undefined) throw lines.error(`the file ends before ${which}`, cutOff);
  const columns = [line.slice(0, 10), line.slice(10, 20), line.slice(20, 30), line.slice(31, 34)].map((text) =>
    text.trim(),
  );
  const atom = asAtom(columns) ?? asAtom(line.slice(0, 200).trim().split(/\s+/, 4));
  if (atom === undefined)
    throw lines.error(`expected ${which} (x y z symbol), found ${quoted(line)}`, `${layout} ${cutOff}`);
  const element = atomicNumber(atom.symbol);
  if (element === undefined) {
    const fix = "Remove query atoms, R groups and dummies: only real atoms have a place in a molecule.";
    throw lines.error(`${which}: ${quoted(atom.symbol)} is no element`, fix);
  }
  molecule.elements[i] = element;
  molecule.positions.set(atom.position, 3 * i);
}

function asAtom(tokens: string[]): { position: [number, number, number]; symbol: string } | undefined {
  const [x, y, z] = tokens.slice(0, 3).map(parseCoordinate);
  if (x === undefined || y === undefined || z === undefined || !/^[A-Za-z*][A-Za-z#*]{0,2}$/.test(tokens[3] ?? ""))
    return undefined;
  return { position: [x, y, z], symbol: tokens[3] };
}

/** A bond line: the two atoms from 1 and the order, three columns each. */
function readBond(lines: LineReader, atoms: number, which: string): Bond {
  const line = lines.next();
  if (line === undefined) throw lines.error(`the file ends before ${which}`, cutOff);
  const numbers = integers(line, 3);
  if (numbers === undefined)
    throw lines.error(`expected ${which} (two atoms and an order), found ${quoted(line)}`, `${layout} ${cutOff}`);
  const [a, b, order] = numbers;
  if (a < 1 || b < 1 || a > atoms || b > atoms || a === b) {
    throw lines.error(`${which} joins atoms ${a} and ${b} of a molecule of ${atoms}`, "Correct the bond line.");
  }
  if (order < 1 || order > 4) {
    throw lines.error(
      `${which} has order ${order}`,
      "Write an order of 1, 2, 3 or 4 (aromatic); query bonds have no place in a molecule.",
    );
  }
  return { a: a - 1, b: b - 1, order };
}

/** Skips the property block up to `M  END`. */
function skipProperties(lines: LineReader): void {
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (/^M\s+END/.test(line)) return;
    if (line.startsWith("$$$$")) break;
  }
  throw lines.error("a molecule without its last line, M  END", cutOff);
}

/** Skips the data fields up to `$$$$`, which only a molfile that ends with its molecule may lack. */
function skipData(lines: LineReader): void {
  let filled = false;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line.startsWith("$$$$")) return;
    filled ||= line.trim() !== "";
  }
  if (filled) throw lines.error("the file ends inside a record: its last line, $$$$, is missing", cutOff);
}

/** A record that calls itself two-dimensional and whose z are all zero is a drawing, whose lengths mean nothing. */
function refuseDrawing(lines: LineReader, { elements, positions }: Molecule, program: string): void {
  if (program.slice(20, 22) !== "2D" || elements.length < 4) return;
  for (let i = 2; i < positions.length; i += 3) if (positions[i] !== 0) return;
  throw lines.error(
    "the molecule is a flat drawing (2D)",
    "Make 3D coordinates first, e.g. with Open Babel: obabel in.sdf -O out.sdf --gen3d.",
  );
}
