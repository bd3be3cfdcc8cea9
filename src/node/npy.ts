/**
 * NumPy's .npy files: magic, version, the header's length (little endian), a Python literal that describes one array,
 * the data. Read is what numpy.load reads of real numbers: any header, any byte order, either order of axes; floats of
 * 16 to 64 bits, integers and booleans.
 */
import { VoxtwirlError } from "../errors.ts";
import { binaryKind, fileKind, KIND_BYTES, type KindName } from "./fileKind.ts";
import { readBytes, withFile, type OpenFile } from "./files.ts";
import { parseNpyHeader, type Fail, type NpyHeader } from "../formats/npyHeader.ts";
import { numberType, type Numbers, type NumberType } from "../formats/npyNumbers.ts";

export interface NpyArray {
  readonly shape: readonly number[];
  /** In C order: the last axis is the fastest. */
  readonly data: Numbers;
}

/** An array whose numbers are read when they are asked for. */
export interface OpenNpy {
  readonly shape: readonly number[];
  /**
   * `count` numbers from number `start` on, in C order. Of a pipe only what follows the last call's.
   *
   * @throws VoxtwirlError "bad-file" where the file ends too early
   */
  readonly read: (start: number, count: number) => Promise<Numbers>;
}

const MAX_HEADER = 65_536;
/** Arrays in Fortran order lie in memory whole, twice for a moment. */
const MAX_FORTRAN = 2 ** 30;

/** @throws VoxtwirlError "io" when it cannot be read; otherwise as `decodeNpy` */
export async function readNpy(path: string): Promise<NpyArray> {
  return decodeNpy(await readBytes(path), path);
}

/**
 * Opens an .npy file of any size to read parts of it. A file of another length than its header says is refused here,
 * before anything is read; a pipe where it ends.
 *
 * @throws VoxtwirlError "io" when it cannot be read; otherwise as `decodeNpy`; what `use` throws passes through
 */
export async function withNpy<T>(path: string, use: (array: OpenNpy) => Promise<T>): Promise<T> {
  return withFile(path, async (file) => use(await openNpy(file, path)));
}

async function openNpy(file: OpenFile, path: string): Promise<OpenNpy> {
  const fail = failure(path);
  const first = await file.read(0, 12);
  // To say what another file is takes some more.
  const { dataStart } = frame(
    isNpy(first) ? first : Buffer.concat([first, await file.read(12, KIND_BYTES - 12)]),
    fail,
  );
  const head = Buffer.concat([first, await file.read(12, Math.max(0, dataStart - 12))]);
  const spec = indexNpy(head, file.size, fail);
  const { shape, type, count } = spec;
  const read = async (start: number, numbers: number) => {
    const bytes = await file.read(dataStart + start * type.bytes, numbers * type.bytes);
    const last = start + numbers === count && Number.isNaN(file.size);
    const after = last ? await file.read(dataStart + count * type.bytes, 1) : [];
    if (bytes.length < numbers * type.bytes || after.length > 0) {
      const held = after.length > 0 ? "more" : "fewer";
      fail(`its shape (${shape.join(", ")}) takes ${count * type.bytes} bytes, and it holds ${held}`, CUT_OFF);
    }
    return type.decode(bytes);
  };
  if (!spec.transposed) return { shape, read };
  if (count * type.bytes > MAX_FORTRAN) {
    const fix = "Write it again with numpy.save(file, numpy.ascontiguousarray(array)).";
    fail("it is in Fortran order and too large to be turned in memory", fix);
  }
  const turned = turn(await read(0, count), shape);
  return { shape, read: (start, numbers) => Promise.resolve(turned.subarray(start, start + numbers)) };
}

/**
 * Reads an .npy file. The header is checked against the file's size before any data is touched; the array lies in
 * `bytes` where type, byte order and alignment allow, else it is a copy.
 *
 * @throws VoxtwirlError "bad-file", and nothing else, with `fileName` and what is wrong
 */
export function decodeNpy(bytes: Uint8Array, fileName = "the file"): NpyArray {
  const { shape, type, dataStart, transposed } = indexNpy(bytes, bytes.length, failure(fileName));
  const data = type.decode(bytes.subarray(dataStart));
  return { shape, data: transposed ? turn(data, shape) : data };
}

const CUT_OFF = "Copy the file again, it may be cut off.";

function failure(fileName: string): Fail {
  return (reason, fix = "Write it again with numpy.save(file, array.astype('<f4')).") => {
    throw new VoxtwirlError("bad-file", `${fileName} is not an .npy file that can be read: ${reason}`, fix);
  };
}

interface NpySpec {
  readonly shape: readonly number[];
  readonly type: NumberType;
  /** How many numbers. */
  readonly count: number;
  readonly dataStart: number;
  /** Whether the first axis is the fastest in the file, and that makes a difference. */
  readonly transposed: boolean;
}

/**
 * What a file's header says.
 *
 * @param bytes from the start of the file, at least the header
 * @param total bytes of the file, NaN where that cannot be known
 */
function indexNpy(bytes: Uint8Array, total: number, fail: Fail): NpySpec {
  const { prefix, dataStart } = frame(bytes, fail);
  if (bytes.length < dataStart) {
    fail(`its header claims ${dataStart - prefix} bytes, and ${Math.max(0, bytes.length - prefix)} follow`, CUT_OFF);
  }
  // Latin-1 by versions 1 and 2; names of fields alone may be more than ASCII in version 3.
  const header = parseNpyHeader(new TextDecoder("latin1").decode(bytes.subarray(prefix, dataStart)), fail);
  const { shape } = header;
  const type = numberType(header.descr, fail);
  // Beyond the safe integers a product is inexact, but still far larger than any file.
  const count = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  const size = count * type.bytes;
  if (!Number.isNaN(total) && size !== total - dataStart) {
    fail(`its shape (${shape.join(", ")}) takes ${size} bytes, and it holds ${total - dataStart}`, CUT_OFF);
  }
  return { shape, type, count, dataStart, transposed: isTransposed(header) };
}

/** Where the header begins, and where the data. */
function frame(bytes: Uint8Array, fail: Fail): { prefix: number; dataStart: number } {
  if (!isNpy(bytes)) return failForeign(bytes, fail);
  if (bytes.length < 10) fail("it ends before its header", CUT_OFF);
  const version = bytes[6]!;
  if (version < 1 || version > 3 || bytes[7] !== 0) fail(`its version is ${version}.${bytes[7]}, not 1.0 to 3.0`);
  const prefix = version === 1 ? 10 : 12;
  if (bytes.length < prefix) fail("it ends before its header", CUT_OFF);
  const view = new DataView(bytes.buffer, bytes.byteOffset, prefix);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) fail(`its header claims ${length} bytes, more than ${MAX_HEADER}`);
  return { prefix, dataStart: prefix + length };
}

function isNpy(bytes: Uint8Array): boolean {
  return binaryKind(bytes)?.name === "a NumPy array (.npy)";
}

/** Of kinds from which an array can be had. */
const FIXES: Partial<Record<KindName, string>> = {
  "a NumPy archive (.npz)": "Save the one array: numpy.save(file, numpy.load(archive)['name']).",
  text: "Convert it: numpy.save(file, numpy.loadtxt(text).reshape(shape)).",
};

function failForeign(bytes: Uint8Array, fail: Fail): never {
  const kind = fileKind(bytes);
  if (kind === undefined) return fail("it does not begin as one");
  return fail(`it is ${kind.name}`, FIXES[kind.name] ?? kind.fix);
}

function isTransposed({ fortran, shape }: NpyHeader): boolean {
  return fortran && shape.filter((size) => size !== 1).length > 1;
}

/** Numbers in Fortran order, in C order. */
function turn(data: Numbers, shape: readonly number[]): Numbers {
  const turned = data.slice();
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const at = shape.map(() => 0);
  for (let to = 0, from = 0; to < data.length; to++) {
    turned[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return turned;
}
