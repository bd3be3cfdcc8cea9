/** How finely numbers are written, and of which type they are, from the numbers that were read. */

/** Values looked at, of a term: a file has as many digits at its end as at its beginning. */
const MOST = 4096;
/** Significant bits of number types, from the coarsest. */
const TYPES = [8, 11, 24, 53] as const;
/** Of a step between numbers, how near they are to whole multiples of it. */
const NEAR_STEP = 0.01;
/** How many of the smallest gaps are tried as a step, and divided by up to what. */
const GAPS = 8;
const MOST_PARTS = 12;
/** By chance numbers lie so near to those of a type in one of so many files. */
const CHANCE = 1e-6;

/** Collects how many digits numbers have. */
export class PrintedDigits {
  readonly #values: number[] = [];
  #decimals = 0;
  #significant = 0;

  /** Whether more values would not be looked at. */
  get full(): boolean {
    return this.#values.length >= MOST;
  }

  add(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length && this.#values.length < MOST; i++) {
      const value = values[i]!;
      const { decimals, significant } = digitsOf(value);
      this.#values.push(value);
      this.#decimals = Math.max(this.#decimals, decimals);
      this.#significant = Math.max(this.#significant, significant);
    }
  }

  /**
   * The root mean square that rounding to the digits written leaves, u / sqrt(12) with u the unit of the last digit:
   * behind the point where all have so many, or of so many significant ones, or of another unit that all are multiples
   * of, as where a program converts what another one printed; whichever is coarsest. 0 without values.
   */
  get written(): number {
    if (this.#values.length === 0) return 0;
    const units = this.#values.map((value) => this.#unit(value));
    return Math.max(rootMeanSquare(units), this.#step() ?? 0) / Math.sqrt(12);
  }

  /** What all values are whole multiples of, where that cannot be chance. */
  #step(): number | undefined {
    const sorted = [...new Set(this.#values.map(Math.abs))].sort((a, b) => a - b);
    const size = sorted.at(-1) ?? 0;
    const gaps = sorted.map((value, i) => value - (sorted[i - 1] ?? 0)).filter((gap) => gap > 1e-12 * size);
    if (NEAR_STEP ** (sorted.length - GAPS) > CHANCE) return undefined;
    const rounding = size * 2 ** -50;
    const isStep = (step: number) => {
      const most = NEAR_STEP * step + rounding;
      return most < 0.1 * step && sorted.every((value) => Math.abs(value - step * Math.round(value / step)) <= most);
    };
    for (const gap of gaps.sort((a, b) => a - b).slice(0, GAPS)) {
      for (let parts = 1; parts <= MOST_PARTS; parts++) if (isStep(gap / parts)) return gap / parts;
    }
    return undefined;
  }

  /**
   * The significant bits of the number type: the fewest of bfloat16, half, single and double precision in which all
   * values are numbers, up to the digits written, where that cannot be chance.
   */
  get bits(): (typeof TYPES)[number] {
    return TYPES.find((bits) => bits === 53 || this.#areOf(bits))!;
  }

  /** What is left of rounding to the type, twice its unit roundoff: a program's own sums add to one. */
  get type(): number {
    return rootMeanSquare(this.#values) * 2 ** (1 - this.bits);
  }

  #areOf(bits: number): boolean {
    let chance = 1;
    for (const value of this.#values) {
      if (value === 0) continue;
      const spacing = 2 ** (Math.floor(Math.log2(Math.abs(value))) + 1 - bits);
      const off = Math.abs(value - spacing * Math.round(value / spacing));
      const unit = this.#unit(value);
      if (off > 0.5 * unit + Math.abs(value) * 2 ** -52) return false;
      chance *= Math.min(1, unit / spacing);
    }
    return chance < CHANCE;
  }

  #unit(value: number): number {
    const fixed = 10 ** -this.#decimals;
    if (value === 0) return fixed;
    return Math.max(fixed, 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - this.#significant));
  }
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length));
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
