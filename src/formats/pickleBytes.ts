import type { Fail } from "./npyHeader.ts";

const damaged = "Copy or download the file again: it may be cut off.";
/** Longer integers than Python's of 1,000 bits are no number of a checkpoint. */
const mostLong = 128;
/** A module or class has no longer name. */
const mostName = 1024;

/** The bytes of a pickle, read one after another; little endian, but for numbers of 64 bits with a point. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fail: Fail;
  #at = 0;

  constructor(bytes: Uint8Array, fail: Fail) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#fail = fail;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#next(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#next(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#next(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#next(4), true);
  }

  /** Inexact beyond 2^53, but then larger than any file. */
  u64(): number {
    return this.u32() + 2 ** 32 * this.u32();
  }

  f64(): number {
    return this.#view.getFloat64(this.#next(8), false);
  }

  /** A whole number in two's complement. */
  long(length: number): number | bigint {
    if (length < 0 || length > mostLong) this.#fail(`it has an integer of ${length} bytes`, damaged);
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    if (length > 0 && bytes[length - 1]! > 127) value -= 1n << BigInt(8 * length);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  take(length: number): Uint8Array {
    const at = this.#next(length);
    return this.#bytes.subarray(at, at + length);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.take(length));
  }

  /** Up to the end of a line. */
  line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + mostName).indexOf(10);
    if (end < 0) return this.#fail(`it has a name without an end at byte ${this.#at}`, damaged);
    const line = this.text(end);
    this.#at++;
    return line;
  }

  protocol(): void {
    const protocol = this.u8();
    if (protocol < 2 || protocol > 5) {
      this.#fail(`its pickle is of protocol ${protocol}`, "Save it again with torch.save and no pickle_protocol.");
    }
  }

  /** Frames only say how much may be read at once. */
  skipFrame(): void {
    const length = this.u64();
    if (this.#at + length > this.#bytes.length) this.#fail(`a frame of ${length} bytes goes beyond its end`, damaged);
  }

  #next(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) {
      this.#fail(`its pickle ends at byte ${this.#bytes.length}, and ${length} more are wanted from ${at} on`, damaged);
    }
    this.#at += length;
    return at;
  }
}
