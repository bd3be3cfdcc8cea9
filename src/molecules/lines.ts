import { VoxtwirlError } from "../errors.ts";
import { atomicNumber } from "./elements.ts";

/**
 * Walks through a text line by line; LF, CRLF and CR LF mixtures, a byte order mark, and a last line without an end are
 * all fine.
 */
export class LineReader {
  readonly file: string;
  private readonly text: string;
  private position: number;
  private number = 0;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.position = text.charCodeAt(0) === 0xfeff ? 1 : 0;
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
    if (this.position >= this.text.length) return undefined;
    let end = this.text.indexOf("\n", this.position);
    if (end < 0) end = this.text.length;
    const line = this.text.slice(this.position, this.text[end - 1] === "\r" && end > this.position ? end - 1 : end);
    this.position = end + 1;
    this.number++;
    return line;
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

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d{1,3})?$/;

/** Largest coordinate that is taken for one, in Angstrom; beyond it, something else was written there. */
const farthest = 1e5;

/**
 * A coordinate in Angstrom: a decimal number with an exponent of e, d or, as the original QM9 files have it, *^.
 * Undefined for anything else, and for numbers that no molecule has.
 */
export function parseCoordinate(token: string): number | undefined {
  if (token.length > 40) return undefined;
  const plain = token.includes("*^") ? token.replace("*^", "e") : token;
  if (!decimal.test(plain)) return undefined;
  const value = Number(plain.replace(/[dD]/, "e"));
  return Math.abs(value) <= farthest ? value : undefined;
}

/** The atomic number that a symbol in any case, or a number from 1 to 118, stands for; undefined if it is neither. */
export function parseElement(token: string): number | undefined {
  if (!/^\d{1,3}$/.test(token)) return token.length <= 2 ? atomicNumber(token) : undefined;
  const value = Number(token);
  return value >= 1 && value <= 118 ? value : undefined;
}

/** Text of a file for an error message: cut to 40 characters, control characters made visible. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
