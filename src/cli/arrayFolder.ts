import { existsSync, rmdirSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { ioError, syncFolder, temporaryPath, writeFileAtomic } from "../node/files.ts";
import { isFolder, list, makeFolder, makeFolders } from "../node/folders.ts";
import { NpyWriter } from "../node/npyWriter.ts";

const FIGURES = "figures.json";

/** Arrays by the names of their files, without .npy: the shape of one entry, and the type of the numbers. */
export type FolderArrays = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly type?: "<f4" | "<f8" }>
>;

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
 * A new folder of arrays and figures.json. Arrays grow entry by entry in temporary files; `finish` gives all files
 * their names, figures.json last. `discard`, and the end of the process before that, leave nothing behind.
 */
export class ArrayFolder {
  readonly #path: string;
  readonly #made: boolean;
  readonly #temporary: ReadonlyMap<string, string>;
  /** Arrays that have their names. */
  readonly #named: string[] = [];
  readonly #writers = new Map<string, NpyWriter>();

  private constructor(path: string, made: boolean, names: readonly string[]) {
    this.#path = path;
    this.#made = made;
    this.#temporary = new Map(names.map((name) => [name, temporaryPath(join(path, `${name}.npy`))]));
    process.on("exit", this.#removeAll);
  }

  /** @throws VoxtwirlError "io" where the file system refuses, "exists" as `requireNewFolder` */
  static async create(path: string, arrays: FolderArrays): Promise<ArrayFolder> {
    await requireNewFolder(path);
    await makeFolders(dirname(path));
    const folder = new ArrayFolder(path, makeFolder(path), Object.keys(arrays));
    try {
      for (const [name, { shape, type }] of Object.entries(arrays)) {
        folder.#writers.set(name, await NpyWriter.create(folder.#temporary.get(name)!, shape, type));
      }
    } catch (error) {
      await folder.discard();
      throw error;
    }
    return folder;
  }

  /** Whole entries, of the array's type. */
  async append(name: string, values: Float32Array | Float64Array): Promise<void> {
    await this.#writers.get(name)!.append(values);
  }

  /** Completes the folder. */
  async finish(figures: object): Promise<void> {
    for (const writer of this.#writers.values()) await writer.finish();
    try {
      for (const [name, temporary] of this.#temporary) {
        const named = join(this.#path, `${name}.npy`);
        await rename(temporary, named);
        this.#named.push(named);
      }
    } catch (error) {
      throw ioError(error, "write", this.#path);
    }
    await writeFileAtomic(join(this.#path, FIGURES), `${JSON.stringify(figures, undefined, 2)}\n`);
    await syncFolder(this.#path);
    process.off("exit", this.#removeAll);
  }

  /** Removes what there is of an export that was not finished, and says so on stderr. */
  async discard(): Promise<void> {
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
