import type { StatsFs } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { formatBytes } from "../gpu/gpu.ts";
import { ioError } from "./files.ts";

/**
 * @param path what is to be written: a file or folder, there already or not
 * @throws VoxtwirlError "io" where its disk has fewer bytes left, with both numbers
 */
export async function requireSpace(path: string, bytes: number): Promise<void> {
  const { blocks, bavail, bsize } = await diskOf(resolve(path));
  // Some file systems that are no disks count nothing.
  if (blocks === 0 || bavail * bsize >= bytes) return;
  const message = `${path} will take ${formatBytes(bytes)}, and its disk has ${formatBytes(bavail * bsize)} left`;
  throw new VoxtwirlError("io", message, "Free some space, write to another disk, or ask for less.");
}

/** Of the nearest folder that is there. */
async function diskOf(path: string): Promise<StatsFs> {
  try {
    return await statfs(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && dirname(path) !== path) return diskOf(dirname(path));
    throw ioError(error, "look at", path);
  }
}
