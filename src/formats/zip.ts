/**
 * Zip archives, as far as arrays are kept in them: the directory at the end, entries that are stored or deflated, sizes
 * of 64 bits. All that the directory says is held against the bytes that are there before it is used.
 */
import { VoxtwirlError } from "../errors.ts";
import { crc32 } from "./crc32.ts";
import type { Fail } from "./npyHeader.ts";

export interface ZipEntry {
  readonly name: string;
  /** Bytes once unpacked, as the directory says. */
  readonly size: number;
  readonly packedSize: number;
  readonly crc: number;
  /** 0 for stored, 8 for deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  /** Where its local header begins. */
  readonly offset: number;
}

/** Unpacks raw deflate data of `size` bytes, and rejects for other bytes and for data that go on beyond `size`. */
export type Inflate = (packed: Uint8Array, size: number) => Promise<Uint8Array>;

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locatorSignature = 0x07064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;

const endSize = 22;
const locatorSize = 20;
const end64Size = 56;
const entrySize = 46;
/** Before the names of an entry, where it begins. */
export const LOCAL_HEADER_BYTES = 30;
const mostComment = 0xffff;
/** What says that the number is one of 64 bits, elsewhere. */
const elsewhere = 0xffffffff;
/** Deflate makes 258 bytes of two bits at most. */
const mostInflated = 1032;

export const ZIP_DAMAGED = "Copy or download the archive again: it may be cut off.";

/**
 * The entries of an archive, in the order of its directory.
 *
 * @throws what `fail` throws where the bytes are no archive, or not a whole one
 */
export function zipEntries(bytes: Uint8Array, fail: Fail): ZipEntry[] {
  const directory = zipDirectory(bytes, bytes.length, fail);
  return directoryEntries(bytes.subarray(directory.offset, directory.offset + directory.size), directory.count, fail);
}

/** Where an archive's directory is. */
export interface ZipDirectory {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The entries that a directory lists.
 *
 * @param bytes the directory's
 */
export function directoryEntries(bytes: Uint8Array, count: number, fail: Fail): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = bytes.length - at;
    if (left < entrySize || view.getUint32(at, true) !== entrySignature) {
      fail(`entry ${i + 1} of ${count} of its directory is none`, ZIP_DAMAGED);
    }
    const [name, extra] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
    const length = entrySize + name + extra + view.getUint16(at + 32, true);
    if (length > left) fail(`entry ${i + 1} of ${count} of its directory goes beyond its end`, ZIP_DAMAGED);
    entries.push(readEntry(view, at, name, extra, fail));
    at += length;
  }
  return entries;
}

/** So many of an archive's last bytes tell where its directory is. */
export const ZIP_TAIL_BYTES = endSize + mostComment + locatorSize + end64Size;

/**
 * Where the directory is, by what stands at the archive's end, held against the archive's size.
 *
 * @param tail the last bytes, `ZIP_TAIL_BYTES` or all
 * @param total bytes of the archive
 */
export function zipDirectory(tail: Uint8Array, total: number, fail: Fail): ZipDirectory {
  const { count, size, offset } = directoryOf(
    new DataView(tail.buffer, tail.byteOffset, tail.length),
    total - tail.length,
    fail,
  );
  // Of forged numbers a sum may be inexact, but then it is larger than any file.
  if (offset + size > total || count * entrySize > size) {
    fail(`its directory claims ${count} entries in ${size} bytes from ${offset} on, of ${total}`, ZIP_DAMAGED);
  }
  return { count, size, offset };
}

/** @param before bytes of the archive that are not in view */
function directoryOf(view: DataView, before: number, fail: Fail): ZipDirectory {
  const first = Math.max(0, view.byteLength - endSize - mostComment);
  let at = view.byteLength - endSize;
  while (at >= first && !isEnd(view, at)) at--;
  if (at < first) return fail("it has no directory at its end", ZIP_DAMAGED);
  const directory = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  const locator = at - locatorSize;
  if (locator < 0 || view.getUint32(locator, true) !== locatorSignature) return directory;
  const at64 = uint64(view, locator + 8) - before;
  if (!(at64 >= 0) || at64 + end64Size > locator || view.getUint32(at64, true) !== end64Signature) {
    fail("its directory of 64 bits is not where it says", ZIP_DAMAGED);
  }
  return { count: uint64(view, at64 + 32), size: uint64(view, at64 + 40), offset: uint64(view, at64 + 48) };
}

/** The end's comment may hold the same four bytes; it then does not reach to the archive's end. */
function isEnd(view: DataView, at: number): boolean {
  return view.getUint32(at, true) === endSignature && at + endSize + view.getUint16(at + 20, true) === view.byteLength;
}

function readEntry(view: DataView, at: number, nameLength: number, extraLength: number, fail: Fail): ZipEntry {
  const nameStart = at + entrySize;
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + nameStart, nameLength));
  const small = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  const large = small.includes(elsewhere) ? extraNumbers(view, nameStart + nameLength, extraLength) : [];
  const [size, packedSize, offset] = small.map((value) => {
    if (value !== elsewhere) return value;
    return large.shift() ?? fail(`the sizes of its ${JSON.stringify(name.slice(0, 60))} are not there`, ZIP_DAMAGED);
  }) as [number, number, number];
  const flags = view.getUint16(at + 8, true);
  const [method, crc] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)];
  return { name, size, packedSize, crc, method, encrypted: (flags & 1) !== 0, offset };
}

/** The numbers of 64 bits of an entry: size, packed size and offset, of which only those are there that need it. */
function extraNumbers(view: DataView, start: number, length: number): number[] {
  const end = start + length;
  for (let at = start; at + 4 <= end;) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const next = at + 4 + size;
    if (next > end) break;
    if (id === 1) return Array.from({ length: Math.min(3, size >> 3) }, (_, i) => uint64(view, at + 4 + 8 * i));
    at = next;
  }
  return [];
}

function uint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true);
}

/**
 * The bytes of an entry: a view of the archive's where they are stored, else new ones.
 *
 * @throws what `fail` throws where they cannot be had, or are not those that were packed
 */
export async function unzip(bytes: Uint8Array, entry: ZipEntry, inflate: Inflate, fail: Fail): Promise<Uint8Array> {
  const packed = packedBytes(bytes, entry, fail);
  const data = entry.method === 0 ? packed : await inflated(packed, entry, inflate, fail);
  if (data.length !== entry.size) {
    fail(`it holds ${data.length > entry.size ? "more" : "fewer"} bytes than the ${entry.size} it should`, ZIP_DAMAGED);
  }
  if (crc32(data) !== entry.crc) fail("its bytes are not those that were packed (CRC-32)", ZIP_DAMAGED);
  return data;
}

function packedBytes(bytes: Uint8Array, entry: ZipEntry, fail: Fail): Uint8Array {
  const header = bytes.subarray(entry.offset, entry.offset + LOCAL_HEADER_BYTES);
  const start = packedStart(header, entry, bytes.length, fail);
  return bytes.subarray(start, start + entry.packedSize);
}

/**
 * Where an entry's packed bytes begin.
 *
 * @param header its local header, or as much of that as there is
 * @param total bytes of the archive
 * @throws what `fail` throws where they are not there, or cannot be unpacked
 */
export function packedStart(header: Uint8Array, entry: ZipEntry, total: number, fail: Fail): number {
  const { method, encrypted, offset, size, packedSize } = entry;
  if (encrypted) fail("it is encrypted", "Pack it again without a password.");
  if (method !== 0 && method !== 8) {
    fail(`it is packed by method ${method}, not stored or deflated`, "Write it again with numpy.savez.");
  }
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (header.length < LOCAL_HEADER_BYTES || view.getUint32(0, true) !== localSignature) {
    fail("it is not where the directory says", ZIP_DAMAGED);
  }
  const start = offset + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + packedSize > total) fail(`it takes ${packedSize} bytes from ${start} on, of ${total}`, ZIP_DAMAGED);
  if (size > (method === 0 ? packedSize : mostInflated * packedSize)) {
    fail(`${packedSize} packed bytes cannot be ${size}`, ZIP_DAMAGED);
  }
  return start;
}

async function inflated(packed: Uint8Array, { size }: ZipEntry, inflate: Inflate, fail: Fail): Promise<Uint8Array> {
  try {
    return await inflate(packed, size);
  } catch (error) {
    if (error instanceof VoxtwirlError) throw error;
    return fail(`its packed bytes are damaged (${(error as Error).message})`, ZIP_DAMAGED);
  }
}
