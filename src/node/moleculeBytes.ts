/** The bytes of molecule and protein files: from files and pipes, unpacked, as text or as arrays. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { promisify } from "node:util";
import { gunzip, inflateRaw } from "node:zlib";
import { VoxtwirlError } from "../errors.ts";
import { binaryKind } from "./fileKind.ts";
import { foreignBytes } from "./foreignKinds.ts";

/** Paths of standard input, which cannot always be opened by them: a socket cannot. */
export const standardInput: ReadonlySet<string> = new Set(["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

/**
 * All bytes of a file, a pipe or another stream that a path names.
 *
 * @throws VoxtwirlError "bad-file" where there are more than `limit`; what the file system says passes through
 */
export async function readBounded(path: string, limit: number): Promise<Buffer> {
  const info = await stat(path);
  if (info.isFile()) {
    if (info.size > limit) throw tooLarge(path, limit);
    return readFile(path);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of standardInput.has(path) ? process.stdin : createReadStream(path)) {
    size += (chunk as Buffer).length;
    if (size > limit) throw tooLarge(path, limit);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** The extension of what a path names, without that of its packing. */
export function kindOf(path: string): string {
  const lower = path.toLowerCase();
  return extname(lower.endsWith(".gz") ? lower.slice(0, -3) : lower);
}

export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** What the file system refuses, as a "bad-file" error. */
export async function asBadFile<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof VoxtwirlError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing ? `${path} does not exist` : `${path} cannot be read: ${(error as Error).message}`;
    throw new VoxtwirlError("bad-file", message, "Check the path and its permissions.", { cause: error });
  }
}

/**
 * The bytes themselves, unpacked where they begin as gzip does.
 *
 * @throws VoxtwirlError "bad-file" for a gzip file that is not whole, and for more than `limit` bytes
 */
export async function unpacked(bytes: Buffer, path: string, limit: number): Promise<Buffer> {
  const plain = isGzip(bytes) ? await unpack(bytes, path, limit) : bytes;
  if (!isGzip(plain)) return plain;
  throw new VoxtwirlError("bad-file", `${path} is packed twice by gzip`, "Unpack it once: gunzip.");
}

/** Whether bytes are a NumPy archive: by its first file, or by the name where that tells nothing. */
export function isNpz(plain: Uint8Array, name: string): boolean {
  const kind = binaryKind(plain)?.name;
  return kind === "a NumPy archive (.npz)" || (kind === "a zip archive" && /\.npz(\.gz)?$/i.test(name));
}

/**
 * The text that bytes stand for, in UTF-8 or UTF-16; without the zero characters at its end, which are counted.
 *
 * @throws VoxtwirlError "bad-file" for what is no text, by its name
 */
export function textOf(plain: Buffer, path: string): { text: string; zeros: number } {
  const kind = foreignBytes(plain);
  if (kind !== undefined) throw new VoxtwirlError("bad-file", `${path} is ${kind.name}, not text`, kind.fix);
  const text = decode(plain, path);
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return { text: text.slice(0, end), zeros: text.length - end };
}

/** Whether bytes begin as those of gzip do. */
export function isGzip(bytes: Buffer): boolean {
  return binaryKind(bytes)?.name === "a gzip file";
}

async function unpack(bytes: Buffer, path: string, limit: number): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(path, limit);
    const message = `${path} is not a whole gzip file: ${(error as Error).message}`;
    const fix = "Is it cut off, or is something else after it? Copy or download it again.";
    throw new VoxtwirlError("bad-file", message, fix, { cause: error });
  }
}

/** Raw deflate data, which Node unpacks faster than its DecompressionStream does and since earlier versions. */
export async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array> {
  return promisify(inflateRaw)(packed, { maxOutputLength: Math.max(1, size) });
}

function decode(bytes: Buffer, path: string): string {
  switch (encodingOf(bytes, path)) {
    case "utf-16le":
      return bytes.toString("utf16le");
    case "utf-16be":
      return Buffer.from(bytes.subarray(0, bytes.length & ~1))
        .swap16()
        .toString("utf16le");
    case "utf-8":
      return bytes.toString("utf8");
  }
}

/**
 * How a text is encoded, by the byte order mark, or the zeros beside the first characters; UTF-8 otherwise.
 *
 * @throws VoxtwirlError "bad-file" for UTF-32
 */
export function encodingOf(bytes: Buffer, path: string): "utf-8" | "utf-16le" | "utf-16be" {
  const mark = bytes.length > 1 ? bytes.readUInt16BE(0) : 0;
  const wide = mark === 0xfffe && bytes.length > 3 && bytes.readUInt16BE(2) === 0;
  if (wide || (mark === 0 && bytes.length > 3 && bytes.readUInt16BE(2) === 0xfeff)) {
    throw new VoxtwirlError("bad-file", `${path} is text in UTF-32`, "Save it as UTF-8.");
  }
  if (mark === 0xfffe || halfIsZero(bytes, 1)) return "utf-16le";
  return mark === 0xfeff || halfIsZero(bytes, 0) ? "utf-16be" : "utf-8";
}

/** Whether, of the first characters' bytes, exactly the even (0) or the odd (1) ones are zero. */
function halfIsZero(bytes: Buffer, odd: 0 | 1): boolean {
  const first = bytes.subarray(0, 64);
  return first.length > 3 && first.every((byte, i) => (byte === 0) === (i % 2 === odd));
}

function tooLarge(path: string, limit: number): VoxtwirlError {
  const message = `${path} holds more than ${limit} bytes`;
  return new VoxtwirlError("bad-file", message, "Split the file, or take fewer molecules.");
}
