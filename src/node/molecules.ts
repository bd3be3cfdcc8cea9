import { requireString } from "../check.ts";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { builtinMolecules, builtinSha256 } from "../molecules/builtin.ts";
import { builtinForceFrames, builtinForcesSha256 } from "../molecules/builtinForces.ts";
import { isBuiltin, type BuiltinName } from "../molecules/builtinNames.ts";
import { NothingUsable, type ParsedMolecules, type ParseOptions } from "../formats/records.ts";
import { parseNpz } from "../formats/npz.ts";
import { parseSdf } from "../formats/sdf.ts";
import { parseXyz } from "../formats/xyz.ts";
import { FolderReading } from "./folderReading.ts";
import type { MoleculeFile } from "./moleculeFile.ts";
import { foreignText } from "./foreignKinds.ts";
import { asBadFile, inflate, isNpz, kindOf, readBounded, sha256, textOf, unpacked } from "./moleculeBytes.ts";

/**
 * Largest text, or arrays, that are read, unpacked, in bytes: some 400,000 molecules like QM9's, and well below Node's
 * longest string.
 */
const defaultLimit = 384 * 2 ** 20;

/** How a file of molecules is read. */
export interface ReadMoleculesOptions extends ParseOptions {
  /** Most bytes of text, and of arrays. */
  limit?: number;
}

type Parser = (text: string, file: string, options: ParseOptions) => ParsedMolecules;

const parsers: Record<string, Parser> = {
  ".xyz": parseXyz,
  ".extxyz": parseXyz,
  ".sdf": parseSdf,
  ".sd": parseSdf,
  ".mol": parseSdf,
  ".mdl": parseSdf,
};
const extensions = ".xyz, .extxyz, .sdf, .sd, .mol, .mdl or .npz, also with .gz";

/**
 * Reads the molecules of a file: XYZ, extended XYZ, SDF or MOL, by its extension and where that tells nothing (a pipe,
 * /dev/stdin, .txt) by its content; packed by gzip or not, whatever its name; and of NumPy archives (.npz), such as
 * rMD17's. Of a folder, all files with such an extension in the order of their names. The path "builtin" stands for the
 * built-in set, "builtin-forces" for the one of frames with energies and forces.
 *
 * Energies and forces of extended XYZ and .npz files are read too, see `parseXyz` and `parseNpz`, in `labelUnits`.
 *
 * Records that cannot be used are left out, as are files of a folder; with `strict` they are errors.
 *
 * Throws "bad-file" where the file is missing, unreadable, larger than `limit` bytes once unpacked, or not what its
 * extension says.
 */
export async function readMoleculeFile(path: string, options: ReadMoleculesOptions = {}): Promise<MoleculeFile> {
  requireString("path", path, 'Give the path of an XYZ, SDF or .npz file, or "builtin".');
  if (isBuiltin(path)) return readBuiltin(path);
  const limit = options.limit ?? defaultLimit;
  const info = await asBadFile(path, () => stat(path));
  if (info.isDirectory()) return readFolder(path, options, limit);
  const bytes = await asBadFile(path, () => readBounded(path, limit));
  const parsed = await parseBytes(bytes, path, options, limit);
  const { records, leftOut, remarks, labels } = parsed;
  const notes = { records, leftOut, remarks, ...(labels === undefined ? {} : { labels }) };
  return { molecules: parsed, sha256: sha256(bytes), ...notes };
}

function readBuiltin(name: BuiltinName): MoleculeFile {
  if (name === "builtin-backbones") {
    const fix = 'Give a molecule file, "builtin" or "builtin-forces".';
    throw new VoxtwirlError("bad-file", `${name} holds protein chains, no molecules`, fix);
  }
  const [molecules, sha256] =
    name === "builtin" ? [builtinMolecules(), builtinSha256] : [builtinForceFrames(), builtinForcesSha256];
  return { molecules, sha256, records: molecules.length, leftOut: [], remarks: [] };
}

/** Whether a path can be read again later: a pipe gives its bytes once. */
export async function isLasting(path: string): Promise<boolean> {
  if (isBuiltin(path)) return true;
  if (/^\/dev\/(stdin$|fd\/)|^\/proc\//.test(path)) return false;
  const info = await stat(path).catch(() => undefined);
  return info === undefined || info.isFile() || info.isDirectory();
}

async function parseBytes(bytes: Buffer, path: string, options: ParseOptions, limit: number): Promise<ParsedMolecules> {
  const plain = await unpacked(bytes, path, limit);
  if (isNpz(plain, path)) return parseNpz(plain, basename(path), { ...options, limit, inflate });
  const { text, zeros } = textOf(plain, path);
  const { parse, sure } = parserFor(text, path);
  try {
    if (parse !== undefined) {
      const parsed = parse(text, basename(path), options);
      if (zeros > 0) {
        parsed.remarks.push(`${zeros} zero bytes at the end of ${path} are passed over: was it copied whole?`);
      }
      return parsed;
    }
  } catch (error) {
    const kind = sure || error instanceof NothingUsable ? undefined : foreignText(text);
    if (kind === undefined) throw error;
    throw new VoxtwirlError("bad-file", `${path} is ${kind.name}`, kind.fix, { cause: error });
  }
  const kind = foreignText(text);
  const message = kind ? `${path} is ${kind.name}` : `${path}: cannot tell what kind of file this is`;
  throw new VoxtwirlError("bad-file", message, kind?.fix ?? `Name it ${extensions}.`);
}

/** By what the text surely is, by the extension, by what the text may be. */
function parserFor(text: string, path: string): { parse: Parser | undefined; sure: boolean } {
  const lines = text.slice(0, 20_000).split(/\r*\n|\r/, 12);
  if (lines.some((line) => /^[ \d]{6}.*\sV[23]000\s*$/i.test(line))) return { parse: parseSdf, sure: true };
  const start = lines.findIndex((line) => line.trim() !== "");
  const counted = /^\s*\d+\s*$/.test(lines[start] ?? "");
  if (counted && /^\s*[A-Za-z]\S*(\s+-?\d*\.\d+){3}(\s|$)/.test(lines[start + 2] ?? "")) {
    return { parse: parseXyz, sure: true };
  }
  const kind = kindOf(path);
  if (Object.hasOwn(parsers, kind)) return { parse: parsers[kind], sure: false };
  return { parse: counted ? parseXyz : undefined, sure: false };
}

/** Files of a folder, one after another; hidden ones, other kinds and folders in it are passed over. */
async function readFolder(folder: string, options: ParseOptions, limit: number): Promise<MoleculeFile> {
  const entries = await asBadFile(folder, () => readdir(folder, { withFileTypes: true }));
  const isKind = (kind: string) => kind === ".npz" || Object.hasOwn(parsers, kind);
  const isMolecules = (name: string) => !name.startsWith(".") && isKind(kindOf(name));
  const names = entries.filter((entry) => isMolecules(entry.name) && !entry.isDirectory()).map(({ name }) => name);
  if (names.length === 0) {
    const fix = `Files are read whose names end in ${extensions}; not those of folders in it.`;
    throw new VoxtwirlError("bad-file", `${folder} is a folder without molecule files`, fix);
  }
  const all = new FolderReading(folder);
  let left = limit;
  for (const name of names.sort()) {
    const path = join(folder, name);
    const bytes = await asBadFile(path, () => readBounded(path, left));
    left -= bytes.length;
    await all.add(name, sha256(bytes), () => parseBytes(bytes, path, options, limit), options);
  }
  const planes = names.every((name) => parsers[kindOf(name)] === parseXyz) ? "remark" : "fine";
  return all.finish(planes, entries.length - names.length);
}
