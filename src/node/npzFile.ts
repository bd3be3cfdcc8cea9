/** .npz archives of frames, read from a file row by row: memory is that of some frames, however many there are. */
import { open, type FileHandle } from "node:fs/promises";
import { npzFail, requireArrays } from "../formats/npz.ts";
import { copiesOf, NpzFrames, type FrameArrays, type NpzCopies } from "../formats/npzFrames.ts";
import { twirlGroupArray, type ArrayNames } from "../formats/npzNames.ts";
import { indexNpy, npyFrame, turnNpy, type NpyArray, type NpySpec } from "../formats/npyArray.ts";
import type { Fail } from "../formats/npyHeader.ts";
import { decodeNpyText } from "../formats/npyText.ts";
import type { ByteSource } from "../formats/byteSource.ts";
import { packedStart, zipEntries, type ZipEntry } from "../formats/zip.ts";
import { bytesAt, EntryBytes, withBytes } from "./entryBytes.ts";
import { ioError } from "./files.ts";

/** Of positions that are read at a time. */
const BLOCK_BYTES = 2 ** 20;
/** Of the longest head of an .npy file. */
const MOST_HEAD = 65_536 + 12;
const MOST_TEXT = 4096;

type Key = keyof ArrayNames;

/** Arrays that need not have a row for each frame, and what their rows are. */
const WHOLE: Partial<Record<Key, readonly number[][]>> = { cells: [[3, 3]], pbc: [[3]], twirlOrder: [[]] };

/** The arrays of an archive, opened anew for each time that its frames are gone through. */
export interface NpzFile {
  readonly atoms: number;
  readonly own: boolean;
  readonly names: ArrayNames;
  readonly count: number;
  /** Blocks of its frames, one after another. */
  blocks(): AsyncGenerator<NpzFrames, void, undefined>;
}

/**
 * Opens an .npz file of frames, as `openNpzFrames` does its bytes: stored or deflated, with sizes of 32 or 64 bits.
 * Checksums are held against an array when its last row is read.
 *
 * @param limit bytes of arrays that have to be in memory whole: those in Fortran order
 * @param file what errors call it
 * @throws VoxtwirlError "io", and "bad-file" as `openNpzFrames`, also while frames are read
 */
export async function openNpzFile(path: string, file: string, limit: number): Promise<NpzFile> {
  const fail = npzFail(file);
  return opened(path, async (handle) => {
    const { size } = await handle.stat();
    const source: ByteSource = { size, read: (start, length) => bytesAt(handle, start, length) };
    const entries = await zipEntries(source, fail);
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    const { ofMd17: _, ...names } = requireArrays(entries, true, fail);
    const all = new Map<Key, StoredArray>();
    for (const [key, name] of Object.entries(names) as [Key, string][]) {
      all.set(key, await openArray(source, byName.get(name)!, { path, limit }, failIn(fail, name)));
    }
    const twirlGroup = await groupText(source, byName.get(twirlGroupArray), path, fail);
    // Shapes alone are held against each other here.
    const shapes = Object.fromEntries([...all].map(([key, { spec }]) => [key, { shape: spec.shape, data: NONE }]));
    const checked = new NpzFrames(shapes as unknown as FrameArrays, names, fail, { before: 0, copies: new Map() });
    const frames = all.get("twirlFrame");
    const told = all.has("twirlCopy") && all.has("twirlCopies");
    const copies = frames === undefined || told ? new Map() : copiesOf((await frames.whole()).data);
    return {
      ...{ atoms: checked.atoms, own: checked.own, count: checked.count, names },
      blocks: () => blocksOf(all, checked, names, { copies, twirlGroup, fail }),
    };
  });
}

const NONE = new Float64Array(0);

async function* blocksOf(
  arrays: ReadonlyMap<Key, StoredArray>,
  { count, atoms, own }: NpzFrames,
  names: ArrayNames,
  { copies, twirlGroup, fail }: { copies: NpzCopies; twirlGroup: string | undefined; fail: Fail },
): AsyncGenerator<NpzFrames, void, undefined> {
  const step = Math.max(1, Math.floor(BLOCK_BYTES / (24 * atoms)));
  const isRow = (key: Key, { spec: { shape } }: StoredArray) =>
    (shape[0] === count || key === "energies") &&
    !(key === "numbers" && !own) &&
    !WHOLE[key]?.some((one) => one.length === shape.length);
  // A single molecule may go without the axis of frames.
  const single = arrays.get("positions")!.spec.shape.length === 2;
  const fixed: Partial<Record<Key, NpyArray>> = {};
  const rows: [key: Key, reader: RowReader][] = [];
  for (const [key, array] of arrays) {
    if (single || !isRow(key, array)) fixed[key] = await array.whole();
    else rows.push([key, array.rows(count)]);
  }
  try {
    for (let before = 0; before < count; before += step) {
      const size = Math.min(step, count - before);
      const block: Partial<Record<Key, NpyArray>> = { ...fixed };
      for (const [key, reader] of rows) block[key] = await reader.take(size);
      yield new NpzFrames({ ...(block as FrameArrays), twirlGroup }, names, fail, { before, copies });
    }
    for (const [, reader] of rows) await reader.end();
  } finally {
    for (const [, reader] of rows) await reader.close();
  }
}

/** Rows of an array, one after another. */
interface RowReader {
  take(rows: number): Promise<NpyArray>;
  /** @throws where bytes are left, or are not those that were packed */
  end(): Promise<void>;
  close(): Promise<void>;
}

/** An array in an archive. */
interface StoredArray {
  readonly spec: NpySpec;
  whole(): Promise<NpyArray>;
  /** @param count how many there are */
  rows(count: number): RowReader;
}

async function openArray(
  source: ByteSource,
  entry: ZipEntry,
  { path, limit }: { path: string; limit: number },
  fail: Fail,
): Promise<StoredArray> {
  const start = await packedStart(source, entry, fail);
  const begin = () => new EntryBytes(path, entry, start, fail);
  const spec = await withBytes(begin(), async (bytes) => {
    const first = await bytes.take(Math.min(12, entry.size));
    const { dataStart } = npyFrame(first, fail);
    const head = await bytes.take(Math.min(dataStart, entry.size, MOST_HEAD) - first.length);
    return indexNpy(Buffer.concat([first, head]), entry.size, fail);
  });
  const { shape, type, count, dataStart, transposed } = spec;
  const whole = async () => {
    if (count * type.bytes > limit) {
      const fix = "Split the file; of arrays in Fortran order, numpy.ascontiguousarray(array) will do.";
      fail(`it holds ${count * type.bytes} bytes that have to be in memory at once, more than ${limit}`, fix);
    }
    return withBytes(begin(), async (bytes) => {
      await bytes.take(dataStart);
      const data = type.decode(await bytes.take(count * type.bytes));
      await bytes.end();
      return { shape, data: transposed ? turnNpy(data, shape) : data };
    });
  };
  // Energies may be (1, frames).
  const partOf = (data: NpyArray["data"], rows: number, numbers: number) => {
    return { shape: numbers === 1 ? [rows] : [rows, ...shape.slice(1)], data };
  };
  const rowsInFile = (all: number): RowReader => {
    const numbers = all === 0 ? 0 : count / all;
    const bytes = begin();
    let begun = false;
    return {
      async take(rows) {
        if (!begun) await bytes.take(dataStart);
        begun = true;
        return partOf(type.decode(await bytes.take(rows * numbers * type.bytes)), rows, numbers);
      },
      end: () => bytes.end(),
      close: () => bytes.close(),
    };
  };
  const rowsInMemory = (all: number): RowReader => {
    const numbers = all === 0 ? 0 : count / all;
    let array: NpyArray | undefined;
    let at = 0;
    return {
      async take(rows) {
        array ??= await whole();
        const data = array.data.subarray(at * numbers, (at + rows) * numbers);
        at += rows;
        return partOf(data, rows, numbers);
      },
      end: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  };
  return { spec, whole, rows: transposed ? rowsInMemory : rowsInFile };
}

async function groupText(
  source: ByteSource,
  entry: ZipEntry | undefined,
  path: string,
  fail: Fail,
): Promise<string | undefined> {
  if (entry === undefined || entry.size > MOST_TEXT) return undefined;
  const inEntry = failIn(fail, entry.name);
  const start = await packedStart(source, entry, inEntry);
  return withBytes(new EntryBytes(path, entry, start, inEntry), async (bytes) =>
    decodeNpyText(await bytes.take(entry.size), inEntry),
  );
}

function failIn(fail: Fail, name: string): Fail {
  return (reason, fix) => fail(`${JSON.stringify(name.slice(0, 60))}: ${reason}`, fix);
}

async function opened<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    return await use(handle);
  } catch (error) {
    throw ioError(error, "read", path);
  } finally {
    await handle?.close().catch(() => {});
  }
}
