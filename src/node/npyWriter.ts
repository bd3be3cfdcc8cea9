import { open, type FileHandle } from "node:fs/promises";
import { NPY_HEAD_BYTES, npyHead, type NpyType } from "../formats/npyHead.ts";
import { ioError, writeAll } from "./files.ts";

type FloatType = Extract<NpyType, `<f${number}`>;

/**
 * Writes an .npy file of float32 or float64 entry by entry, so that it may be larger than memory. Until `finish` it
 * holds an array of no entries, which no reader takes for the whole.
 */
export class NpyWriter {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #shape: readonly number[];
  readonly #type: FloatType;
  #numbers = 0;

  private constructor(file: FileHandle, path: string, shape: readonly number[], type: FloatType) {
    this.#file = file;
    this.#path = path;
    this.#shape = shape;
    this.#type = type;
  }

  /**
   * @param path of a new file
   * @param shape of one entry: the array is (entries, ...shape)
   * @param type of the numbers that will be appended
   * @throws VoxtwirlError "io" when the file system refuses, as all that follows
   */
  static async create(path: string, shape: readonly number[], type: FloatType = "<f4"): Promise<NpyWriter> {
    try {
      const writer = new NpyWriter(await open(path, "wx"), path, shape, type);
      await writer.#write(npyHead([0, ...shape], type));
      return writer;
    } catch (error) {
      throw ioError(error, "write", path);
    }
  }

  /** Appends whole entries. */
  async append(values: Float32Array | Float64Array): Promise<void> {
    await this.#write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    this.#numbers += values.length;
  }

  /** Says in the header how many entries there are, makes all last through a power cut, and closes the file. */
  async finish(): Promise<void> {
    const entries = this.#numbers / this.#shape.reduce((product, size) => product * size, 1);
    try {
      await this.#file.write(npyHead([entries, ...this.#shape], this.#type), 0, NPY_HEAD_BYTES, 0);
      await this.#file.sync();
      await this.#file.close();
    } catch (error) {
      throw ioError(error, "write", this.#path);
    }
  }

  /** Closes the file as it is, also after `finish`. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await writeAll(this.#file, bytes);
    } catch (error) {
      throw ioError(error, "write", this.#path);
    }
  }
}
