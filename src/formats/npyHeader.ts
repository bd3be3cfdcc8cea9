/**
 * The header of an .npy file: a Python literal, {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }. NumPy
 * evaluates it, so spaces, line breaks, quotes, commas and the order of keys are free; in Python 2 numbers end in L.
 */

export interface NpyHeader {
  /** As NumPy names types, such as "<f4". */
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** Throws an error that gives the reason, and what to do unless that is to write the file again. */
export type Fail = (reason: string, fix?: string) => never;

type Value = string | number | boolean | null | Value[] | Tuple | Map<Value, Value>;

class Tuple {
  readonly values: readonly Value[];
  constructor(values: readonly Value[]) {
    this.values = values;
  }
}

/** As in NumPy 2. */
const MAX_AXES = 64;
/** Deeper than the fields of any type. */
const MAX_DEPTH = 20;

export function parseNpyHeader(text: string, fail: Fail): NpyHeader {
  const header = new Literal(text, fail).whole();
  if (!(header instanceof Map)) return fail("its header is not a dictionary");
  const [descr, fortran, shape] = ["descr", "fortran_order", "shape"].map((key) => header.get(key));
  if (header.size !== 3 || descr === undefined || fortran === undefined || shape === undefined) {
    return fail("its header does not hold descr, fortran_order and shape alone");
  }
  if (Array.isArray(descr)) {
    return fail("its elements are records of several fields", "Save one field, numpy.save(file, array['name']).");
  }
  if (typeof descr !== "string") return fail("its descr is not one type");
  if (typeof fortran !== "boolean") return fail("its fortran_order is neither True nor False");
  return { descr, fortran, shape: checkShape(shape, fail) };
}

function checkShape(shape: Value, fail: Fail): number[] {
  // (3) is a number in Python and no tuple.
  if (!(shape instanceof Tuple)) return fail("its shape is not a tuple of sizes");
  const { values } = shape;
  if (values.length > MAX_AXES) return fail(`its shape has ${values.length} axes`);
  return values.map((size) => {
    if (typeof size !== "number") return fail("its shape is not a tuple of sizes");
    if (!Number.isSafeInteger(size)) return fail("its shape has a size beyond all files");
    return size;
  });
}

/** Text of the file: escaped and cut, so that a message stays one readable line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

/** A Python literal of strings, whole numbers, True, False, None, tuples, lists and dictionaries. */
class Literal {
  readonly #text: string;
  readonly #fail: Fail;
  #at = 0;

  constructor(text: string, fail: Fail) {
    this.#text = text;
    this.#fail = fail;
  }

  whole(): Value {
    const value = this.#value(0);
    return this.#at < this.#text.length ? this.#broken() : value;
  }

  #value(depth: number): Value {
    if (depth > MAX_DEPTH) return this.#broken();
    if (this.#take("{")) return this.#dictionary(depth);
    if (this.#take("[")) return this.#items("]", depth).values;
    if (this.#take("(")) {
      const { values, commas } = this.#items(")", depth);
      return values.length === 1 && commas === 0 ? values[0]! : new Tuple(values);
    }
    const digits = this.#match(/(\d+)[lL]?(?!\w)/y);
    if (digits) return Number(digits[1]);
    const word = this.#match(/(True|False|None)(?!\w)/y);
    if (word) return word[1] === "None" ? null : word[1] === "True";
    return this.#string() ?? this.#broken();
  }

  /** Strings side by side are one. */
  #string(): string | undefined {
    let text: string | undefined;
    for (let part; (part = this.#match(/[uUrR]?(?:'([^'\\\n]*)'|"([^"\\\n]*)")/y));) {
      text = (text ?? "") + (part[1] ?? part[2]!);
    }
    return text;
  }

  #items(end: string, depth: number): { values: Value[]; commas: number } {
    const values: Value[] = [];
    let commas = 0;
    while (!this.#take(end)) {
      if (commas < values.length) this.#broken();
      values.push(this.#value(depth + 1));
      if (this.#take(",")) commas++;
    }
    return { values, commas };
  }

  #dictionary(depth: number): Map<Value, Value> {
    const entries = new Map<Value, Value>();
    for (let more = true; !this.#take("}"); more = this.#take(",")) {
      const key = more ? this.#value(depth + 1) : this.#broken();
      if (!this.#take(":")) this.#broken();
      if (entries.has(key)) {
        this.#fail(`its header has ${quote(typeof key === "string" ? key : JSON.stringify(key))} twice`);
      }
      entries.set(key, this.#value(depth + 1));
    }
    return entries;
  }

  #take(character: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    this.#skip();
    return true;
  }

  /** Matches at this place, where spaces, line breaks and comments are passed over before and behind. */
  #match(pattern: RegExp): RegExpExecArray | null {
    this.#skip();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    this.#skip();
    return found;
  }

  #skip(): void {
    const spaces = /[ \t\f\r\n]+|\\\r?\n|#[^\n]*/y;
    for (spaces.lastIndex = this.#at; spaces.exec(this.#text);) this.#at = spaces.lastIndex;
  }

  #broken(): never {
    return this.#fail("its header is not a dictionary of plain values");
  }
}
