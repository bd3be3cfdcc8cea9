import { atomicNumber } from "../molecules/elements.ts";
import { looksNumeric, parseCoordinate, quoted } from "./lines.ts";
import type { Bond, Molecule } from "../molecules/molecule.ts";
import { Unusable } from "./records.ts";
import { checkBond, cutOff, disagree, molfileLayout, readSite, type RecordLines } from "./sdfRecord.ts";

/** How numbers of a line are parted: in three columns each, as the format has it, or by blanks, as some programs do. */
type Split = (line: string, count: number) => number[] | undefined;

const byColumns: Split = (line, count) => {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const token = line.slice(3 * i, 3 * i + 3);
    if (!/^ *\d+ *$/.test(token)) return undefined;
    found.push(Number(token));
  }
  return found;
};

const byBlanks: Split = (line, count) => {
  const words = line.slice(0, 80).trim().split(/\s+/, count);
  return words.length === count && words.every((word) => /^\d{1,6}$/.test(word)) ? words.map(Number) : undefined;
};

/** Most atoms that three columns can number. */
const mostInColumns = 999;

const splits = [byColumns, byBlanks];

/**
 * Reads the counts line, the atoms, the bonds and the properties up to `M  END` of a V2000 record.
 *
 * The counts are those that agree with the lines: parted in columns, else by blanks. Where neither agrees the record
 * is not usable.
 */
export function readV2000(record: RecordLines): Molecule {
  const line = record.next();
  if (line === undefined) {
    const where = record.ended ? "record" : "file";
    throw record.unusable(disagree, `the ${where} ends inside a molecule's header`, `${molfileLayout} ${cutOff}`);
  }
  const start = record.at;
  const readings = splits.map((split) => split(line, 2)).filter((counts) => counts !== undefined);
  if (readings.length === 0) {
    const message = `expected a counts line (numbers of atoms and bonds), found ${quoted(line)}`;
    throw record.unusable(disagree, message, molfileLayout);
  }
  const distinct = readings.filter((counts, i) => i === 0 || counts.join() !== readings[0]!.join());
  return firstThatReads(distinct, ([atoms, bonds]) => {
    record.rewind(start);
    return readBlock(record, atoms!, bonds!);
  });
}

/** What the first of the choices gives that reads, else the fault of the one that came farthest. */
function firstThatReads<Choice, Result>(choices: readonly Choice[], read: (choice: Choice) => Result): Result {
  let farthest: Unusable | undefined;
  for (const choice of choices) {
    try {
      return read(choice);
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      if (farthest === undefined || (fault.line ?? 0) > (farthest.line ?? 0)) farthest = fault;
    }
  }
  throw farthest!;
}

function readBlock(record: RecordLines, atoms: number, bonds: number): Molecule {
  if (atoms === 0) {
    throw record.unusable("no atoms", "a molecule of 0 atoms", "Remove the empty record from the file.");
  }
  // The counts may be wrong: no more is allocated than the lines can hold.
  const room = Math.min(atoms, record.lines.length);
  const elements = new Uint8Array(room);
  const positions = new Float64Array(3 * room);
  for (let i = 0; i < atoms; i++) {
    const { element, position } = readAtom(record, i, atoms);
    elements[i] = element;
    positions.set(position, 3 * i);
  }
  const start = record.at;
  return firstThatReads(atoms > mostInColumns ? [byBlanks] : splits, (split) => {
    record.rewind(start);
    const found: Bond[] = [];
    for (let i = 0; i < bonds; i++) found.push(readBond(record, split, atoms, `bond ${i + 1} of ${bonds}`));
    skipProperties(record, atoms, bonds);
    return { elements, positions, bonds: found };
  });
}

/** An atom line: x, y and z in ten columns each, a blank, the symbol in three; or the same separated by blanks. */
function readAtom(record: RecordLines, i: number, atoms: number): ReturnType<typeof readSite> {
  const which = `atom ${i + 1} of ${atoms}`;
  const line = record.next();
  if (line === undefined) throw record.endsBefore(which);
  const inColumns = atomInColumns(line);
  if (inColumns !== undefined) return inColumns;
  const parts = atomParts(line);
  if (parts === undefined) {
    const message = `expected ${which} (x y z symbol), found ${quoted(line)}`;
    throw record.unusable(disagree, message, `${molfileLayout} ${cutOff}`);
  }
  return readSite(record, parts.coordinates, parts.symbol, which);
}

/** What nearly every line is: an atom in the format's columns without a fault. */
function atomInColumns(line: string): ReturnType<typeof readSite> | undefined {
  const element = atomicNumber(line.slice(31, 34).trim());
  if (element === undefined) return undefined;
  const x = parseCoordinate(line.slice(0, 10).trim());
  const y = parseCoordinate(line.slice(10, 20).trim());
  const z = parseCoordinate(line.slice(20, 30).trim());
  return x === undefined || y === undefined || z === undefined ? undefined : { element, position: [x, y, z] };
}

/** The columns of an atom line, as they are; undefined for any other line. */
function atomParts(line: string): { coordinates: string[]; symbol: string } | undefined {
  const columns = [line.slice(0, 10), line.slice(10, 20), line.slice(20, 30), line.slice(31, 34)];
  for (const tokens of [columns.map((text) => text.trim()), line.slice(0, 200).trim().split(/\s+/, 4)]) {
    const [coordinates, symbol] = [tokens.slice(0, 3), tokens[3] ?? ""];
    if (/^[A-Za-z*#?@[]\S*$/.test(symbol) && coordinates.every(looksNumeric)) return { coordinates, symbol };
  }
  return undefined;
}

/** A bond line: the two atoms from 1 and the order. */
function readBond(record: RecordLines, split: Split, atoms: number, which: string): Bond {
  const line = record.next();
  if (line === undefined) throw record.endsBefore(which);
  const numbers = split(line, 3);
  if (numbers === undefined) {
    const message = `expected ${which} (two atoms and an order), found ${quoted(line)}`;
    throw record.unusable(disagree, message, `${molfileLayout} ${cutOff}`);
  }
  const [a, b, order] = numbers as [number, number, number];
  checkBond(record, [a, b, order], atoms, which);
  return { a: a - 1, b: b - 1, order };
}

/** Skips the property block up to `M  END`; atoms or bonds in it are more than the counts line announces. */
function skipProperties(record: RecordLines, atoms: number, bonds: number): void {
  for (let line = record.next(); line !== undefined; line = record.next()) {
    if (/^M\s+END/.test(line)) return;
    // The text of an alias or a group is on the line after it.
    if (/^[AG]\s/.test(line)) record.next();
    else if (/^[MVS]\s/.test(line)) continue;
    else if (splits.some((split) => split(line, 3) !== undefined) || atomParts(line) !== undefined) {
      const announced = `the counts line announces ${atoms} atoms and ${bonds} bonds`;
      const message = `${announced}, but here is another: ${quoted(line)}`;
      const fix = `Correct the counts line. It has room for ${mostInColumns} of each: write larger molecules as V3000.`;
      throw record.unusable(disagree, message, fix);
    }
  }
  throw record.unusable("no M  END", "a molecule without its last line, M  END", cutOff);
}
