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

/** A zip archive of stored files, piece by piece, with sizes of 64 bits, as numpy.savez writes large ones. */
export async function* zipStream(parts: Iterable<ZipPart>): AsyncGenerator<Uint8Array, void, undefined> {
  const files: Written[] = [];
  let at = 0;
  const counted = (bytes: Uint8Array) => {
    at += bytes.length;
    return bytes;
  };
  for (const { name, pieces } of parts) {
    const file: Written = { name: new TextEncoder().encode(name), offset: at, size: 0, crc: 0 };
    const sizes = joined(u16(1, 16), u64(0, 0));
    const common = joined(u16(version, flags, 0, 0, date), u32(0, elsewhere, elsewhere));
    yield counted(joined(u32(0x04034b50), common, u16(file.name.length, sizes.length), file.name, sizes));
    for await (const piece of pieces) {
      file.crc = crc32(piece, file.crc);
      file.size += piece.length;
      yield counted(piece);
    }
    yield counted(joined(u32(0x08074b50, file.crc), u64(file.size, file.size)));
    files.push(file);
  }
  yield* directory(files, at);
}

function* directory(files: readonly Written[], start: number): Generator<Uint8Array, void, undefined> {
  let size = 0;
  for (const { name, offset, size: bytes, crc } of files) {
    const numbers = joined(u16(1, 24), u64(bytes, bytes, offset));
    const common = joined(u16(version, version, flags, 0, 0, date), u32(crc, elsewhere, elsewhere));
    const lengths = joined(u16(name.length, numbers.length, 0, 0, 0), u32(0, elsewhere));
    const entry = joined(u32(0x02014b50), common, lengths, name, numbers);
    size += entry.length;
    yield entry;
  }
  const count = files.length;
  yield joined(u32(0x06064b50), u64(44), u16(version, version), u32(0, 0), u64(count, count, size, start));
  yield joined(u32(0x07064b50, 0), u64(start + size), u32(1));
  yield joined(u32(0x06054b50), u16(0, 0, 0xffff, 0xffff), u32(elsewhere, elsewhere), u16(0));
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
