/** The folder of a laboratory: runs that experiments share, and a folder for each experiment. */
import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";
import { isTemporaryOf, readJson, writeFileAtomic } from "../node/files.ts";
import { isFolder, list, makeFolders } from "../node/folders.ts";
import { SHARDS } from "../shards/shardFile.ts";
import type { Timings } from "./costs.ts";
import type { Figures } from "./experiment.ts";
import { experimentFolders, folderOf } from "./list.ts";

/** Version of the layout of the files; raised when older ones can no longer be read. */
export const LABORATORY_FORMAT = 1;

/** What an experiment's folder is begun with. */
export interface Settings {
  readonly format: typeof LABORATORY_FORMAT;
  readonly experiment: string;
  readonly preset: string;
  /** Where the molecules come from: a path, or "builtin"; and the SHA-256 of what was there. */
  readonly source: string;
  readonly sha256: string;
  /** The SHA-256 of the built-in sets of arms with presets of other tasks, by preset. */
  readonly others?: Readonly<Record<string, string>>;
  readonly seeds: number;
  readonly steps: number;
  /** Left out where all arms are run. */
  readonly arms?: readonly string[];
}

const FILES = {
  settings: "experiment.json",
  timings: "timings.json",
  results: "results.json",
  report: "report.html",
} as const;
const READINGS = "readings";
const RUNS = "runs";

/** How an experiment's folder is found. */
export type Stage = "none" | "unfinished" | "finished";

/**
 * The folder of one experiment within the laboratory's.
 *
 * Files are written whole or not at all: experiment.json first, then what was measured of each model, report.html, and
 * results.json last, so that it is there once all is done.
 */
export class ExperimentFolder {
  readonly path: string;
  readonly stage: Stage;
  /** What an earlier call began. */
  readonly settings: Settings | undefined;

  private constructor(path: string, stage: Stage, settings: Settings | undefined) {
    this.path = path;
    this.stage = stage;
    this.settings = settings;
  }

  /**
   * Looks at what is there; nothing is changed.
   *
   * @param task that the experiment is with
   * @throws VoxtwirlError "bad-file" where the laboratory's folder, or the experiment's, is something else
   */
  static async find(out: string, name: string, task: string): Promise<ExperimentFolder> {
    await checkLaboratory(out);
    const path = join(out, folderOf(name, task));
    const found = await kind(path);
    if (found === "none") return new ExperimentFolder(path, "none", undefined);
    // Another shard may be about to begin it.
    const inside = found === "folder" ? (await list(path)).filter((file) => !isTemporaryOf(FILES.settings, file)) : [];
    if (found === "folder" && inside.length === 0) return new ExperimentFolder(path, "none", undefined);
    if (!inside.includes(FILES.settings)) throw notOurs(path, `no ${FILES.settings}`);
    const settings = readSettings(await readJson(join(path, FILES.settings)), join(path, FILES.settings));
    if (settings.experiment !== name) {
      const message = `${path} holds the experiment ${settings.experiment}, not ${name}`;
      throw new VoxtwirlError("bad-file", message, "Choose another --out, or move that folder away.");
    }
    return new ExperimentFolder(path, inside.includes(FILES.results) ? "finished" : "unfinished", settings);
  }

  /**
   * Begins with these settings, or goes on with them. What was measured of the same runs stays; results of fewer steps
   * or seeds go first, since they would say that all is done.
   */
  async begin(settings: Settings): Promise<void> {
    await rm(this.file("results"), { force: true });
    await makeFolders(this.path);
    await writeFileAtomic(join(this.path, FILES.settings), `${JSON.stringify(settings, undefined, 2)}\n`);
    await makeFolders(join(this.path, READINGS));
  }

  /** What was measured of a run's model before; undefined where nothing was. */
  async readReading(run: string, step: number): Promise<Figures | undefined> {
    const path = this.#reading(run, step);
    if ((await kind(path)) !== "file") return undefined;
    return (await readJson(path)) as Figures;
  }

  async writeReading(run: string, step: number, figures: Figures): Promise<void> {
    await writeFileAtomic(this.#reading(run, step), `${JSON.stringify(figures)}\n`);
  }

  #reading(run: string, step: number): string {
    return join(this.path, READINGS, `${run}-${step}.json`);
  }

  /** Seconds of the arms that were timed on this adapter before; of another one they are of no use. */
  async readTimings(adapter: string): Promise<Timings> {
    const path = this.file("timings");
    const before = (await kind(path)) === "file" ? ((await readJson(path)) as Timings) : undefined;
    return before?.adapter === adapter ? before : { adapter, seconds: {} };
  }

  async writeTimings(timings: Timings): Promise<void> {
    await writeFileAtomic(this.file("timings"), `${JSON.stringify(timings, undefined, 2)}\n`);
  }

  /** The page, and then the results, which say that all is done. */
  async finish(results: object, report: string): Promise<void> {
    await writeFileAtomic(this.file("report"), report);
    await writeFileAtomic(this.file("results"), `${JSON.stringify(results, undefined, 1)}\n`);
  }

  /** results.json as it is. */
  async readResults(): Promise<unknown> {
    return readJson(this.file("results"));
  }

  file(name: keyof typeof FILES): string {
    return join(this.path, FILES[name]);
  }
}

/** So that an experiment goes on from any folder. */
export function absoluteSource(source: string): string {
  return isBuiltin(source) ? source : resolve(source);
}

/** A folder that is none yet, is empty, or holds runs or experiments: whatever else lies there too. */
async function checkLaboratory(out: string): Promise<void> {
  const found = await kind(out);
  if (found === "none") return;
  if (found === "file") throw new VoxtwirlError("bad-file", `${out} is not a folder`, "Choose another --out.");
  const inside = await list(out);
  if (inside.length === 0 || [RUNS, SHARDS, ...experimentFolders].some((name) => inside.includes(name))) return;
  throw notOurs(out, "no runs and no experiments");
}

function notOurs(path: string, lack: string): VoxtwirlError {
  const message = `${path} is the folder of something else (${lack})`;
  return new VoxtwirlError("bad-file", message, "Choose another --out, or move that away.");
}

async function kind(path: string): Promise<"none" | "file" | "folder"> {
  if (await isFolder(path)) return "folder";
  return stat(path).then(
    () => "file",
    () => "none",
  );
}

function readSettings(value: unknown, file: string): Settings {
  const { format, experiment, preset, source, sha256, seeds, steps, arms } = (value ?? {}) as Partial<Settings>;
  const isArms = arms === undefined || (Array.isArray(arms) && arms.every((one) => typeof one === "string"));
  const texts = [experiment, preset, source, sha256].every((one) => typeof one === "string");
  if (format === LABORATORY_FORMAT && texts && isArms && typeof seeds === "number" && typeof steps === "number") {
    return value as Settings;
  }
  const message = `${file} does not say how an experiment began`;
  throw new VoxtwirlError("bad-file", message, "Choose another --out, or use the version of voxtwirl that made it.");
}

/**
 * Checks that an experiment can go on with these settings: its own, but for more seeds, steps or arms.
 *
 * @throws VoxtwirlError "bad-option" naming what differs, "bad-file" for other molecules
 */
export function checkSettings(path: string, before: Settings, now: Settings): void {
  const fix = "Leave that out to go on as it began, or choose another --out.";
  if (before.preset !== now.preset) {
    const message = `cannot resume ${path}: --preset ${now.preset}, but it began with ${before.preset}`;
    throw new VoxtwirlError("bad-option", message, fix);
  }
  for (const name of ["seeds", "steps"] as const) {
    if (now[name] >= before[name]) continue;
    const message = `cannot resume ${path}: --${name} ${now[name]}, but it began with ${before[name]}`;
    throw new VoxtwirlError("bad-option", message, fix);
  }
  const lost =
    now.arms && (before.arms?.find((name) => !now.arms!.includes(name)) ?? (before.arms ? undefined : "all"));
  if (lost !== undefined) {
    const message = `cannot resume ${path}: it began with ${lost === "all" ? "all arms" : `the arm ${lost} too`}`;
    throw new VoxtwirlError("bad-option", message, fix);
  }
  if (sameData(before, now)) return;
  const message = `cannot resume ${path}: the molecules are not those that it began with (${before.source})`;
  throw new VoxtwirlError("bad-file", message, "Give the same with --data, or choose another --out.");
}

/** Whether nothing has changed. */
export function sameSettings(a: Settings, b: Settings): boolean {
  const same = (["preset", "seeds", "steps"] as const).every((name) => a[name] === b[name]);
  return same && sameData(a, b) && String(a.arms) === String(b.arms);
}

function sameData(a: Settings, b: Settings): boolean {
  return a.sha256 === b.sha256 && JSON.stringify(a.others) === JSON.stringify(b.others);
}
