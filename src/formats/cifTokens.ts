import type { VoxtwirlError } from "../errors.ts";
import { quoted, type LineReader } from "./lines.ts";

/**
 * Walks through the tokens of a CIF text: bare words, quoted strings, and texts of several lines between semicolons.
 * Comments are passed over.
 */
export class CifTokens {
  readonly #lines: LineReader;
  #row = "";
  #at = 0;
  /** The token that `next` moved to, without quotes. */
  value = "";
  /** Whether it stood without quotes, so that `.`, `?`, names and reserved words are what they mean. */
  bare = false;
  /** The line where it begins, from 1. */
  line = 0;

  constructor(lines: LineReader) {
    this.#lines = lines;
  }

  /** Moves to the next token; false at the end of the text. */
  next(): boolean {
    for (;;) {
      const row = this.#row;
      let at = this.#at;
      while (at < row.length && isBlank(row.charCodeAt(at))) at++;
      if (at < row.length && row[at] !== "#") return this.#take(at);
      const line = this.#lines.next();
      if (line === undefined) {
        this.#row = "";
        this.#at = 0;
        return false;
      }
      [this.#row, this.#at] = [line, 0];
      if (line.startsWith(";")) return this.#takeText();
    }
  }

  /** @returns an error that names the file and the token's line */
  error(message: string, fix: string): VoxtwirlError {
    return this.#lines.error(message, fix);
  }

  #take(at: number): true {
    const row = this.#row;
    this.line = this.#lines.lineNumber;
    const quote = row[at];
    if (quote === "'" || quote === '"') {
      let end = row.indexOf(quote, at + 1);
      // A quote ends at one with a blank after it: 'O5'' is O5'.
      while (end >= 0 && end + 1 < row.length && !isBlank(row.charCodeAt(end + 1))) end = row.indexOf(quote, end + 1);
      if (end < 0) {
        throw this.error(`a quote that is not closed: ${quoted(row.slice(at))}`, "Close it on its line.");
      }
      return this.#give(row.slice(at + 1, end), end + 1, false);
    }
    let end = at;
    while (end < row.length && !isBlank(row.charCodeAt(end))) end++;
    return this.#give(row.slice(at, end), end, true);
  }

  #takeText(): true {
    this.line = this.#lines.lineNumber;
    const text = [this.#row.slice(1)];
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      if (line.startsWith(";")) {
        this.#row = line;
        return this.#give(text.join("\n"), 1, false);
      }
      text.push(line);
    }
    throw this.error(`the text that begins in line ${this.line} has no end`, "Is the file cut off? Get it again.");
  }

  #give(value: string, at: number, bare: boolean): true {
    this.value = value;
    this.#at = at;
    this.bare = bare;
    return true;
  }
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}
