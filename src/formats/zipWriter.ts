import { crc32 } from "./crc32.ts";

/** A file of an archive that is written as it comes. */
export interface ZipPart {
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What the directory at the end says of a file. */
interface Written {
  readonly name: Uint8Array;
  readonly offset: number;
  size: number;
  crc: number;
}

/** 4.5: sizes of 64 bits. Bit 3: sizes and checksum follow the data. Bit 11: names are UTF-8. */
const version = 45;
const flags = 0x0808;
/** 1 January 1980, so that the same arrays are the same bytes. */
const date = 0x21;
const elsewhere = 0xffffffff;
/** Data begin at a multiple of this many bytes, so that PyTorch can map a file into memory. */
const alignment = 64;
/** The extra field with which PyTorch fills up to it. */
const filling = 0x4246;

/** A zip archive of stored files, piece by piece, with sizes of 64 bits, as numpy.savez writes large ones. */
export async function* zipStream(
  parts: Iterable<ZipPart> | AsyncIterable<ZipPart>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const archive = new Archive();
  for await (const { name, pieces } of parts) {
    yield archive.begin(name);
    for await (const piece of pieces) yield archive.add(piece);
    yield archive.end();
  }
  yield* archive.directory();
}

/** What stands around the data of an archive's files, in the order in which it is written. */
class Archive {
  readonly #files: Written[] = [];
  #at = 0;

  /** What stands before a file's data. */
  begin(name: string): Uint8Array {
    const file: Written = { name: new TextEncoder().encode(name), offset: this.#at, size: 0, crc: 0 };
    this.#files.push(file);
    const sizes = joined(u16(1, 16), u64(0, 0));
    const unfilled = this.#at + 30 + file.name.length + sizes.length + 4;
    const fill = (alignment - (unfilled % alignment)) % alignment;
    const extra = joined(sizes, u16(filling, fill), new Uint8Array(fill));
    const common = joined(u16(version, flags, 0, 0, date), u32(0, elsewhere, elsewhere));
    return this.#counted(joined(u32(0x04034b50), common, u16(file.name.length, extra.length), file.name, extra));
  }

  /** Some of its data, as they are. */
  add(piece: Uint8Array): Uint8Array {
    const file = this.#files.at(-1)!;
    file.crc = crc32(piece, file.crc);
    file.size += piece.length;
    return this.#counted(piece);
  }

  /** What stands after its data. */
  end(): Uint8Array {
    const { crc, size } = this.#files.at(-1)!;
    return this.#counted(joined(u32(0x08074b50, crc), u64(size, size)));
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.#at += bytes.length;
    return bytes;
  }

  *directory(): Generator<Uint8Array, void, undefined> {
    let size = 0;
    for (const { name, offset, size: bytes, crc } of this.#files) {
      const numbers = joined(u16(1, 24), u64(bytes, bytes, offset));
      const common = joined(u16(version, version, flags, 0, 0, date), u32(crc, elsewhere, elsewhere));
      const lengths = joined(u16(name.length, numbers.length, 0, 0, 0), u32(0, elsewhere));
      const entry = joined(u32(0x02014b50), common, lengths, name, numbers);
      size += entry.length;
      yield entry;
    }
    const count = this.#files.length;
    const start = this.#at;
    yield joined(u32(0x06064b50), u64(44), u16(version, version), u32(0, 0), u64(count, count, size, start));
    yield joined(u32(0x07064b50, 0), u64(start + size), u32(1));
    yield joined(u32(0x06054b50), u16(0, 0, 0xffff, 0xffff), u32(elsewhere, elsewhere), u16(0));
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function u16(...values: number[]): Uint8Array {
  return littleEndian(values, 2, (view, at, value) => view.setUint16(at, value, true));
}

function u32(...values: number[]): Uint8Array {
  return littleEndian(values, 4, (view, at, value) => view.setUint32(at, value, true));
}

function u64(...values: number[]): Uint8Array {
  return littleEndian(values, 8, (view, at, value) => view.setBigUint64(at, BigInt(value), true));
}

function littleEndian(
  values: readonly number[],
  bytes: number,
  set: (view: DataView, at: number, value: number) => void,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * bytes));
  values.forEach((value, i) => set(view, i * bytes, value));
  return new Uint8Array(view.buffer);
}
