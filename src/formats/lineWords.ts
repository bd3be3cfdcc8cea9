import { realNumber } from "./lines.ts";
import { isBlank } from "./xyzComment.ts";

/** Digits of a whole number that is exact whatever they are. */
const exactDigits = 15;
const powers = Float64Array.from({ length: exactDigits + 1 }, (_, i) => 10 ** i);
const [PLUS, MINUS, POINT, ZERO] = [0x2b, 0x2d, 0x2e, 0x30];

/** The words of a line, one line after another, without a text made for each. */
export class LineWords {
  #text = "";
  #starts = new Int32Array(16);
  #ends = new Int32Array(16);
  /** Of plain decimal numbers their values, of other words NaN. */
  #values = new Float64Array(16);
  #count = 0;

  /**
   * Takes the line of a text that is text.slice(from, to), of which at most `most` words are looked for.
   *
   * A plain decimal number of at most 15 digits is a whole number over a power of ten, both exact, so that the quotient
   * is the nearest number there is: it is made in passing.
   */
  take(text: string, from: number, to: number, most: number): void {
    this.#room(most);
    const [starts, ends, values] = [this.#starts, this.#ends, this.#values];
    let count = 0;
    for (let at = from; count < most; count++) {
      while (at < to && isBlank(text.charCodeAt(at))) at++;
      if (at >= to) break;
      starts[count] = at;
      const sign = text.charCodeAt(at);
      if (sign === MINUS || sign === PLUS) at++;
      const first = at;
      let value = 0;
      let point = -1;
      let plain = true;
      for (; at < to; at++) {
        const code = text.charCodeAt(at);
        const digit = code - ZERO;
        if (digit >= 0 && digit <= 9) value = 10 * value + digit;
        else if (isBlank(code)) break;
        else if (code === POINT && point < 0) point = at;
        else plain = false;
      }
      ends[count] = at;
      const digits = at - first - (point < 0 ? 0 : 1);
      const size = point < 0 ? value : value / powers[Math.min(at - 1 - point, exactDigits)]!;
      const isExact = plain && digits > 0 && digits <= exactDigits;
      values[count] = isExact ? (sign === MINUS ? -size : size) : NaN;
    }
    this.#text = text;
    this.#count = count;
  }

  /** How many were found. */
  get count(): number {
    return this.#count;
  }

  /** Word `i`, empty where there are not so many. */
  text(i: number): string {
    return i < this.#count ? this.#text.slice(this.#starts[i], this.#ends[i]) : "";
  }

  /** Of word `i`, of one or two letters, these as a number below 2^12; undefined for others. */
  code(i: number): number | undefined {
    if (i >= this.#count) return undefined;
    const start = this.#starts[i]!;
    const size = this.#ends[i]! - start;
    if (size > 2) return undefined;
    const first = this.#text.charCodeAt(start) - 64;
    const second = size === 2 ? this.#text.charCodeAt(start + 1) - 64 : 0;
    const areLetters = first > 0 && first < 64 && second < 64 && (second > 0 || size === 1);
    return areLetters ? 64 * second + first : undefined;
  }

  /** Word `i` as a number, as `realNumber` reads it. */
  number(i: number): number | undefined {
    if (i >= this.#count) return undefined;
    const value = this.#values[i]!;
    return Number.isNaN(value) ? realNumber(this.text(i)) : value;
  }

  #room(words: number): void {
    if (words <= this.#starts.length) return;
    [this.#starts, this.#ends] = [new Int32Array(2 * words), new Int32Array(2 * words)];
    this.#values = new Float64Array(2 * words);
  }
}
