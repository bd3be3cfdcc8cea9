/** Values as Python pickles them; dictionaries as plain objects, with keys of text. */
export type PlainValue =
  null | boolean | number | string | readonly PlainValue[] | { readonly [key: string]: PlainValue };

/** Writes a pickle of protocol 2, opcode by opcode; they are named in Python's pickletools. */
export class PickleWriter {
  readonly #parts: Uint8Array[] = [];

  constructor() {
    this.#raw(0x80, 2);
  }

  /** The whole pickle, of the one value that was written. */
  finish(): Uint8Array {
    this.#text(".");
    const all = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Plain data; whole numbers as int. */
  value(value: PlainValue): this {
    if (value === null) return this.#text("N");
    if (typeof value === "boolean") return this.#raw(value ? 0x88 : 0x89);
    if (typeof value === "string") return this.#string(value);
    if (typeof value === "number") return this.#number(value);
    if (Array.isArray(value)) {
      this.#text("](");
      for (const item of value as readonly PlainValue[]) this.value(item);
      return this.#text("e");
    }
    return this.dictionary(Object.entries(value).map(([key, one]) => [key, () => this.value(one)]));
  }

  /** A dict whose values are written by what is called for each. */
  dictionary(entries: Iterable<readonly [key: string, write: () => void]>): this {
    return this.#text("}").#entries(entries);
  }

  /** The same as an OrderedDict. */
  orderedDictionary(entries: Iterable<readonly [key: string, write: () => void]>): this {
    this.call("collections", "OrderedDict", () => undefined);
    return this.#entries(entries);
  }

  tuple(write: () => void): this {
    this.#text("(");
    write();
    return this.#text("t");
  }

  global(module: string, name: string): this {
    return this.#text(`c${module}\n${name}\n`);
  }

  call(module: string, name: string, args: () => void): this {
    return this.global(module, name).tuple(args).#text("R");
  }

  persistent(id: () => void): this {
    return this.tuple(id).#text("Q");
  }

  #entries(entries: Iterable<readonly [key: string, write: () => void]>): this {
    this.#text("(");
    for (const [key, write] of entries) {
      this.#string(key);
      write();
    }
    return this.#text("u");
  }

  #string(value: string): this {
    const bytes = new TextEncoder().encode(value);
    const head = new DataView(new ArrayBuffer(5));
    head.setUint8(0, 0x58);
    head.setUint32(1, bytes.length, true);
    this.#parts.push(new Uint8Array(head.buffer), bytes);
    return this;
  }

  #number(value: number): this {
    const bytes = new DataView(new ArrayBuffer(10));
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      bytes.setUint8(0, 0x47);
      bytes.setFloat64(1, value, false);
      this.#parts.push(new Uint8Array(bytes.buffer, 0, 9));
    } else {
      bytes.setUint8(0, 0x8a);
      bytes.setUint8(1, 8);
      bytes.setBigInt64(2, BigInt(value), true);
      this.#parts.push(new Uint8Array(bytes.buffer));
    }
    return this;
  }

  #text(ascii: string): this {
    this.#parts.push(new TextEncoder().encode(ascii));
    return this;
  }

  #raw(...bytes: number[]): this {
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }
}
