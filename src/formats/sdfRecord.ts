import { atomicNumber } from "../molecules/elements.ts";
import { coordinateFix, parseCoordinate, quoted, type LineReader } from "./lines.ts";
import { Unusable } from "./records.ts";
import { symbolFault } from "./symbols.ts";

export const molfileLayout = "Expected an MDL molfile or SD file, version V2000 or V3000.";
export const cutOff =
  "Is the file cut off, or were lines added or removed? The counts line must agree with the atom and bond lines.";

/** Why a record whose counts and lines do not agree is left out. */
export const disagree = "counts that do not agree with the lines";

/** The lines of one record, without its `$$$$`. */
export class RecordLines {
  readonly lines: readonly string[];
  /** Whether `$$$$` came after it. */
  readonly ended: boolean;
  readonly #first: number;
  #at = 0;

  constructor(lines: readonly string[], first: number, ended: boolean) {
    this.lines = lines;
    this.#first = first;
    this.ended = ended;
  }

  /** The next line, or undefined at the record's end. */
  next(): string | undefined {
    return this.lines[this.#at++];
  }

  rewind(to = 0): void {
    this.#at = to;
  }

  /** Index of the line that `next` gives next. */
  get at(): number {
    return this.#at;
  }

  /** The number in the file of the record's line of this index. */
  lineOf(index: number): number {
    return this.#first + Math.max(0, Math.min(index, this.lines.length - 1));
  }

  /** A fault in the line that `next` gave last. */
  unusable(reason: string, message: string, fix: string): Unusable {
    return new Unusable(reason, this.lineOf(this.#at - 1), message, fix);
  }

  /** What is said where the record ends too early. */
  endsBefore(what: string): Unusable {
    return this.unusable(disagree, `the ${this.ended ? "record" : "file"} ends before ${what}`, cutOff);
  }
}

/** The records of an SD file, one after the other; blank lines at its end are none. */
export function* recordsOf(lines: LineReader): Generator<RecordLines> {
  for (;;) {
    const first = lines.lineNumber + 1;
    const found: string[] = [];
    let line = lines.next();
    for (; line !== undefined && !line.startsWith("$$$$"); line = lines.next()) found.push(line);
    if (line === undefined && found.every((one) => one.trim() === "")) return;
    yield new RecordLines(found, first, line !== undefined);
  }
}

/** An atom's place and element, or the fault of its line. */
export function readSite(
  record: RecordLines,
  coordinates: readonly string[],
  symbol: string,
  which: string,
): { element: number; position: [number, number, number] } {
  const element = atomicNumber(symbol);
  if (element === undefined) {
    const { reason, message, fix } = symbolFault(symbol);
    throw record.unusable(reason, `${which}: ${message}`, fix);
  }
  const [x, y, z] = coordinates.map(parseCoordinate);
  if (x === undefined || y === undefined || z === undefined) {
    const bad = coordinates.find((token) => parseCoordinate(token) === undefined) ?? "";
    const message = `expected ${which} (x y z symbol), found ${quoted(coordinates.join(" "))} for its coordinates`;
    throw record.unusable("coordinates that are no numbers", message, coordinateFix(bad, molfileLayout));
  }
  return { element, position: [x, y, z] };
}

/** Bond orders that are read: none known (0, 8), single to triple, aromatic, dative (9) and hydrogen bonds (10). */
const orders = new Set([0, 1, 2, 3, 4, 8, 9, 10]);

/** Checks what a bond joins and its order. */
export function checkBond(
  record: RecordLines,
  [a, b, order]: readonly [a: number, b: number, order: number],
  atoms: number,
  which: string,
): void {
  if (a < 1 || b < 1 || a > atoms || b > atoms || a === b) {
    const message = `${which} joins atoms ${a} and ${b} of a molecule of ${atoms}`;
    throw record.unusable("bonds of no atom", message, "Correct the bond line.");
  }
  if (!orders.has(order)) {
    throw record.unusable(
      "unknown bond orders",
      `${which} has order ${order}`,
      "Write an order of 1, 2, 3, 4 (aromatic), or 0, 8, 9; query bonds have no place in a molecule.",
    );
  }
}
