import { mkdirSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Where files may lie that can be made anew: the user's cache, else a folder of the user's among temporary files. */
export function cacheFolders(): string[] {
  const temporary = join(tmpdir(), `voxtwirl-${process.getuid?.() ?? "user"}`);
  const user = process.env.XDG_CACHE_HOME || homeCache();
  return user === undefined ? [temporary] : [join(user, "voxtwirl"), temporary];
}

/** A user that the system does not know, as in some containers, has no home. */
function homeCache(): string | undefined {
  try {
    return join(homedir(), ".cache");
  } catch {
    return undefined;
  }
}

/** Makes the folder. One that somebody else made (in /tmp, say) is refused: libraries are loaded from here. */
export function privateFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkPrivate(folder);
  return folder;
}

/** @throws Error where the folder is not there, or somebody else can write to it */
export function checkPrivate(folder: string): void {
  const { uid, mode } = statSync(folder);
  const user = process.getuid?.();
  if (user !== undefined && (uid !== user || (mode & 0o022) !== 0)) {
    throw new Error(`${folder} can be written by others`);
  }
}
