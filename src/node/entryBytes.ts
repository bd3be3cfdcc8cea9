/** What an entry of a zip archive in a file unpacks to, piece by piece. */
import { open, type FileHandle } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";
import { crc32 } from "../formats/crc32.ts";
import type { Fail } from "../formats/npyHeader.ts";
import { ZIP_DAMAGED, type ZipEntry } from "../formats/zip.ts";
import { ioError } from "./files.ts";

/** Of a file that are read at a time. */
const PIECE_BYTES = 2 ** 18;

/** The unpacked bytes of an entry, one after another. */
export class EntryBytes {
  readonly #pieces: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #entry: ZipEntry;
  readonly #fail: Fail;
  #left: Uint8Array = new Uint8Array(0);
  #crc = 0;
  #unpacked = 0;

  constructor(path: string, entry: ZipEntry, start: number, fail: Fail) {
    this.#pieces = unpacked(path, entry, start, fail);
    this.#entry = entry;
    this.#fail = fail;
  }

  async take(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      if (this.#left.length === 0) {
        const piece = await this.#next();
        if (piece === undefined) return this.#fail(this.#amount("fewer"), ZIP_DAMAGED);
        this.#left = piece;
      }
      const part = this.#left.subarray(0, length - at);
      bytes.set(part, at);
      at += part.length;
      this.#left = this.#left.subarray(part.length);
    }
    return bytes;
  }

  async end(): Promise<void> {
    while ((await this.#next()) !== undefined);
    if (this.#unpacked < this.#entry.size) this.#fail(this.#amount("fewer"), ZIP_DAMAGED);
    if (this.#crc !== this.#entry.crc) {
      this.#fail("its bytes are not those that were packed (CRC-32)", ZIP_DAMAGED);
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { value } = await this.#pieces.next();
    if (value === undefined) return undefined;
    this.#crc = crc32(value, this.#crc);
    this.#unpacked += value.length;
    if (this.#unpacked > this.#entry.size) this.#fail(this.#amount("more"), ZIP_DAMAGED);
    return value;
  }

  #amount(which: "fewer" | "more"): string {
    return `it holds ${which} bytes than the ${this.#entry.size} it should`;
  }
}

async function* unpacked(
  path: string,
  { method, packedSize }: ZipEntry,
  start: number,
  fail: Fail,
): AsyncGenerator<Uint8Array, void, undefined> {
  const packed = packedPieces(path, start, packedSize);
  if (method === 0) {
    yield* packed;
    return;
  }
  const inflate = createInflateRaw({ chunkSize: PIECE_BYTES });
  const pieces = pipeline(Readable.from(packed), inflate, () => undefined);
  try {
    yield* pieces as AsyncIterable<Buffer>;
  } catch (error) {
    const found = ioError(error, "read", path);
    if (found !== error || !(error instanceof Error) || !/^Z_/.test((error as NodeJS.ErrnoException).code ?? "")) {
      throw found;
    }
    fail(`its packed bytes are damaged (${error.message})`, ZIP_DAMAGED);
  }
}

async function* packedPieces(path: string, start: number, size: number): AsyncGenerator<Buffer, void, undefined> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw ioError(error, "read", path);
  });
  try {
    for (let at = 0; at < size;) {
      const piece = await bytesAt(handle, start + at, Math.min(PIECE_BYTES, size - at));
      if (piece.length === 0) return;
      at += piece.length;
      yield piece;
    }
  } finally {
    await handle.close();
  }
}

export async function withBytes<T>(bytes: EntryBytes, use: (bytes: EntryBytes) => Promise<T>): Promise<T> {
  try {
    return await use(bytes);
  } finally {
    await bytes.close();
  }
}

/** Fewer where the file ends. */
export async function bytesAt(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, length - at, start + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}
