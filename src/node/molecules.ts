import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { VoxtwirlError } from "../errors.ts";
import { builtinMolecules, builtinSha256 } from "../molecules/builtin.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { parseSdf } from "../molecules/sdf.ts";
import { parseXyz } from "../molecules/xyz.ts";

/**
 * Largest text that is read, unpacked, in bytes: some 400,000 molecules like QM9's, and well below Node's longest
 * string.
 */
const defaultLimit = 384 * 2 ** 20;

export interface MoleculeFile {
  molecules: Molecule[];
  /** SHA-256, in hexadecimal, of the file as it lies on disk (of the built-in set's bytes for "builtin"). */
  sha256: string;
}

const parsers: Record<string, (text: string, file: string) => Molecule[]> = {
  ".xyz": parseXyz,
  ".sdf": parseSdf,
  ".mol": parseSdf,
};

/**
 * Reads the molecules of a file by its extension: .xyz, .sdf or .mol, each also with .gz. The path "builtin" stands for
 * the built-in set.
 *
 * Throws "bad-file" where the file is missing, unreadable, larger than `limit` bytes once unpacked, or not what its
 * extension says.
 */
export async function readMoleculeFile(path: string, limit = defaultLimit): Promise<MoleculeFile> {
  if (path === "builtin") return { molecules: builtinMolecules(), sha256: builtinSha256 };
  const packed = extname(path).toLowerCase() === ".gz";
  const extension = extname(packed ? path.slice(0, -3) : path).toLowerCase();
  const parse = Object.hasOwn(parsers, extension) ? parsers[extension] : undefined;
  if (parse === undefined) {
    throw new VoxtwirlError(
      "bad-file",
      `${path}: cannot tell what kind of file this is`,
      "Name it .xyz, .sdf or .mol, with .gz if packed.",
    );
  }
  const bytes = await readBounded(path, limit);
  const text = packed ? await unpack(bytes, path, limit) : bytes;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { molecules: parse(text.toString("utf8"), basename(path)), sha256 };
}

async function readBounded(path: string, limit: number): Promise<Buffer> {
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw new VoxtwirlError("bad-file", `${path} is not a file`, "Give the path of a molecule file.");
    if (info.size > limit) throw tooLarge(path, limit);
    return await readFile(path);
  } catch (error) {
    if (error instanceof VoxtwirlError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing ? `${path} does not exist` : `${path} cannot be read: ${(error as Error).message}`;
    throw new VoxtwirlError("bad-file", message, "Check the path and its permissions.", { cause: error });
  }
}

async function unpack(bytes: Buffer, path: string, limit: number): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(path, limit);
    const message = `${path} is not a whole gzip file: ${(error as Error).message}`;
    throw new VoxtwirlError("bad-file", message, "Is it cut off, or not packed at all (then drop the .gz)?", {
      cause: error,
    });
  }
}

function tooLarge(path: string, limit: number): VoxtwirlError {
  const message = `${path} holds more than ${limit} bytes of text`;
  return new VoxtwirlError("bad-file", message, "Split the file, or take fewer molecules.");
}
