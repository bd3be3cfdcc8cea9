import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";

const OWNER = "owner.json";

/** After that a folder of another machine, or of nobody, is what a dead process has left. */
const FORGOTTEN_MS = 3_600_000;

/**
 * Makes a folder to work in, which only one process has at a time. What a process that died has left is removed.
 *
 * @throws VoxtwirlError "exists" where another process works in it
 */
export function claimFolder(folder: string): void {
  for (;;) {
    try {
      mkdirSync(folder, { mode: 0o700 });
      const owner = { pid: process.pid, started: startOf(process.pid), host: hostname() };
      writeFileSync(join(folder, OWNER), JSON.stringify(owner));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = livingOwner(folder);
    if (owner !== undefined) {
      const fix = `Wait until it is done. If no such process is left, remove ${folder}`;
      throw new VoxtwirlError("exists", `Another process (${owner}) is installing or removing the driver.`, fix);
    }
    removeForgotten(folder);
  }
}

/** By another name first, so that of several processes one removes it. */
function removeForgotten(folder: string): void {
  const aside = `${folder}.${randomBytes(4).toString("hex")}`;
  try {
    renameSync(folder, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}

/** The process that works in the folder; undefined where there is none any more. */
function livingOwner(folder: string): string | undefined {
  try {
    const age = Date.now() - statSync(folder).mtimeMs;
    const owner = readOwner(folder);
    if (!owner) return age < 10_000 ? "that has just begun" : undefined;
    if (owner.host !== hostname()) return age < FORGOTTEN_MS ? `${owner.pid} on ${owner.host}` : undefined;
    return startOf(owner.pid) === owner.started ? String(owner.pid) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readOwner(folder: string): { pid: number; started: string | undefined; host: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, OWNER), "utf8"));
  } catch {
    // Not yet written, or only in part.
    return undefined;
  }
}

/** When a process of this machine began, in Linux's ticks since its start: with the id it names one process. */
function startOf(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    return status.slice(status.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
