import { OCTAHEDRAL_ORDER } from "../equivariance/octahedral.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatBytes } from "../gpu/gpu.ts";
import { requireSpace } from "../node/diskSpace.ts";
import { sha256File } from "../node/files.ts";
import { countOf } from "../report/format.ts";
import type { TwistedSample } from "../training/task.ts";
import { text } from "./args.ts";
import { ArrayFolder } from "./arrayFolder.ts";
import { versioned } from "./json.ts";

/** @param more what else it writes */
export const exportOption = (more = "") =>
  text(
    "--export <DIR>",
    `write inputs, targets, rotations and predictions (.npy) and figures.json to a new folder${more}`,
  );

/** How much there will be to export at most. */
export interface ExportSize {
  readonly samples: number;
  /** Of each sample; all of the octahedral group are the same for all samples. */
  readonly rotations: number;
  /** Of a sample's input: [D, H, W, C]. */
  readonly shape: readonly number[];
}

/** The folder of `--export` of a model: arrays of its samples, and what was measured. */
export class ExportFolder {
  readonly #path: string;
  readonly #folder: ArrayFolder;
  readonly #shared: boolean;
  #samples = 0;
  #ended = false;

  private constructor(path: string, folder: ArrayFolder, shared: boolean) {
    this.#path = path;
    this.#folder = folder;
    this.#shared = shared;
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
    const shared = rotations === OCTAHEDRAL_ORDER;
    const folder = await ArrayFolder.create(path, {
      inputs: { shape },
      targets: { shape },
      rotations: { shape: shared ? [3, 3] : [rotations, 3, 3] },
      predictions: { shape: [rotations, ...shape] },
    });
    return new ExportFolder(path, folder, shared);
  }

  async add({ input, target, rotations, predictions }: TwistedSample): Promise<void> {
    await this.#folder.append("inputs", input);
    await this.#folder.append("targets", target);
    if (!this.#shared || this.#samples === 0) {
      await this.#folder.append("rotations", Float32Array.from(rotations.flat()));
    }
    await this.#folder.append("predictions", predictions);
    this.#samples++;
  }

  /**
   * Completes the folder, and says so on stderr.
   *
   * @param figures what `--json` prints
   * @param model the model's file: in figures.json `model` is its name and SHA-256
   */
  async finish(figures: object, model: string): Promise<void> {
    await this.#folder.finish({ ...versioned(figures), model: { file: model, sha256: await sha256File(model) } });
    this.#ended = true;
    process.stderr.write(`voxtwirl: exported ${countOf(this.#samples, "molecule")} to ${this.#path}\n`);
  }

  /** Removes what there is of an export that was not finished, and says so on stderr. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#folder.discard();
  }
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
