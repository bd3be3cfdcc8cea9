import { quoted } from "./lines.ts";
import type { Bond, Molecule } from "../molecules/molecule.ts";
import { checkBond, cutOff, disagree, readSite, type RecordLines } from "./sdfRecord.ts";

/**
 * Reads the connection table of a V3000 record, up to `M  END`: the counts, atoms with any numbers, bonds. Charges,
 * groups and stereo marks are ignored.
 */
export function readV3000(record: RecordLines): Molecule {
  record.next();
  const table = new Table(record);
  for (let line = record.next(); ; line = record.next()) {
    if (line === undefined) throw record.unusable("no M  END", "a molecule without its last line, M  END", cutOff);
    if (/^M\s+END/.test(line)) return table.molecule();
    const entry = /^M\s+V30\s(.*)$/.exec(line)?.[1];
    if (entry !== undefined) table.take(continued(record, entry).trim());
  }
}

/** An entry with the lines that continue it after a hyphen. */
function continued(record: RecordLines, entry: string): string {
  const parts: string[] = [];
  let part: string | undefined = entry.trimEnd();
  for (; part.endsWith("-"); part = part.trimEnd()) {
    parts.push(part.slice(0, -1));
    part = /^M\s+V30\s(.*)$/.exec(record.next() ?? "")?.[1];
    if (part === undefined) throw record.unusable(disagree, "a line that ends with a hyphen is not continued", cutOff);
  }
  return [...parts, part].join("");
}

class Table {
  readonly #record: RecordLines;
  readonly #blocks: string[] = [];
  readonly #elements: number[] = [];
  readonly #positions: number[] = [];
  readonly #bonds: Bond[] = [];
  /** Index of the atom of each number. */
  readonly #atoms = new Map<string, number>();
  #counts: readonly [number, number] | undefined;

  constructor(record: RecordLines) {
    this.#record = record;
  }

  take(entry: string): void {
    const words = entry.split(/\s+/, 7);
    const [first, second = ""] = words.map((word) => word.toUpperCase());
    if (first === "BEGIN") this.#blocks.push(second);
    else if (first === "END") this.#blocks.pop();
    else if (first === "COUNTS") this.#takeCounts(words);
    else if (this.#blocks.at(-1) === "ATOM") this.#takeAtom(words);
    else if (this.#blocks.at(-1) === "BOND") this.#takeBond(words);
  }

  #takeCounts(words: readonly string[]): void {
    const counts = words.slice(1, 3).map(Number);
    if (counts.length < 2 || !counts.every(Number.isSafeInteger) || this.#counts !== undefined) {
      const fix = "A record holds one table, with its numbers of atoms and bonds.";
      throw this.#record.unusable(disagree, `a second or unreadable line of counts, ${quoted(words.join(" "))}`, fix);
    }
    this.#counts = [counts[0]!, counts[1]!];
  }

  /** `number symbol x y z map ...` */
  #takeAtom([number = "", symbol = "", ...rest]: readonly string[]): void {
    const which = `atom ${this.#elements.length + 1} of ${this.#counts?.[0] ?? "?"}`;
    if (this.#atoms.has(number)) {
      const message = `${which} has the number ${quoted(number)} of another`;
      throw this.#record.unusable(disagree, message, "Give each atom a number of its own.");
    }
    const { element, position } = readSite(
      this.#record,
      [0, 1, 2].map((i) => rest[i] ?? ""),
      symbol,
      which,
    );
    this.#atoms.set(number, this.#elements.length);
    this.#elements.push(element);
    this.#positions.push(...position);
  }

  /** `number order atom atom ...` */
  #takeBond([, order, ...ends]: readonly string[]): void {
    const which = `bond ${this.#bonds.length + 1} of ${this.#counts?.[1] ?? "?"}`;
    const [a, b] = ends.slice(0, 2).map((number) => this.#atoms.get(number));
    const given = /^\d{1,3}$/.test(order ?? "") ? Number(order) : NaN;
    if (a === undefined || b === undefined) {
      const message = `${which} joins ${ends.slice(0, 2).join(" and ")}, not two of the atoms`;
      throw this.#record.unusable("bonds of no atom", message, "Correct the bond line.");
    }
    checkBond(this.#record, [a + 1, b + 1, given], this.#elements.length, which);
    this.#bonds.push({ a, b, order: given });
  }

  molecule(): Molecule {
    const [atoms, bonds] = [this.#elements.length, this.#bonds.length];
    const counts = this.#counts ?? [atoms, bonds];
    if (counts[0] !== atoms || counts[1] !== bonds) {
      const announced = `the counts line announces ${counts[0]} atoms and ${counts[1]} bonds`;
      const message = `${announced}, the record has ${atoms} and ${bonds}`;
      throw this.#record.unusable(disagree, message, cutOff);
    }
    if (atoms === 0) {
      throw this.#record.unusable("no atoms", "a molecule of 0 atoms", "Remove the empty record from the file.");
    }
    return {
      elements: Uint8Array.from(this.#elements),
      positions: Float64Array.from(this.#positions),
      bonds: this.#bonds,
    };
  }
}
