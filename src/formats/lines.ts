import { VoxtwirlError } from "../errors.ts";

/**
 * Walks through a text line by line. LF, CRLF, CR and mixtures of them, a byte order mark, the end marks of DOS (0x1A),
 * and a last line without an end are all fine.
 */
export class LineReader {
  readonly file: string;
  private text: string;
  private position: number;
  private number = 0;
  private from = 0;
  private to = 0;

  constructor(text: string, file: string) {
    this.text = withLineFeeds(text);
    this.file = file;
    this.position = this.text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** Goes on with what follows in the file: whole lines. Those that were read are forgotten, and marks with them. */
  append(text: string): void {
    this.text = this.text.slice(this.position) + withLineFeeds(text);
    this.position = 0;
  }

  /** How many lines with their ends are left, looking for `most`. */
  left(most: number): number {
    let at = this.position;
    for (let found = 0; found < most; found++) {
      at = this.text.indexOf("\n", at) + 1;
      if (at === 0) return found;
    }
    return most;
  }

  /** Number of the line that `next` returned last, from 1. */
  get lineNumber(): number {
    return this.number;
  }

  /** Characters not read yet. */
  get remaining(): number {
    return this.text.length - this.position;
  }

  /** The next line without its end, or undefined at the end of the text. */
  next(): string | undefined {
    return this.advance() ? this.text.slice(this.from, this.to) : undefined;
  }

  /** Goes on to the next line, which `give` gives; false at the end of the text. */
  advance(): boolean {
    const { text, position } = this;
    if (position >= text.length) return false;
    let end = text.indexOf("\n", position);
    if (end < 0) end = text.length;
    let last = end;
    while (last > position && text.charCodeAt(last - 1) === 0x0d) last--;
    this.from = position;
    this.to = last;
    this.position = end + 1;
    this.number++;
    return true;
  }

  /** Gives the line that `advance` found last to `words`, without a text made for it. */
  give(words: { take(text: string, from: number, to: number, most: number): void }, most: number): void {
    words.take(this.text, this.from, this.to, most);
  }

  /** The next line with something on it, or undefined when only blank ones are left. */
  nextFilled(): string | undefined {
    for (;;) {
      const line = this.next();
      if (line === undefined || line.trim() !== "") return line;
    }
  }

  /** Where the reader stands, for `reset`. */
  mark(): readonly [number, number] {
    return [this.position, this.number];
  }

  /** Goes back to where `mark` was called. */
  reset([position, number]: readonly [number, number]): void {
    this.position = position;
    this.number = number;
  }

  /** A "bad-file" error that names the file and the current line. */
  error(message: string, fix: string): VoxtwirlError {
    return new VoxtwirlError("bad-file", `${this.file}, line ${this.number}: ${message}`, fix);
  }
}

/** The text with LF wherever CR alone ends a line, and without DOS's end marks. */
function withLineFeeds(text: string): string {
  const plain = text.includes("\x1a") ? text.replaceAll("\x1a", "") : text;
  return plain.includes("\r") && /\r(?![\r\n])/.test(plain)
    ? plain.replace(/\r+\n?/g, (ends) => (ends.endsWith("\n") ? "\n" : "\n".repeat(ends.length)))
    : plain;
}

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d{1,3})?$/;

/** Largest coordinate that is taken for one, in Angstrom; beyond it, something else was written there. */
const farthest = 1e5;

/**
 * A coordinate in Angstrom: a decimal number with an exponent of e, d or, as the original QM9 files have it, *^; a
 * minus as it is typeset will do. Undefined for anything else, and for numbers that no molecule has.
 */
export function parseCoordinate(token: string): number | undefined {
  const value = parseNumber(token);
  return isCoordinate(value) ? value : undefined;
}

/** Whether a number may be a coordinate of a molecule's atom; NaN is none. */
export function isCoordinate(value: number): boolean {
  return Math.abs(value) <= farthest;
}

/** A finite number as `parseCoordinate` reads it, of any size; NaN for anything else. */
export function parseNumber(token: string): number {
  const value = realNumber(token) ?? NaN;
  return Number.isFinite(value) ? value : NaN;
}

/** As `parseNumber`, or what programs write for numbers that are not finite: nan, inf, Infinity. Else undefined. */
export function realNumber(token: string): number | undefined {
  if (token.length > 40) return undefined;
  if (decimal.test(token)) {
    const value = Number(token);
    return Number.isNaN(value) ? Number(token.replace(/[dD]/, "e")) : value;
  }
  if (unusual.test(token)) return realNumber(usual(token));
  const word = /^([-+]?)(?:(nan)|inf(?:inity)?)$/i.exec(token);
  if (word === null) return undefined;
  return word[2] === undefined ? Number(`${word[1]}Infinity`) : NaN;
}

const unusual = /\*\^|[\u2212\u2013]/;

function usual(token: string): string {
  return token.replace("*^", "e").replace(/[\u2212\u2013]/g, "-");
}

/** Whether a token may stand for a coordinate, if only as what programs write for one that they do not have. */
export function looksNumeric(token: string): boolean {
  if (/^[-+.,\de*^\u2212\u2013]+$/i.test(token)) return /[\d*]|^-+$/.test(token);
  return /^([-+]?(nan\S{0,9}|inf(inity)?|\d+\.#\w{1,5}|\d[\d.]{0,20}d[-+]?\d+)|na|n\/a|none|null|\?)$/i.test(token);
}

/** What to do about a coordinate that is none. */
export function coordinateFix(token: string, layout: string): string {
  if (/^[+-]?\d*,\d+$/.test(token)) return "Write decimal points, not commas.";
  if (token.includes(",")) return "Separate the columns by blanks or tabs.";
  return `Calculate the molecule again, or remove it. ${layout}`;
}

/** Text of a file for an error message: cut to 40 characters, control characters made visible. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
