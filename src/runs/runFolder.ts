/** The folder that a training run writes: its five files, and the models that it was asked to keep. */
import { requireFunction, requireObject, requireOneOf, requireString, requireWhole } from "../check.ts";
import { rmdirSync } from "node:fs";
import { appendFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { formatMetric, parseMetrics, type MetricRow } from "../training/metrics.ts";
import type { SafeFile, SafeStream, SafeTensor } from "../formats/safetensors.ts";
import { FileLock } from "../node/fileLock.ts";
import {
  ioError,
  readJson,
  readText,
  syncFile,
  syncFolder,
  temporaryPath,
  writeFileAtomic,
  type FileData,
} from "../node/files.ts";
import { isFolder, list, makeFolder, makeFolders } from "../node/folders.ts";
import { CHECKPOINTS, keptModels, keptName } from "./keptModels.ts";
import { readSafetensors, safetensorsPieces, withSafetensors, type SafeSource } from "./safetensorsFile.ts";
import { isLockName, isTemporary, LOCK, lookAtRun, RUN_FILES, type RunStage } from "./runStage.ts";

const LOCK_FIX = {
  inUse: "Wait until it is done, or end it there. If it is certain that it writes no more, add --take-over.",
  lost: "Nothing more is written here. Continue with --resume when no other process has the folder.",
};

/** How a folder is opened. */
export interface OpenRunFolderOptions {
  /** Takes the folder from a process that seems to write it. If that one still runs, it stops before its next write. */
  takeOver?: boolean;
  /** Shows a remark: that the folder of a dead process is taken over, that it takes time to tell whether it is dead. */
  onRemark?: (text: string) => void;
}

/** Where a new folder is made. */
export interface CreateRunFolderOptions extends OpenRunFolderOptions {
  /** The folder to make, with its parents. Without it: ROOT/PRESET-N, N one above the highest there. */
  out?: string | undefined;
  preset: string;
  /** Parent of the folders named by preset; "runs" by default. */
  root?: string;
  /** Takes an existing `out`, whose earlier run `begin` then removes. */
  force?: boolean;
}

/**
 * A run folder. Every file but metrics.jsonl is replaced as a whole, so that a crash at any time leaves a folder that
 * can be resumed.
 *
 * One process at a time has a folder for writing, from `create` or `open` to `close` or the end of the process; it
 * awaits each call. Methods throw VoxtwirlError "io" when the file system refuses and "bad-file" when a file holds
 * something else; those that write throw "in-use" where another process has taken the folder over.
 */
export class RunFolder {
  readonly path: string;
  readonly #lock: FileLock;
  #stage: RunStage;

  private constructor(path: string, stage: RunStage, lock: FileLock) {
    this.path = path;
    this.#stage = stage;
    this.#lock = lock;
  }

  /** What there is to go on from: after `create` nothing, then what has been written. */
  get stage(): RunStage {
    return this.#stage;
  }

  /**
   * Makes a new run folder; of two processes that ask for the same one, exactly one gets it. `close` removes it again
   * where no run has begun in it.
   *
   * @throws VoxtwirlError "exists" when `out` is there (with `force`: is not a folder), "in-use" when another process
   *   writes it, "bad-option" for a preset that cannot be part of a file name.
   */
  static async create(options: CreateRunFolderOptions): Promise<RunFolder> {
    requireObject("options", options, "Give { preset }.");
    const { out, preset, root = "runs", force = false } = options;
    if (out === undefined) return RunFolder.#claim(await makeNumbered(root, preset), true, options);
    const path = join(out, ".");
    await makeFolders(dirname(path));
    if (makeFolder(path)) return RunFolder.#claim(path, true, options);
    if (!(await isFolder(path))) {
      throw new VoxtwirlError("exists", `${path} exists and is not a folder`, "Choose another --out.");
    }
    if (force) return RunFolder.#claim(path, false, options);
    // What a process left that died before its run began is as good as a new folder.
    const checkLeft = async (): Promise<RunStage> => {
      const names = await list(path);
      if (names.length > 0 && names.every(isLockName)) return "none";
      const fix = "Choose another --out, continue that run with --resume, or replace it with --force.";
      throw new VoxtwirlError("exists", `${path} exists already`, fix);
    };
    await checkLeft();
    return RunFolder.#claim(path, true, options, checkLeft);
  }

  /**
   * Opens a folder to go on from what it holds, and makes it where there is none.
   *
   * @throws VoxtwirlError "in-use" when another process writes it; as `lookAtRun`
   */
  static async open(path: string, options: OpenRunFolderOptions = {}): Promise<RunFolder> {
    requireString("path", path, "Give the path of a run's folder.");
    const folder = join(path, ".");
    await lookAtRun(folder);
    await makeFolders(dirname(folder));
    return RunFolder.#claim(folder, makeFolder(folder), options, lookAtRun);
  }

  /**
   * Takes the lock, and only then looks what is there.
   *
   * @param made the folder is ours to remove again
   */
  static async #claim(
    path: string,
    made: boolean,
    { takeOver, onRemark }: OpenRunFolderOptions,
    look: (path: string) => Promise<RunStage> | RunStage = () => "none",
  ): Promise<RunFolder> {
    const onRelease = () => {
      if (made) removeEmptyFolder(path);
    };
    const options = { what: path, fix: LOCK_FIX, takeOver, onRemark, onRelease };
    const lock = await FileLock.take(join(path, LOCK), options);
    try {
      return new RunFolder(path, await look(path), lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Lets other processes write the folder; removes it where this one made it and no run has begun. */
  close(): void {
    this.#lock.release();
  }

  /** Makes the folder that of a new run: removes what an earlier one has left, and nothing else. */
  async begin(config: object): Promise<void> {
    requireConfig(config);
    // The state goes first: without it nobody resumes what a crash leaves half removed.
    await this.#remove(RUN_FILES.state);
    await this.writeConfig(config);
    this.#stage = "begun";
    for (const name of Object.values(RUN_FILES)) if (name !== RUN_FILES.config) await this.#remove(name);
    for (const { path } of await keptModels(this.path)) await this.#remove(join(CHECKPOINTS, basename(path)));
    await this.#removeTemporaries();
    removeEmptyFolder(join(this.path, CHECKPOINTS));
  }

  /** Path of one of the folder's files. */
  file(name: keyof typeof RUN_FILES): string {
    requireOneOf("name", name, Object.keys(RUN_FILES));
    return join(this.path, RUN_FILES[name]);
  }

  /** Writes config.json. */
  async writeConfig(config: object): Promise<void> {
    requireConfig(config);
    await this.#write("config", `${JSON.stringify(config, undefined, 2)}\n`);
  }

  /** config.json as it is; `readRunConfig` checks it. */
  async readConfig(): Promise<unknown> {
    return readJson(this.file("config"));
  }

  /** Adds one row at the end of metrics.jsonl. */
  async appendMetric(row: MetricRow): Promise<void> {
    requireObject("row", row, "Give a row: { type, step, ... }, as the events of train hold it.");
    const path = this.file("metrics");
    await this.#lock.check();
    try {
      await appendFile(path, `${formatMetric(row)}\n`);
    } catch (error) {
      throw ioError(error, "write", path);
    }
  }

  /** Makes the rows so far last through a power cut. */
  async syncMetrics(): Promise<void> {
    await syncFile(this.file("metrics"));
  }

  /** All rows so far; none where there is no metrics.jsonl yet. */
  async readMetrics(): Promise<MetricRow[]> {
    const path = this.file("metrics");
    if (!(await list(this.path)).includes(RUN_FILES.metrics)) return [];
    return parseMetrics(await readText(path), path);
  }

  /**
   * Brings the folder back to a checkpoint before resuming from it: drops rows of later steps and a last line cut by
   * a crash, and removes what unfinished writes left. Rows of `step` itself stay.
   */
  async truncateMetricsAfter(step: number): Promise<void> {
    requireWhole("step", step, 0);
    await this.#removeTemporaries();
    const rows = (await this.readMetrics()).filter((row) => row.step <= step);
    await this.#write("metrics", rows.map((row) => `${formatMetric(row)}\n`).join(""));
  }

  /** Writes the trained weights: EMA, in PyTorch's layouts and under its names (src/models/layouts.ts). */
  async writeModel(tensors: readonly SafeTensor[] | SafeStream, metadata: Record<string, string> = {}): Promise<void> {
    await this.#write("model", safetensorsPieces(tensors, metadata));
  }

  /**
   * Writes a model as `writeModel` does, to stay beside the models of other steps: see `keptModels`. One that is there
   * already is left as it is.
   *
   * @param step updates that its weights have seen
   */
  async keepModel(
    step: number,
    tensors: readonly SafeTensor[] | SafeStream,
    metadata: Record<string, string> = {},
  ): Promise<void> {
    requireWhole("step", step, 0);
    const check = () => this.#lock.check();
    await check();
    if ((await keptModels(this.path)).some((kept) => kept.step === step)) return;
    const folder = join(this.path, CHECKPOINTS);
    if (makeFolder(folder)) await syncFolder(this.path);
    // Named after a file whose leftovers are known for what they are, whatever the step.
    const temporary = temporaryPath(join(folder, RUN_FILES.model));
    await writeFileAtomic(join(folder, keptName(step)), safetensorsPieces(tensors, metadata), check, temporary);
  }

  /** Reads model.safetensors. */
  async readModel(): Promise<SafeFile> {
    return readSafetensors(this.file("model"));
  }

  /** Writes all that resuming needs: raw weights, EMA, moments, counters. */
  async writeState(tensors: readonly SafeTensor[] | SafeStream, metadata: Record<string, string> = {}): Promise<void> {
    await this.#write("state", safetensorsPieces(tensors, metadata));
    this.#stage = "saved";
  }

  /** Reads state.safetensors. */
  async readState(): Promise<SafeFile> {
    return readSafetensors(this.file("state"));
  }

  /** Gives `use` the state without reading it whole: it may be larger than memory has room for beside the GPU's. */
  async withState<T>(use: (state: SafeSource) => Promise<T>): Promise<T> {
    requireFunction("use", use, "Give a function of the state: async (state) => state.read(name).");
    return withSafetensors(this.file("state"), use);
  }

  /** Writes report.html. */
  async writeReport(html: string): Promise<void> {
    requireString("html", html, "Give a page: renderReport(input).");
    await this.#write("report", html);
  }

  /** Before the new file is begun, and once more before it takes the old one's place. */
  async #write(name: keyof typeof RUN_FILES, data: FileData): Promise<void> {
    const check = () => this.#lock.check();
    await check();
    await writeFileAtomic(this.file(name), data, check);
  }

  async #remove(name: string): Promise<void> {
    const path = join(this.path, name);
    await this.#lock.check();
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw ioError(error, "remove", path);
    }
  }

  async #removeTemporaries(): Promise<void> {
    const kept = join(this.path, CHECKPOINTS);
    const within = (await isFolder(kept)) ? (await list(kept)).map((name) => join(CHECKPOINTS, name)) : [];
    const found = [...(await list(this.path)), ...within];
    for (const name of found) if (isTemporary(basename(name))) await this.#remove(name);
  }
}

function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // A run has begun in it, or somebody has put something there.
  }
}

function requireConfig(config: object): void {
  requireObject("config", config, "Give what config.json is to hold.");
}

async function makeNumbered(root: string, preset: string): Promise<string> {
  requireString("preset", preset, 'Give the name of a preset: { preset: "tiny" }.');
  if (!/^[A-Za-z0-9][\w.-]*$/.test(preset)) {
    const message = `preset ${JSON.stringify(preset)} cannot name a folder`;
    throw new VoxtwirlError("bad-option", message, "Give a folder with --out.");
  }
  await makeFolders(root);
  const numbers = (await list(root)).map((name) => {
    const digits = name.startsWith(`${preset}-`) ? name.slice(preset.length + 1) : "";
    return /^\d{1,15}$/.test(digits) ? Number(digits) : 0;
  });
  // Another process may take a number between listing and making: then try the next.
  for (let n = Math.max(0, ...numbers) + 1; ; n++) {
    const path = join(root, `${preset}-${n}`);
    if (makeFolder(path)) return path;
  }
}
