/** The array of an .npy file, of bytes in memory: magic, version, the header's length, its text, the numbers. */
import { parseNpyHeader, type Fail, type NpyHeader } from "./npyHeader.ts";
import { numberType, type Numbers, type NumberType } from "./npyNumbers.ts";

export interface NpyArray {
  readonly shape: readonly number[];
  /** In C order: the last axis is the fastest. */
  readonly data: Numbers;
}

const MAX_HEADER = 65_536;
/** What to do about a file that is shorter than it should be. */
export const CUT_OFF = "Copy the file again, it may be cut off.";

/**
 * The array of an .npy file, in C order. The header is checked against the file's size before any data is touched.
 *
 * @throws what `fail` throws
 */
export function decodeNpyArray(bytes: Uint8Array, fail: Fail): NpyArray {
  const { shape, type, dataStart, transposed } = indexNpy(bytes, bytes.length, fail);
  const data = type.decode(bytes.subarray(dataStart));
  return { shape, data: transposed ? turnNpy(data, shape) : data };
}

const magic = [0x93, ...Array.from("NUMPY", (letter) => letter.charCodeAt(0))];

export function isNpy(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

export interface NpySpec {
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
export function indexNpy(bytes: Uint8Array, total: number, fail: Fail): NpySpec {
  const { prefix, dataStart } = npyFrame(bytes, fail);
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
export function npyFrame(bytes: Uint8Array, fail: Fail): { prefix: number; dataStart: number } {
  if (!isNpy(bytes)) fail("it does not begin as one");
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

function isTransposed({ fortran, shape }: NpyHeader): boolean {
  return fortran && shape.filter((size) => size !== 1).length > 1;
}

/** Numbers in Fortran order, in C order. */
export function turnNpy(data: Numbers, shape: readonly number[]): Numbers {
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
