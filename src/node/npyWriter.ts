import { open, type FileHandle } from "node:fs/promises";
import { ioError, writeAll } from "./files.ts";

/** Room for any number of entries of eight axes; numbers begin at a multiple of 64 bytes, as NumPy has them. */
const HEADER_BYTES = 256;
/** Magic, version 1.0 and the length of what follows. */
const PREFIX_BYTES = 10;

/**
 * Writes an .npy file of float32 entry by entry, so that it may be larger than memory. Until `finish` it holds an array
 * of no entries, which no reader takes for the whole.
 */
export class NpyWriter {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #shape: readonly number[];
  #numbers = 0;

  private constructor(file: FileHandle, path: string, shape: readonly number[]) {
    this.#file = file;
    this.#path = path;
    this.#shape = shape;
  }

  /**
   * @param path of a new file
   * @param shape of one entry: the array is (entries, ...shape)
   * @throws VoxtwirlError "io" when the file system refuses, as all that follows
   */
  static async create(path: string, shape: readonly number[]): Promise<NpyWriter> {
    try {
      const writer = new NpyWriter(await open(path, "wx"), path, shape);
      await writer.#write(npyHead([0, ...shape]));
      return writer;
    } catch (error) {
      throw ioError(error, "write", path);
    }
  }

  /** Appends whole entries. */
  async append(values: Float32Array): Promise<void> {
    await this.#write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    this.#numbers += values.length;
  }

  /** Says in the header how many entries there are, makes all last through a power cut, and closes the file. */
  async finish(): Promise<void> {
    const entries = this.#numbers / this.#shape.reduce((product, size) => product * size, 1);
    try {
      await this.#file.write(npyHead([entries, ...this.#shape]), 0, HEADER_BYTES, 0);
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

/** What stands before the numbers of an array in C order, in as many bytes for any shape. */
function npyHead(shape: readonly number[]): Uint8Array {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = HEADER_BYTES - PREFIX_BYTES;
  const head = Buffer.alloc(HEADER_BYTES);
  head.write("\x93NUMPY\x01\0", "latin1");
  head.writeUInt16LE(length, PREFIX_BYTES - 2);
  head.write(`${text.padEnd(length - 1)}\n`, PREFIX_BYTES, "latin1");
  return head;
}
