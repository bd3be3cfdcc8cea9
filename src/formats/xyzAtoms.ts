import type { FrameColumn } from "../molecules/frame.ts";
import type { XyzColumn, XyzColumns } from "./extendedXyz.ts";
import { coordinateFix, isCoordinate, quoted, type LineReader } from "./lines.ts";
import { LineWords } from "./lineWords.ts";
import { Unusable } from "./records.ts";
import { parseElement, symbolFault } from "./symbols.ts";
import { cutOff, xyzLayout, type XyzRules } from "./xyzRules.ts";

/** What atom lines hold. */
export interface XyzAtomData {
  readonly elements: Uint8Array;
  readonly positions: Float64Array;
  readonly arrays: ReadonlyMap<string, FrameColumn>;
}

/** What files have for an atom without a nucleus that takes a place: not for a ghost, which has basis functions. */
const dummy = /^(xx?|du|0)$/i;
const truths: Readonly<Record<string, number>> = {
  ...{ T: 1, True: 1, true: 1, TRUE: 1, "1": 1 },
  ...{ F: 0, False: 0, false: 0, FALSE: 0, "0": 0 },
};

/** A column while it is filled. */
interface Filling {
  readonly column: XyzColumn;
  readonly numbers?: Float64Array;
  readonly truths?: Uint8Array;
  readonly texts?: string[];
}

/** Reads the atom lines of frames. */
export class XyzAtoms {
  readonly #lines: LineReader;
  readonly #rules: XyzRules;
  readonly #words = new LineWords();
  /** Symbols that were met: undefined for what is no element. */
  readonly #elements = new Map<string, number | undefined>();
  /** Elements of those of one or two letters by their codes; below 0 where not met. */
  readonly #codes = new Int8Array(2 ** 12).fill(-1);

  constructor(lines: LineReader, rules: XyzRules) {
    this.#lines = lines;
    this.#rules = rules;
  }

  /**
   * @throws Unusable that names the atom's line where one cannot be used; VoxtwirlError "bad-file" where the file ends
   */
  read(count: number, columns: XyzColumns): XyzAtomData {
    const { element, position } = columns;
    const fillings = this.#rules.columns(columns.others).map((column) => filling(column, count));
    const ends = fillings.map(({ column }) => column.at + column.width);
    const needed = Math.max(element + 1, position + 3, ...ends);
    const words = this.#words;
    const elements = new Uint8Array(count);
    const positions = new Float64Array(3 * count);
    for (let i = 0; i < count; i++) {
      if (!this.#lines.advance()) throw cutOff(this.#lines, i, count);
      this.#lines.give(words, needed);
      elements[i] = this.#element(element, i, count);
      for (let k = 0; k < 3; k++) {
        const value = words.number(position + k) ?? NaN;
        if (!isCoordinate(value)) throw this.#badCoordinates(columns);
        positions[3 * i + k] = value;
      }
      for (const one of fillings) this.#fill(one, i, count);
    }
    return { elements, positions, arrays: new Map(fillings.map((one) => [one.column.name, filled(one)])) };
  }

  #element(word: number, i: number, count: number): number {
    const code = this.#words.code(word);
    const known = code === undefined ? -1 : this.#codes[code]!;
    if (known >= 0) return known;
    const symbol = this.#words.text(word);
    let element = this.#elements.get(symbol);
    if (element === undefined) {
      element = parseElement(symbol) ?? (this.#rules.dummies && dummy.test(symbol) ? 0 : undefined);
      // A file has few symbols, unless it is none.
      if (this.#elements.size < 1000) this.#elements.set(symbol, element);
    }
    if (element !== undefined) {
      if (code !== undefined) this.#codes[code] = element;
      return element;
    }
    const { reason, message, fix } = symbolFault(symbol);
    throw new Unusable(reason, this.#lines.lineNumber, `expected atom ${i + 1} of ${count}, but ${message}`, fix);
  }

  #fill({ column, numbers, truths: logicals, texts }: Filling, i: number, count: number): void {
    const { at, width, kind } = column;
    const words = this.#words;
    for (let k = 0; k < width; k++) {
      const to = i * width + k;
      if (numbers !== undefined) {
        const value = words.number(at + k);
        if (value === undefined || (kind === "I" && !Number.isSafeInteger(value))) {
          if (!this.#rules.tolerant) throw this.#badColumn(column, i, count);
          numbers[to] = NaN;
        } else numbers[to] = value;
        continue;
      }
      const text = words.text(at + k);
      const truth = truths[text];
      if (text === "" || (logicals !== undefined && truth === undefined)) throw this.#badColumn(column, i, count);
      if (logicals !== undefined) logicals[to] = truth!;
      else texts!.push(text);
    }
  }

  #badCoordinates({ element, position }: XyzColumns): Unusable {
    const found = [0, 1, 2].map((k) => this.#words.text(position + k)).filter((word) => word !== "");
    const bad = [0, 1, 2].find((k) => !isCoordinate(this.#words.number(position + k) ?? NaN)) ?? 0;
    const symbol = quoted(this.#words.text(element));
    return new Unusable(
      "coordinates that are no numbers",
      this.#lines.lineNumber,
      `expected three coordinates in Angstrom after ${symbol}, found ${quoted(found.join(" "))}`,
      coordinateFix(this.#words.text(position + bad), xyzLayout),
    );
  }

  #badColumn({ name, kind, at, width }: XyzColumn, i: number, count: number): Unusable {
    const found = Array.from({ length: width }, (_, k) => this.#words.text(at + k)).filter((word) => word !== "");
    const one = { R: "real number", I: "whole number", L: "truth value", S: "word" }[kind];
    const wanted = width === 1 ? `a ${one}` : `${width} ${one}s`;
    return new Unusable(
      "columns that cannot be read",
      this.#lines.lineNumber,
      `atom ${i + 1} of ${count} has ${quoted(found.join(" "))} for ${quoted(name)}, not ${wanted}`,
      "Is it of the kind that Properties says (R, I, S, L), and is the line whole?",
    );
  }
}

function filling(column: XyzColumn, count: number): Filling {
  const size = count * column.width;
  if (column.kind === "S") return { column, texts: [] };
  return column.kind === "L" ? { column, truths: new Uint8Array(size) } : { column, numbers: new Float64Array(size) };
}

function filled({ column: { kind, width }, numbers, truths: logicals, texts }: Filling): FrameColumn {
  if (kind === "S") return { kind, width, values: texts! };
  return kind === "L" ? { kind, width, values: logicals! } : { kind, width, values: numbers! };
}
