/** Folders for the Node host. Functions throw VoxtwirlError "io" when the file system refuses. */
import { mkdirSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ioError } from "./files.ts";

/**
 * Makes one folder; false when something of that name is there. Nothing comes between the folder and what its maker
 * does next: a signal that ends the process finds it known to those who remove it.
 */
export function makeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw ioError(error, "make the folder", path);
  }
}

/** As `mkdir -p`; Node's own never returns where a file system takes no folders, such as /proc. */
export async function makeFolders(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolders(parent);
  makeFolder(path);
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw ioError(error, "look at", path);
  }
}

/** Names in a folder. */
export async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    throw ioError(error, "list", path);
  }
}
