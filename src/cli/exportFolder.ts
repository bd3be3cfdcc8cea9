import { existsSync, rmdirSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OCTAHEDRAL_ORDER } from "../equivariance/octahedral.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatBytes } from "../gpu/gpu.ts";
import { requireSpace } from "../node/diskSpace.ts";
import { ioError, sha256File, syncFolder, temporaryPath, writeFileAtomic } from "../node/files.ts";
import { isFolder, list, makeFolder, makeFolders } from "../node/folders.ts";
import { NpyWriter } from "../node/npyWriter.ts";
import { countOf } from "../report/format.ts";
import type { TwistedSample } from "../training/task.ts";
import { text } from "./args.ts";
import { versioned } from "./json.ts";

const ARRAYS = ["inputs", "targets", "rotations", "predictions"] as const;
const FIGURES = "figures.json";

export const exportOption = () =>
  text("--export <DIR>", "write inputs, targets, rotations and predictions (.npy) and figures.json to a new folder");

/** How much there will be to export at most. */
export interface ExportSize {
  readonly samples: number;
  /** Of each sample; all of the octahedral group are the same for all samples. */
  readonly rotations: number;
  /** Of a sample's input: [D, H, W, C]. */
  readonly shape: readonly number[];
}

/** @throws VoxtwirlError "exists" for a folder that holds something, or something else that is there */
export async function requireNewFolder(path: string): Promise<void> {
  const fix = "Choose another folder for --export, or remove what is there.";
  if (await isFolder(path)) {
    if ((await list(path)).length === 0) return;
    throw new VoxtwirlError("exists", `${path} is there already, and not empty`, fix);
  }
  if (existsSync(path)) throw new VoxtwirlError("exists", `${path} is there and is not a folder`, fix);
}

/**
 * The folder of `--export`. Arrays grow sample by sample in temporary files; `finish` gives all files their names,
 * figures.json last. `discard`, and the end of the process before that, leave nothing behind.
 */
export class ExportFolder {
  readonly #path: string;
  readonly #made: boolean;
  readonly #shared: boolean;
  readonly #temporary: ReadonlyMap<string, string>;
  /** Arrays that have their names. */
  readonly #named: string[] = [];
  readonly #writers = new Map<string, NpyWriter>();
  #samples = 0;
  #ended = false;

  private constructor(path: string, made: boolean, { rotations }: ExportSize) {
    this.#path = path;
    this.#made = made;
    this.#shared = rotations === OCTAHEDRAL_ORDER;
    this.#temporary = new Map(ARRAYS.map((name) => [name, temporaryPath(join(path, `${name}.npy`))]));
    process.on("exit", this.#removeAll);
  }

  /**
   * Says on stderr what it will take, and begins the files.
   *
   * @throws VoxtwirlError "io" where the disk has less, with the numbers, or the file system refuses; "exists" as
   *   `requireNewFolder`
   */
  static async create(path: string, size: ExportSize): Promise<ExportFolder> {
    const { samples, rotations, shape } = size;
    const bytes = exportBytes(size);
    process.stderr.write(`voxtwirl: ${path} will take ${formatBytes(bytes)} for ${countOf(samples, "molecule")}\n`);
    await requireSpace(path, bytes);
    await requireNewFolder(path);
    await makeFolders(dirname(path));
    const folder = new ExportFolder(path, makeFolder(path), size);
    const shapes = {
      ...{ inputs: shape, targets: shape, predictions: [rotations, ...shape] },
      rotations: folder.#shared ? [3, 3] : [rotations, 3, 3],
    };
    try {
      for (const name of ARRAYS) {
        folder.#writers.set(name, await NpyWriter.create(folder.#temporary.get(name)!, shapes[name]));
      }
    } catch (error) {
      await folder.discard();
      throw error;
    }
    return folder;
  }

  async add({ input, target, rotations, predictions }: TwistedSample): Promise<void> {
    const append = (name: (typeof ARRAYS)[number], values: Float32Array) => this.#writers.get(name)!.append(values);
    await append("inputs", input);
    await append("targets", target);
    if (!this.#shared || this.#samples === 0) await append("rotations", Float32Array.from(rotations.flat()));
    await append("predictions", predictions);
    this.#samples++;
  }

  /**
   * Completes the folder, and says so on stderr.
   *
   * @param figures what `--json` prints
   * @param model the model's file: in figures.json `model` is its name and SHA-256
   */
  async finish(figures: object, model: string): Promise<void> {
    for (const writer of this.#writers.values()) await writer.finish();
    const all = { ...versioned(figures), model: { file: model, sha256: await sha256File(model) } };
    try {
      for (const [name, temporary] of this.#temporary) {
        const named = join(this.#path, `${name}.npy`);
        await rename(temporary, named);
        this.#named.push(named);
      }
    } catch (error) {
      throw ioError(error, "write", this.#path);
    }
    await writeFileAtomic(join(this.#path, FIGURES), `${JSON.stringify(all, undefined, 2)}\n`);
    await syncFolder(this.#path);
    this.#ended = true;
    process.off("exit", this.#removeAll);
    process.stderr.write(`voxtwirl: exported ${countOf(this.#samples, "molecule")} to ${this.#path}\n`);
  }

  /** Removes what there is of an export that was not finished, and says so on stderr. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    process.off("exit", this.#removeAll);
    for (const writer of this.#writers.values()) await writer.close();
    this.#removeAll();
    process.stderr.write(`voxtwirl: nothing is exported to ${this.#path}\n`);
  }

  /** Synchronous, for the end of the process. */
  readonly #removeAll = (): void => {
    for (const path of [...this.#temporary.values(), ...this.#named]) rmSync(path, { force: true });
    if (!this.#made) return;
    try {
      rmdirSync(this.#path);
    } catch {
      // Somebody has put something there.
    }
  };
}

/** Of all four arrays; what else there is does not count. */
function exportBytes({ samples, rotations, shape }: ExportSize): number {
  const grid = shape.reduce((product, size) => product * size, 1);
  return Float32Array.BYTES_PER_ELEMENT * samples * (2 + rotations) * grid;
}

/** @throws VoxtwirlError "unsupported" where samples have no shape in common */
export function requireCommonShape(shape: readonly number[] | undefined): readonly number[] {
  if (shape !== undefined) return shape;
  const message = "samples of this task have no shape in common, which an export needs";
  throw new VoxtwirlError("unsupported", message, "Leave --export out: --json has the figures.");
}
