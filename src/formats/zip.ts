/**
 * Zip archives, as far as arrays are kept in them: the directory at the end, entries that are stored or deflated, sizes
 * of 64 bits. All that the directory says is held against the bytes that are there before it is used.
 */
import { VoxtwirlError } from "../errors.ts";
import type { ByteSource } from "./byteSource.ts";
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
const localSize = 30;
const mostComment = 0xffff;
/** What says that the number is one of 64 bits, elsewhere. */
const elsewhere = 0xffffffff;
/** Of some million entries; a larger one is refused rather than read. */
const mostDirectory = 2 ** 28;
/** Deflate makes 258 bytes of two bits at most. */
const mostInflated = 1032;

export const ZIP_DAMAGED = "Copy or download the archive again: it may be cut off.";

/**
 * The entries of an archive, in the order of its directory.
 *
 * @throws what `fail` throws where the bytes are no archive, or not a whole one
 */
export async function zipEntries(source: ByteSource, fail: Fail): Promise<ZipEntry[]> {
  const { count, size, offset } = await directoryOf(source, fail);
  // Of forged numbers a sum may be inexact, but then it is larger than any file.
  if (offset + size > source.size || count * entrySize > size || size > mostDirectory) {
    fail(`its directory claims ${count} entries in ${size} bytes from ${offset} on, of ${source.size}`, ZIP_DAMAGED);
  }
  const view = viewOf(await source.read(offset, size));
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = view.byteLength - at;
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

/** Where the directory is, by what stands at the archive's end. */
async function directoryOf(source: ByteSource, fail: Fail): Promise<{ count: number; size: number; offset: number }> {
  const first = Math.max(0, source.size - endSize - mostComment - locatorSize);
  const view = viewOf(await source.read(first, source.size - first));
  let at = view.byteLength - endSize;
  while (at >= 0 && !isEnd(view, at)) at--;
  if (at < 0) return fail("it has no directory at its end", ZIP_DAMAGED);
  const directory = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  const locator = at - locatorSize;
  if (locator < 0 || view.getUint32(locator, true) !== locatorSignature) return directory;
  const at64 = uint64(view, locator + 8);
  const placed = at64 + end64Size <= first + locator;
  const end64 = viewOf(placed ? await source.read(at64, end64Size) : new Uint8Array(end64Size));
  if (end64.byteLength < end64Size || end64.getUint32(0, true) !== end64Signature) {
    fail("its directory of 64 bits is not where it says", ZIP_DAMAGED);
  }
  return { count: uint64(end64, 32), size: uint64(end64, 40), offset: uint64(end64, 48) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
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
 * The bytes of an entry: those that the source gives where they are stored, else new ones.
 *
 * @throws what `fail` throws where they cannot be had, or are not those that were packed
 */
export async function unzip(source: ByteSource, entry: ZipEntry, inflate: Inflate, fail: Fail): Promise<Uint8Array> {
  const packed = await packedBytes(source, entry, fail);
  const data = entry.method === 0 ? packed : await inflated(packed, entry, inflate, fail);
  if (data.length !== entry.size) {
    fail(`it holds ${data.length > entry.size ? "more" : "fewer"} bytes than the ${entry.size} it should`, ZIP_DAMAGED);
  }
  if (crc32(data) !== entry.crc) fail("its bytes are not those that were packed (CRC-32)", ZIP_DAMAGED);
  return data;
}

async function packedBytes(source: ByteSource, entry: ZipEntry, fail: Fail): Promise<Uint8Array> {
  return source.read(await packedStart(source, entry, fail), entry.packedSize);
}

/**
 * Where an entry's packed bytes begin.
 *
 * @throws what `fail` throws where they are not there, or cannot be unpacked
 */
export async function packedStart(source: ByteSource, entry: ZipEntry, fail: Fail): Promise<number> {
  const { method, encrypted, offset, size, packedSize } = entry;
  if (encrypted) fail("it is encrypted", "Pack it again without a password.");
  if (method !== 0 && method !== 8) {
    fail(`it is packed by method ${method}, not stored or deflated`, "Pack it again by deflate, or not at all.");
  }
  const there = offset + localSize <= source.size;
  const local = viewOf(there ? await source.read(offset, localSize) : new Uint8Array(localSize));
  if (local.byteLength < localSize || local.getUint32(0, true) !== localSignature) {
    fail("it is not where the directory says", ZIP_DAMAGED);
  }
  const start = offset + localSize + local.getUint16(26, true) + local.getUint16(28, true);
  if (start + packedSize > source.size) {
    fail(`it takes ${packedSize} bytes from ${start} on, of ${source.size}`, ZIP_DAMAGED);
  }
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
