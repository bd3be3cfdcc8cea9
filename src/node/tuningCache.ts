/** The tuning of an adapter in the user's cache: written by `voxtwirl tune`, read by `openGpu`. */
import { rm } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { adapterId, type Tuning } from "../gpu/tuning.ts";
import { textHash } from "../kernels/kernelHash.ts";
import { parseTuning } from "../tuning/tuning.ts";
import { isSoftware } from "./adapters.ts";
import { cacheFolders, privateFolder } from "./cacheFolder.ts";
import { ioError, readJson, writeFileAtomic } from "./files.ts";

/** Set, it makes `openGpu` use the table's variants only. */
export const NO_TUNING = "VOXTWIRL_NO_TUNING";

/** Adapter and driver; of software adapters the processor too, which is what computes. */
export function hostAdapterId(info: GPUAdapterInfo): string {
  if (!isSoftware(info)) return adapterId(info);
  return `${adapterId(info)}, ${cpus()[0]?.model.trim() ?? "processor"}, ${availableParallelism()} threads`;
}

/** Files that may hold the tuning of an adapter, the first that is there counts. */
export function tuningPaths(adapter: string): string[] {
  return cacheFolders().map((folder) => join(folder, "tuning", `${textHash(adapter)}.json`));
}

/** What the cache holds for an adapter. */
export interface CachedTuning {
  readonly tuning?: Tuning;
  /** How many more choices the file has, for kernels that have changed since. */
  readonly outdated?: number;
  /** The file, where there is one. */
  readonly path?: string;
  /** In a line, why that is of no use. */
  readonly problem?: string;
}

export async function readTuning(adapter: string): Promise<CachedTuning> {
  for (const path of tuningPaths(adapter)) {
    try {
      const value = await readJson(path);
      const tuning = parseTuning(value, adapter, path);
      const outdated = Object.keys((value as Tuning).choices).length - Object.keys(tuning.choices).length;
      return { tuning, path, ...(outdated > 0 && { outdated }) };
    } catch (error) {
      if (!(error instanceof VoxtwirlError)) throw error;
      if (isMissing(error.cause)) continue;
      const why = error.message.replace(/\s+/g, " ");
      return { path, problem: `${why}; it is not used: voxtwirl tune makes a new one, --reset removes it` };
    }
  }
  return {};
}

/**
 * Replaces the adapter's file as a whole.
 *
 * @returns its path
 * @throws VoxtwirlError "io" where no cache can be written
 */
export async function writeTuning(tuning: Tuning): Promise<string> {
  let failure: unknown;
  for (const folder of cacheFolders()) {
    try {
      privateFolder(folder);
      const path = join(privateFolder(join(folder, "tuning")), `${textHash(tuning.adapter)}.json`);
      await writeFileAtomic(path, `${JSON.stringify(tuning, undefined, 2)}\n`);
      return path;
    } catch (error) {
      failure = error;
    }
  }
  const fix = "Set XDG_CACHE_HOME to a folder you may write to.";
  throw new VoxtwirlError("io", `the tuning cannot be written: ${String(failure)}`, fix, { cause: failure });
}

/** @returns the files that were removed */
export async function removeTuning(adapter: string): Promise<string[]> {
  const removed: string[] = [];
  for (const path of tuningPaths(adapter)) {
    try {
      await rm(path);
      removed.push(path);
    } catch (error) {
      if (!isMissing(error)) throw ioError(error, "remove", path);
    }
  }
  return removed;
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}
