import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { requireString } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { chainRemarks, type ChainNotes, type ParseChainsOptions, type ParsedChains } from "../formats/chainNotes.ts";
import { parseMmcif } from "../formats/mmcif.ts";
import { parsePdb } from "../formats/pdb.ts";
import { leaveOut, NothingUsable, type LeftOut } from "../formats/records.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";
import { builtinBackbones, builtinBackbonesSha256 } from "../proteins/builtinBackbones.ts";
import type { Chain } from "../proteins/chain.ts";
import { binaryKind } from "./fileKind.ts";
import { foreignText } from "./foreignKinds.ts";
import { asBadFile, kindOf, readBounded, sha256, textOf, unpacked } from "./moleculeBytes.ts";

/** Largest text that is read, unpacked, in bytes: well below Node's longest string. */
const defaultLimit = 384 * 2 ** 20;

/** How a file of proteins is read. */
export interface ReadChainsOptions extends ParseChainsOptions {
  /** Most bytes of text. */
  limit?: number;
}

/** What a file, a pipe or a folder of files of proteins held. */
export interface ChainFile extends ChainNotes {
  chains: Chain[];
  /**
   * SHA-256, in hexadecimal, of the file as it lies on disk (of the built-in set's bytes for "builtin-backbones"). Of a
   * folder, of the lines that sha256sum prints for its files in their order.
   */
  sha256: string;
}

type Parser = (text: string, file: string, options: ParseChainsOptions) => ParsedChains;

const parsers: Record<string, Parser> = {
  ".pdb": parsePdb,
  ".ent": parsePdb,
  ".cif": parseMmcif,
  ".mmcif": parseMmcif,
};
const extensions = ".pdb, .ent, .cif or .mmcif, also with .gz";

/**
 * Reads the C-alpha chains of a PDB or mmCIF file, by its content and where that tells nothing by its extension; packed
 * by gzip or not, whatever its name. Of a folder, all files with such an extension in the order of their names. The
 * path "builtin-backbones" stands for the built-in set. Positions are in Angstrom; what counts as a chain: `parsePdb`
 * and `parseMmcif`. An entry without a name of its own has its file's, without extensions.
 *
 * Chains that cannot be used are left out, as are files of a folder; with `strict` they are errors.
 *
 * Throws "bad-file" where the file is missing, unreadable, larger than `limit` bytes once unpacked, or holds no
 * protein.
 */
export async function readChainFile(path: string, options: ReadChainsOptions = {}): Promise<ChainFile> {
  requireString("path", path, 'Give the path of a PDB or mmCIF file, or "builtin-backbones".');
  if (isBuiltin(path)) return readBuiltin(path);
  const limit = options.limit ?? defaultLimit;
  const info = await asBadFile(path, () => stat(path));
  if (info.isDirectory()) return readFolder(path, options, limit);
  const bytes = await asBadFile(path, () => readBounded(path, limit));
  const parsed = await parseBytes(bytes, path, options, limit);
  const { records, leftOut, passedOver, remarks } = parsed;
  return { chains: parsed, sha256: sha256(bytes), records, leftOut, passedOver, remarks };
}

function readBuiltin(name: string): ChainFile {
  if (name !== "builtin-backbones") {
    const fix = 'Give a PDB or mmCIF file, or "builtin-backbones".';
    throw new VoxtwirlError("bad-file", `${name} holds molecules, no protein chains`, fix);
  }
  const chains = builtinBackbones();
  const none = { leftOut: [], passedOver: [], remarks: [] };
  return { chains, sha256: builtinBackbonesSha256, records: chains.length, ...none };
}

async function parseBytes(
  bytes: Buffer,
  path: string,
  options: ParseChainsOptions,
  limit: number,
): Promise<ParsedChains> {
  const plain = await unpacked(bytes, path, limit);
  const binary = binaryKind(plain);
  if (binary !== undefined) throw foreign(path, binary.name, binary.fix);
  const { text, zeros } = textOf(plain, path);
  const parse = parserOf(text) ?? (foreignText(text) ? undefined : parsers[kindOf(path)]);
  if (parse === undefined) throw foreign(path, foreignText(text)?.name);
  const parsed = parse(text, basename(path), options);
  const entry = basename(path)
    .replace(/\.gz$/i, "")
    .replace(/\.\w+$/, "");
  for (const chain of parsed) if (entry !== "") chain.entry ??= entry;
  if (zeros > 0) {
    parsed.remarks.push(`${zeros} zero bytes at the end of ${path} are passed over: was it copied whole?`);
  }
  return parsed;
}

/** By what the text surely is. */
function parserOf(text: string): Parser | undefined {
  const start = text.slice(0, 200_000);
  if (/^\uFEFF?(\s*#[^\n\r]*[\n\r])*\s*data_/i.test(start)) return parseMmcif;
  return /^\uFEFF?(atom {2}|hetatm|header {4}|model {5}|remark|cryst1|title {5})/im.test(start) ? parsePdb : undefined;
}

function foreign(path: string, name: string | undefined, fix = "Give proteins as PDB (.pdb) or mmCIF (.cif)."): Error {
  const message = name === undefined ? `${path}: cannot tell what kind of file this is` : `${path} is ${name}`;
  return new VoxtwirlError("bad-file", message, fix);
}

/** Files of a folder, one after another; hidden ones, other kinds and folders in it are passed over. */
async function readFolder(folder: string, options: ParseChainsOptions, limit: number): Promise<ChainFile> {
  const entries = await asBadFile(folder, () => readdir(folder, { withFileTypes: true }));
  const isProtein = (name: string) => !name.startsWith(".") && Object.hasOwn(parsers, kindOf(name));
  const names = entries.filter((entry) => isProtein(entry.name) && !entry.isDirectory()).map(({ name }) => name);
  if (names.length === 0) {
    const fix = `Files are read whose names end in ${extensions}; not those of folders in it.`;
    throw new VoxtwirlError("bad-file", `${folder} is a folder without protein files`, fix);
  }
  const all = new FolderChains();
  const hashes: string[] = [];
  let left = limit;
  for (const name of names.sort()) {
    const path = join(folder, name);
    const bytes = await asBadFile(path, () => readBounded(path, left));
    left -= bytes.length;
    hashes.push(`${sha256(bytes)}  ${name}\n`);
    await all.add(name, () => parseBytes(bytes, path, options, limit), options.strict ?? false);
  }
  const others = entries.length - names.length;
  const remarks = others > 0 ? [`${others} other files and folders in ${folder} are not read`] : [];
  return { sha256: sha256(hashes.join("")), ...all.finish(folder, remarks) };
}

/** Collects what the files of a folder hold. */
class FolderChains {
  readonly #chains: Chain[] = [];
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #passedOver = new Map<string, LeftOut>();
  #records = 0;
  #first: VoxtwirlError | undefined;

  async add(file: string, read: () => Promise<ParsedChains>, strict: boolean): Promise<void> {
    try {
      const parsed = await read();
      for (const chain of parsed) this.#chains.push(chain);
      this.#take(file, this.#leftOut, parsed.leftOut);
      this.#take(file, this.#passedOver, parsed.passedOver);
      this.#records += parsed.records;
    } catch (error) {
      if (strict || !(error instanceof VoxtwirlError)) throw error;
      this.#first ??= error;
      this.#records += error instanceof NothingUsable ? error.records : 1;
      if (error instanceof NothingUsable && error.records > 0) this.#take(file, this.#leftOut, error.leftOut);
      else leaveOut(this.#leftOut, "files that cannot be read", [{ file, message: error.message }]);
    }
  }

  #take(file: string, all: Map<string, LeftOut>, found: readonly LeftOut[]): void {
    for (const { reason, count, first } of found) {
      leaveOut(
        all,
        reason,
        first.map((record) => ({ file, ...record })),
        count,
      );
    }
  }

  finish(folder: string, remarks: readonly string[]): Omit<ChainFile, "sha256"> {
    const chains = this.#chains;
    if (chains.length === 0) {
      const { message, fix } = this.#first!;
      const none = `no file in ${folder} holds a chain that can be used; the first: ${message}`;
      throw new VoxtwirlError("bad-file", none, fix, { cause: this.#first });
    }
    return {
      chains,
      records: this.#records,
      leftOut: [...this.#leftOut.values()],
      passedOver: [...this.#passedOver.values()],
      remarks: [...remarks, ...chainRemarks(chains)],
    };
  }
}
