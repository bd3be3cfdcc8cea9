/** Powers of ten up to the most digits that `fixed` makes by itself. */
const powers = Float64Array.from({ length: 11 }, (_, i) => 10 ** i);
/** Below it a number times 10^10 is less than 2^53, so that all its digits are there. */
const exactBelow = 9e5;
const HALF = 1e5;
const [MINUS, POINT, ZERO] = [0x2d, 0x2e, 0x30];
const longestNumber = 32;

/** Text as it is written, in UTF-8, without a string made for each number. */
export class TextBytes {
  #bytes = new Uint8Array(2 ** 16);
  #length = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written since, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  text(text: string): void {
    // A character takes three bytes at most.
    this.#room(3 * text.length);
    const start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#length = start + new TextEncoder().encodeInto(text, this.#bytes.subarray(start)).written;
        return;
      }
      this.#bytes[start + i] = code;
    }
    this.#length = start + text.length;
  }

  /**
   * A number with so many digits behind the point, no minus before zero: as toFixed, but that a number within a
   * ten-thousandth of the middle between two may become the other one.
   */
  fixed(value: number, digits: number): void {
    const size = Math.abs(value);
    if (!(size < exactBelow) || digits >= powers.length) {
      this.text(fixedText(value, digits));
      return;
    }
    this.#room(longestNumber);
    const power = powers[digits]!;
    const scaled = Math.round(size * power);
    const whole = Math.floor(scaled / power);
    if (value < 0 && scaled > 0) this.#bytes[this.#length++] = MINUS;
    this.#digits(whole, 1 + (whole > 9 ? Math.floor(Math.log10(whole) + 1e-9) : 0));
    if (digits === 0) return;
    this.#bytes[this.#length++] = POINT;
    this.#digits(scaled - whole * power, digits);
  }

  /** A whole number below 10^10 with so many digits, the last ones first. */
  #digits(number: number, count: number): void {
    const end = this.#length + count;
    const high = Math.floor(number / HALF);
    let rest = (number - high * HALF) | 0;
    for (let k = 1; k <= count; k++) {
      if (k === 6) rest = high;
      const tenth = (rest / 10) | 0;
      this.#bytes[end - k] = ZERO + rest - 10 * tenth;
      rest = tenth;
    }
    this.#length = end;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** A number with so many digits behind the point; no minus before zero. */
export function fixedText(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return value < 0 && value > -1 && Number(text) === 0 ? text.slice(1) : text;
}
