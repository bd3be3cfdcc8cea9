/** Files for the Node host: written whole or not at all, read with errors that say what to do. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";

export type FileData = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** One system call takes at most 2 GiB, and short calls let an abort through. */
const WRITE_BYTES = 16 * 2 ** 20;

/** A short mark of a file's name: names may take up all that the file system allows, in bytes. */
function nameMark(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 8);
}

/** A new path in the folder of `path`, for what is to become `path` or is gone soon. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.vt-${nameMark(basename(path))}-${randomBytes(8).toString("hex")}.tmp`);
}

/** Whether a file name is one that `temporaryPath` gives for `name`. */
export function isTemporaryOf(name: string, candidate: string): boolean {
  const [, mark] = /^\.vt-([0-9a-f]{8})-[0-9a-f]{16}\.tmp$/.exec(candidate) ?? [];
  return mark === nameMark(name);
}

/**
 * Writes a file so that at any moment, also after a crash, the path holds either all of the old contents or all of the
 * new: a temporary file in the same folder, fsync, rename, fsync of the folder. On failure nothing is left behind.
 *
 * @param check called right before the new contents take the path; what it throws keeps the old
 * @param temporary the temporary file, in the same folder
 * @throws VoxtwirlError "io" when the file system refuses; what `data` itself throws passes through.
 */
export async function writeFileAtomic(
  path: string,
  data: FileData,
  check?: () => Promise<void>,
  temporary = temporaryPath(path),
): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, "wx");
    const chunks = typeof data === "string" ? [Buffer.from(data)] : data instanceof Uint8Array ? [data] : data;
    for await (const chunk of chunks) await writeAll(file, chunk);
    await file.sync();
    await file.close();
    await check?.();
    await rename(temporary, path);
  } catch (error) {
    await file?.close().catch(() => {});
    if (file) await unlink(temporary).catch(() => {});
    throw ioError(error, "write", path);
  }
  await syncFolder(dirname(path));
}

/**
 * Finds out whether `writeFileAtomic` can write a file, before there is anything to write: a temporary file is made in
 * its folder and removed.
 *
 * @throws VoxtwirlError "io" where it cannot
 */
export async function requireWritable(path: string): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR", syscall: "open" });
    await (await open(temporary, "wx")).close();
    await unlink(temporary);
  } catch (error) {
    throw ioError(error, "write", path);
  }
}

/** Writes bytes where the file stands. */
export async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, offset, Math.min(WRITE_BYTES, chunk.length - offset));
    offset += bytesWritten;
  }
}

/** Makes what was written to a file so far last through a power cut; a missing file is none. */
export async function syncFile(path: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r+");
    await file.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw ioError(error, "write", path);
  } finally {
    await file?.close().catch(() => {});
  }
}

/** Makes a rename last through a power cut. Some systems cannot sync folders; the file is in place all the same. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close().catch(() => {});
}

/** A whole file, or all that comes through a pipe, as bytes in a buffer of its own; also above 2 GiB. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, async ({ size, read }) => {
    if (!Number.isNaN(size)) return read(0, size);
    const pieces: Uint8Array[] = [];
    for (let start = 0; ; start += WRITE_BYTES) {
      const piece = await read(start, WRITE_BYTES);
      pieces.push(piece);
      if (piece.length < WRITE_BYTES) return Uint8Array.from(Buffer.concat(pieces));
    }
  });
}

export interface OpenFile {
  /** Bytes of the file when it was opened; NaN for a pipe, whose end is not known. */
  readonly size: number;
  /**
   * `length` bytes from `start` in memory of their own; fewer where the file ends. A pipe gives its bytes one after
   * another, wherever `start` is.
   */
  readonly read: (start: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a file to read parts of it.
 *
 * @throws VoxtwirlError "io" when the file system refuses, "bad-file" for more bytes than memory can hold; what `use`
 *   itself throws passes through.
 */
export async function withFile<T>(path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const handle = file;
    const found = await file.stat();
    const seekable = found.isFile();
    const read = async (start: number, length: number) => {
      const bytes = allocate(length, path);
      let offset = 0;
      while (offset < length) {
        const place = seekable ? start + offset : null;
        const { bytesRead } = await handle.read(bytes, offset, Math.min(WRITE_BYTES, length - offset), place);
        if (bytesRead === 0) break;
        offset += bytesRead;
      }
      return bytes.subarray(0, offset);
    };
    return await use({ size: seekable ? found.size : NaN, read });
  } catch (error) {
    throw ioError(error, "read", path);
  } finally {
    await file?.close().catch(() => {});
  }
}

function allocate(size: number, path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    const message = `${path} has ${size} bytes, more than can be read at once here`;
    throw new VoxtwirlError(
      "bad-file",
      message,
      "Check that it is the right file, or use a machine with more memory.",
      { cause },
    );
  }
}

/** A whole file as text. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw ioError(error, "read", path);
  }
}

/**
 * Reads a JSON file.
 *
 * @throws VoxtwirlError "io" when it cannot be read, "bad-file" when it is not JSON.
 */
export async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${path} is not valid JSON: ${(cause as Error).message}`;
    throw new VoxtwirlError("bad-file", message, "Restore the file, or correct it by hand.", { cause });
  }
}

/** The SHA-256 of a file as 64 hexadecimal digits, read in pieces. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw ioError(error, "read", path);
  }
  return hash.digest("hex");
}

const ADVICE: Record<string, string> = {
  ENOSPC: "The disk is full: free some space, or write to another disk.",
  EDQUOT: "Your disk quota is used up: free some space, or write to another disk.",
  EFBIG: "The file system or a limit of this session (ulimit -f) allows no larger file: raise it, or write elsewhere.",
  EACCES: "Check the permissions of the file and its folder, or choose another place.",
  EPERM: "Check the permissions of the file and its folder, or choose another place.",
  EROFS: "The file system is read-only: choose another place.",
  ENOENT: "Check the path: there is no such file or folder.",
  ENOTDIR: "Check the path: a part of it is a file, not a folder.",
  EISDIR: "Check the path: it is a folder, not a file.",
  EEXIST: "Choose another path, or remove what is there.",
  EMFILE: "Too many files are open: raise the limit (ulimit -n).",
};

/** A file system error as a VoxtwirlError "io" with advice; anything else unchanged. */
export function ioError(error: unknown, verb: string, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error && "syscall" in error)) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const fix = ADVICE[code!] ?? "Check the path and the disk, then try again.";
  return new VoxtwirlError("io", `cannot ${verb} ${path}: ${message}`, fix, { cause: error });
}
