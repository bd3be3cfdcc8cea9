/** How finely numbers are written, from the numbers that were read. */

/** Values looked at, of a term: a file has as many digits at its end as at its beginning. */
const MOST = 4096;

/** Collects how many digits numbers have. */
export class PrintedDigits {
  #count = 0;
  #decimals = 0;
  #significant = 0;
  #single = true;
  #squares = 0;
  /** Of each value 10 to the power of its digits before the point, squared. */
  #sizes = 0;

  add(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length && this.#count < MOST; i++) {
      const value = values[i]!;
      const { decimals, significant } = digitsOf(value);
      this.#count++;
      this.#decimals = Math.max(this.#decimals, decimals);
      this.#significant = Math.max(this.#significant, significant);
      this.#single &&= Math.fround(value) === value;
      this.#squares += value * value;
      if (value !== 0) this.#sizes += 100 ** (Math.floor(Math.log10(Math.abs(value))) + 1);
    }
  }

  /**
   * The root mean square that rounding to the digits written leaves, u / sqrt(12) with u the unit of the last digit:
   * behind the point where all have so many, or of so many significant ones, whichever is coarser. 0 without values.
   */
  get written(): number {
    if (this.#count === 0) return 0;
    const fixed = 10 ** -this.#decimals;
    const relative = Math.sqrt(this.#sizes / this.#count) * 10 ** -this.#significant;
    return Math.max(fixed, relative) / Math.sqrt(12);
  }

  /**
   * What is left of rounding to the type of the numbers: of single precision where all are such, else of double. A
   * program's own sums add to it.
   */
  get type(): number {
    const size = Math.sqrt(this.#squares / Math.max(1, this.#count));
    // Numbers of few digits are such of any type.
    return size * (this.#single && this.#significant > 7 ? 2 ** -23 : 2 ** -52);
  }
}

/** Digits behind the point, and from the first that is not 0 to the last, of the shortest text of a number. */
function digitsOf(value: number): { decimals: number; significant: number } {
  const [mantissa = "0", exponent = "0"] = Math.abs(value).toString().split("e");
  const [before = "", behind = ""] = mantissa.split(".");
  const digits = `${before}${behind}`.replace(/^0+/, "");
  return {
    decimals: Math.max(0, behind.length - Number(exponent)),
    significant: Math.max(1, (behind === "" ? digits.replace(/0+$/, "") : digits).length),
  };
}
