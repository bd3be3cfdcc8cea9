import { rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { VoxtwirlError } from "../errors.ts";
import { requireSpace } from "../node/diskSpace.ts";
import { ioError, temporaryPath } from "../node/files.ts";
import { requireNew } from "../node/newFile.ts";
import { withNpy, type OpenNpy } from "../node/npy.ts";
import { NpyWriter } from "../node/npyWriter.ts";
import { Random } from "../random.ts";
import { formatCount } from "../report/format.ts";
import { badOption } from "./args.ts";
import { printJson } from "./json.ts";
import type { RotateChoice } from "./rotateChoice.ts";
import { print } from "./stdout.ts";
import { sweep } from "./sweep.ts";

const EXACT_GROUPS =
  "Exact are octahedral (quadrature-3 has the same 24), full-octahedral, mirrors, cyclic2-x, -y, -z, " +
  "cyclic4-x, -y, -z and files of symmetries of the cube. For other rotations turn the atoms (--data of frames), and " +
  "make a grid of each copy.";

/**
 * Writes rotated copies of voxel grids, exact, and their rotations beside them.
 *
 * @returns the exit code
 */
export async function rotateGrids(choice: RotateChoice): Promise<number> {
  const { out, center, keep, group } = choice;
  if (group.interpolation !== undefined) {
    throw badOption(`--group ${group.name} would interpolate voxels`, EXACT_GROUPS);
  }
  if (center || keep.length > 0) throw badOption("--center and --keep go with frames of atoms", "Leave them out.");
  if (!/\.npy$/i.test(out)) throw badOption(`--out ${out} does not end in .npy, as --data does`, "Name it so.");
  const rotationFile = out.replace(/\.npy$/i, "-rotations.npy");
  await requireNew(rotationFile);
  return withNpy(choice.data, (grids) => rotateOpened(grids, rotationFile, choice));
}

async function rotateOpened(grids: OpenNpy, rotationFile: string, choice: RotateChoice): Promise<number> {
  const { data, out, group, twirl, seed, json } = choice;
  const [count, size, channels] = gridShape(grids.shape, data);
  const cells = size ** 3 * channels;
  const random = new Random(seed);
  // All elements of a group are the same for all grids.
  const shared = twirl === group.order;
  const files = new PairOfFiles([out, rotationFile]);
  try {
    const swept = await sweep("grid", count, async (n) => {
      const grid = await grids.read(n * cells, cells);
      if (n === 0) {
        await requireSpace(out, grid.BYTES_PER_ELEMENT * count * twirl * cells);
        const type = grid instanceof Float64Array ? "<f8" : "<f4";
        await files.create([twirl, size, size, size, channels], shared ? [3, 3] : [twirl, 3, 3], type);
      }
      const rotations = group.sample(random, twirl);
      for (const rotation of rotations) await files.copies.append(group.actOnGrid(rotation, grid, size, channels));
      if (n === 0 || !shared) await files.rotations.append(Float32Array.from(rotations.flat()));
    });
    if (swept.interrupted) {
      process.stderr.write(`voxtwirl: interrupted: ${out} is not written\n`);
      return swept.code;
    }
    await files.finish();
    const shape = `(${[count, twirl, size, size, size, channels].join(", ")})`;
    if (json) {
      printJson({ type: "rotate", data, out, rotationFile, group: group.name, twirl, seed, grids: count });
    } else {
      const grid = `${formatCount(count)} ${count === 1 ? "grid" : "grids"} of ${data}`;
      print([
        `${out}: ${shape}, ${formatCount(twirl)} copies of each of ${grid}, turned by ${group.name}, seed ${seed}`,
        `${rotationFile}: their rotations, for voxtwirl measure --rotations`,
      ]);
    }
    return swept.code;
  } finally {
    await files.discard();
  }
}

/** Two arrays that get their names together, or not at all. */
class PairOfFiles {
  readonly #paths: readonly [string, string];
  readonly #temporary: readonly [string, string];
  readonly #writers: NpyWriter[] = [];

  constructor(paths: readonly [string, string]) {
    this.#paths = paths;
    this.#temporary = [temporaryPath(paths[0]), temporaryPath(paths[1])];
    process.on("exit", this.#remove);
  }

  async create(copies: readonly number[], rotations: readonly number[], type: "<f4" | "<f8"): Promise<void> {
    this.#writers.push(await NpyWriter.create(this.#temporary[0], copies, type));
    this.#writers.push(await NpyWriter.create(this.#temporary[1], rotations));
  }

  get copies(): NpyWriter {
    return this.#writers[0]!;
  }

  get rotations(): NpyWriter {
    return this.#writers[1]!;
  }

  async finish(): Promise<void> {
    for (const writer of this.#writers) await writer.finish();
    for (const path of this.#paths) await requireNew(path);
    // The rotations first: without them the copies cannot be used.
    for (const i of [1, 0] as const) {
      try {
        await rename(this.#temporary[i], this.#paths[i]);
      } catch (error) {
        throw ioError(error, "write", this.#paths[i]);
      }
    }
  }

  async discard(): Promise<void> {
    process.off("exit", this.#remove);
    for (const writer of this.#writers) await writer.close();
    this.#remove();
  }

  /** Synchronous, for the end of the process. */
  readonly #remove = (): void => {
    for (const path of this.#temporary) rmSync(path, { force: true });
  };
}

/** @returns how many grids, voxels along an edge, and channels */
function gridShape(shape: readonly number[], file: string): [count: number, size: number, channels: number] {
  const [count = 0, size = 0, height, width, channels = 1] = shape;
  const cubic = size > 0 && size === height && size === width && (shape.length === 4 || shape.length === 5);
  if (cubic && count > 0 && channels > 0) return [count, size, channels];
  throw new VoxtwirlError(
    "bad-file",
    `${file} (${shape.join(", ")}) holds no cubic grids`,
    "Give (N, D, D, D, C), channels last, or (N, D, D, D); of channels first, numpy.moveaxis(array, 1, -1).",
  );
}
