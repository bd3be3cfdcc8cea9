import { rmSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { VoxtwirlError } from "../errors.ts";
import { ioError, temporaryPath, writeFileAtomic } from "./files.ts";

/** @throws VoxtwirlError "exists" where something is there */
export async function requireNew(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw ioError(error, "write", path);
  }
  throw new VoxtwirlError("exists", `${path} exists already`, "Choose another name, or remove what is there.");
}

/**
 * Writes a file that takes the place of none, whole or not at all; packed by gzip where its name ends in .gz.
 *
 * @throws VoxtwirlError "exists" where something is there, "io" when the file system refuses; what `pieces` throws
 *   passes through
 */
export async function writeNewFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  await requireNew(path);
  const data = path.toLowerCase().endsWith(".gz") ? gzipped(pieces) : pieces;
  const temporary = temporaryPath(path);
  const remove = () => rmSync(temporary, { force: true });
  // For the end of the process before that of the file.
  process.on("exit", remove);
  try {
    await writeFileAtomic(path, data, () => requireNew(path), temporary);
  } finally {
    process.off("exit", remove);
  }
}

async function* gzipped(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pipeline(Readable.from(pieces), createGzip(), () => undefined) as AsyncIterable<Buffer>;
}
