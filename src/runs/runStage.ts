import { requireString } from "../check.ts";
import { fstatSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { isTemporaryOf } from "../node/files.ts";
import { list } from "../node/folders.ts";

/** Names of the files that a run folder owns. */
export const RUN_FILES = {
  config: "config.json",
  metrics: "metrics.jsonl",
  model: "model.safetensors",
  state: "state.safetensors",
  report: "report.html",
} as const;

/** Says who writes the folder; there while somebody does. */
export const LOCK = "voxtwirl.lock";

/** What a folder holds of a run: nothing, what it is to be but no checkpoint, or a checkpoint to go on from. */
export type RunStage = "none" | "begun" | "saved";

/**
 * Says what a folder holds of a run, which is nothing where there is no folder.
 *
 * @throws VoxtwirlError "bad-file" when the path is no folder, or one that holds other files and no run.
 */
export async function lookAtRun(path: string): Promise<RunStage> {
  requireString("path", path, "Give the path of a run's folder.");
  const fix = "Give the folder of an earlier run, such as runs/tiny-1, or one that does not exist yet.";
  // Asked once: another process may make the folder at any moment.
  const found = await stat(path).catch(() => undefined);
  if (!found) return "none";
  if (!found.isDirectory()) throw new VoxtwirlError("bad-file", `${path} is not a folder`, fix);
  const names = await list(path);
  if (names.includes(RUN_FILES.config)) return names.includes(RUN_FILES.state) ? "saved" : "begun";
  const others: string[] = [];
  for (const name of names) {
    if (!isLockName(name) && !isTemporary(name) && !(await isOwnOutput(join(path, name)))) others.push(name);
  }
  if (others.length === 0) return "none";
  const some = `${others.slice(0, 3).join(", ")}${others.length > 3 ? ", ..." : ""}`;
  throw new VoxtwirlError("bad-file", `${path} holds no run (no ${RUN_FILES.config}) but other files: ${some}`, fix);
}

/** What an unfinished write of a run's file has left, or a process that asked the file system for the time. */
export function isTemporary(found: string): boolean {
  return [...Object.values(RUN_FILES), LOCK].some((name) => isTemporaryOf(name, found));
}

/** The lock, or what a process that was taking it over has left. */
export function isLockName(name: string): boolean {
  return name === LOCK || name.startsWith(`${LOCK}.`);
}

/** Whether a file is where this process's own output goes: batch systems may put a job's log into the run's folder. */
async function isOwnOutput(path: string): Promise<boolean> {
  const { dev, ino } = await stat(path).catch(() => ({ dev: -1, ino: -1 }));
  return [1, 2].some((descriptor) => {
    try {
      const own = fstatSync(descriptor);
      return own.dev === dev && own.ino === ino;
    } catch {
      return false;
    }
  });
}
