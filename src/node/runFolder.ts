/** The folder that a training run writes; its five files are the run's whole output. */
import { appendFile, mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { formatMetric, parseMetrics, type MetricRow } from "../training/metrics.ts";
import {
  decodeSafetensors,
  indexSafetensors,
  safeTensor,
  safetensorsChunks,
  safetensorsHeaderBytes,
  safetensorsStream,
  type SafeEntry,
  type SafeFile,
  type SafeStream,
  type SafeTensor,
} from "../training/safetensors.ts";
import { ioError, isTemporaryOf, readBytes, readJson, readText, syncFile, withFile, writeFileAtomic } from "./files.ts";

/** Names of the files that a run folder owns. */
export const RUN_FILES = {
  config: "config.json",
  metrics: "metrics.jsonl",
  model: "model.safetensors",
  state: "state.safetensors",
  report: "report.html",
} as const;

export interface CreateRunFolderOptions {
  /** The folder to make, with its parents. Without it: ROOT/PRESET-N, N one above the highest there. */
  out?: string | undefined;
  preset: string;
  /** Parent of the folders named by preset; "runs" by default. */
  root?: string;
  /** Takes an existing `out` and removes an earlier run's files from it, and no others. */
  force?: boolean;
}

/**
 * A run folder. Every file but metrics.jsonl is replaced as a whole, so that a crash at any time leaves a folder that
 * can be resumed.
 *
 * Methods throw VoxtwirlError "io" when the file system refuses and "bad-file" when a file holds something else.
 * One process writes a folder at a time, and awaits each call.
 */
export class RunFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes a new run folder; of two processes that ask for the same one, exactly one gets it.
   *
   * @throws VoxtwirlError "exists" when `out` is there (with `force`: is not a folder), "bad-option" for a preset
   * that cannot be part of a file name.
   */
  static async create(options: CreateRunFolderOptions): Promise<RunFolder> {
    const { out, preset, root = "runs", force = false } = options;
    if (out === undefined) return new RunFolder(await makeNumbered(root, preset));
    const path = join(out, ".");
    await makeParents(dirname(path));
    if (await makeFolder(path)) return new RunFolder(path);
    if (!(await isFolder(path))) {
      throw new VoxtwirlError("exists", `${path} exists and is not a folder`, "Choose another --out.");
    }
    if (!force) {
      const fix = "Choose another --out, continue that run with --resume, or replace it with --force.";
      throw new VoxtwirlError("exists", `${path} exists already`, fix);
    }
    const folder = new RunFolder(path);
    await folder.#removeTemporaries();
    // The state goes first: without it nobody resumes what a crash leaves half removed.
    for (const name of [RUN_FILES.state, ...Object.values(RUN_FILES)]) await folder.#remove(name);
    return folder;
  }

  /**
   * Opens the folder of an earlier run, to resume it.
   *
   * @throws VoxtwirlError "bad-file" when the folder is not there or holds no state.safetensors.
   */
  static async open(path: string): Promise<RunFolder> {
    const folder = new RunFolder(join(path, "."));
    if (!(await isFolder(folder.path))) {
      const fix = "Give the folder of an earlier run, such as runs/tiny-1.";
      throw new VoxtwirlError("bad-file", `${folder.path} is not a folder`, fix);
    }
    const files = await list(folder.path);
    if (!files.includes(RUN_FILES.state)) {
      const fix = "Give the folder of a run that has reached its first checkpoint, or start a new run.";
      throw new VoxtwirlError("bad-file", `${folder.path} holds no ${RUN_FILES.state} to resume from`, fix);
    }
    return folder;
  }

  /** Path of one of the folder's files. */
  file(name: keyof typeof RUN_FILES): string {
    return join(this.path, RUN_FILES[name]);
  }

  async writeConfig(config: object): Promise<void> {
    await writeFileAtomic(this.file("config"), `${JSON.stringify(config, undefined, 2)}\n`);
  }

  /** config.json as it is; `parseRunConfig` of src/training/config.ts checks it. */
  async readConfig(): Promise<unknown> {
    return readJson(this.file("config"));
  }

  /** Adds one row at the end of metrics.jsonl. */
  async appendMetric(row: MetricRow): Promise<void> {
    const path = this.file("metrics");
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
    await this.#removeTemporaries();
    const rows = (await this.readMetrics()).filter((row) => row.step <= step);
    await writeFileAtomic(this.file("metrics"), rows.map((row) => `${formatMetric(row)}\n`).join(""));
  }

  /** Writes the trained weights: EMA, in PyTorch's layouts and under its names (src/models/layouts.ts). */
  async writeModel(tensors: readonly SafeTensor[] | SafeStream, metadata: Record<string, string> = {}): Promise<void> {
    await writeFileAtomic(this.file("model"), safetensorsPieces(tensors, metadata));
  }

  async readModel(): Promise<SafeFile> {
    return readSafetensors(this.file("model"));
  }

  /** Writes all that resuming needs: raw weights, EMA, moments, counters. */
  async writeState(tensors: readonly SafeTensor[] | SafeStream, metadata: Record<string, string> = {}): Promise<void> {
    await writeFileAtomic(this.file("state"), safetensorsPieces(tensors, metadata));
  }

  async readState(): Promise<SafeFile> {
    return readSafetensors(this.file("state"));
  }

  /** Gives `use` the state without reading it whole: it may be larger than memory has room for beside the GPU's. */
  async withState<T>(use: (state: SafeSource) => Promise<T>): Promise<T> {
    return withSafetensors(this.file("state"), use);
  }

  async writeReport(html: string): Promise<void> {
    await writeFileAtomic(this.file("report"), html);
  }

  async #remove(name: string): Promise<void> {
    const path = join(this.path, name);
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw ioError(error, "remove", path);
    }
  }

  async #removeTemporaries(): Promise<void> {
    const names = Object.values(RUN_FILES);
    for (const found of await list(this.path)) {
      if (names.some((name) => isTemporaryOf(name, found))) await this.#remove(found);
    }
  }
}

function safetensorsPieces(tensors: readonly SafeTensor[] | SafeStream, metadata: Record<string, string>) {
  return "specs" in tensors ? safetensorsStream(tensors, metadata) : safetensorsChunks(tensors, metadata);
}

/** A safetensors file whose tensors are read when they are asked for. */
export interface SafeSource {
  readonly metadata: Record<string, string>;
  find(name: string): SafeEntry | undefined;
  read(name: string): Promise<SafeTensor>;
}

async function withSafetensors<T>(path: string, use: (source: SafeSource) => Promise<T>): Promise<T> {
  return withFile(path, async ({ size, read }) => {
    const head = await read(0, safetensorsHeaderBytes(await read(0, 8), size));
    const { metadata, entries, dataStart } = indexSafetensors(head, size, path);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    return use({
      metadata,
      find: (name) => byName.get(name),
      read: async (name) => {
        const entry = byName.get(name)!;
        return safeTensor(entry, await read(dataStart + entry.begin, entry.end - entry.begin));
      },
    });
  });
}

/** Reads a safetensors file as a whole. */
export async function readSafetensors(path: string): Promise<SafeFile> {
  return decodeSafetensors(await readBytes(path), path);
}

async function makeNumbered(root: string, preset: string): Promise<string> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(preset)) {
    const message = `preset ${JSON.stringify(preset)} cannot name a folder`;
    throw new VoxtwirlError("bad-option", message, "Give a folder with --out.");
  }
  await makeParents(root);
  const numbers = (await list(root)).map((name) => {
    const digits = name.startsWith(`${preset}-`) ? name.slice(preset.length + 1) : "";
    return /^\d{1,15}$/.test(digits) ? Number(digits) : 0;
  });
  // Another process may take a number between listing and making: then try the next.
  for (let n = Math.max(0, ...numbers) + 1; ; n++) {
    const path = join(root, `${preset}-${n}`);
    if (await makeFolder(path)) return path;
  }
}

/** Makes one folder; false when something of that name is there. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw ioError(error, "make the folder", path);
  }
}

/** As `mkdir -p`; Node's own never returns where a file system takes no folders, such as /proc. */
async function makeParents(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeParents(parent);
  await makeFolder(path);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw ioError(error, "look at", path);
  }
}

async function list(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    throw ioError(error, "list", path);
  }
}
