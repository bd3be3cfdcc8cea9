import { realNumber } from "./lines.ts";
import { isBlank } from "./xyzComment.ts";

/** Powers of ten that numbers of 64 bits hold exactly. */
const powers = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);
/** Digits of a whole number that is exact whatever they are. */
const exactDigits = 15;

/** The words of a line, one line after another, without a text made for each. */
export class LineWords {
  #line = "";
  #starts = new Int32Array(16);
  #ends = new Int32Array(16);
  #count = 0;

  /** Takes a line, of which at most `most` words are looked for. */
  take(line: string, most: number): void {
    if (most > this.#starts.length) [this.#starts, this.#ends] = [new Int32Array(2 * most), new Int32Array(2 * most)];
    this.#line = line;
    this.#count = 0;
    for (let at = 0; this.#count < most;) {
      while (at < line.length && isBlank(line.charCodeAt(at))) at++;
      if (at >= line.length) return;
      this.#starts[this.#count] = at;
      while (at < line.length && !isBlank(line.charCodeAt(at))) at++;
      this.#ends[this.#count++] = at;
    }
  }

  /** How many were found. */
  get count(): number {
    return this.#count;
  }

  /** Word `i`, empty where there are not so many. */
  text(i: number): string {
    return i < this.#count ? this.#line.slice(this.#starts[i], this.#ends[i]) : "";
  }

  /** Word `i` as a number, as `realNumber` reads it. */
  number(i: number): number | undefined {
    if (i >= this.#count) return undefined;
    return decimalIn(this.#line, this.#starts[i]!, this.#ends[i]!) ?? realNumber(this.text(i));
  }
}

/**
 * A plain decimal number of at most 15 digits: a whole number over a power of ten, both exact, so that the quotient is
 * the nearest number there is. Undefined for other numbers, and for what is none.
 */
function decimalIn(line: string, start: number, end: number): number | undefined {
  const first = line.charCodeAt(start);
  const negative = first === 0x2d;
  let at = negative || first === 0x2b ? start + 1 : start;
  if (end - at > exactDigits + 1 || at === end) return undefined;
  let value = 0;
  let point = -1;
  for (; at < end; at++) {
    const digit = line.charCodeAt(at) - 0x30;
    if (digit >= 0 && digit <= 9) value = 10 * value + digit;
    else if (digit === -2 && point < 0) point = at;
    else return undefined;
  }
  const decimals = point < 0 ? 0 : end - 1 - point;
  const digits = end - start - (negative || first === 0x2b ? 1 : 0) - (point < 0 ? 0 : 1);
  if (digits === 0 || digits > exactDigits) return undefined;
  const size = value / powers[decimals]!;
  return negative ? -size : size;
}
