/**
 * NumPy's .npy files: magic, version, the header's length (little endian), a Python literal that describes one array,
 * the data. Read are little-endian float32 and float64 in C order, which is what numpy.save writes for such arrays.
 */
import { VoxtwirlError } from "../errors.ts";
import { readBytes } from "./files.ts";

export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Axes that an array may have, as in NumPy 1; NumPy 2 allows 64. */
const MAX_AXES = 32;
const MAX_HEADER = 65_536;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const ARRAYS = { "<f4": Float32Array, "<f8": Float64Array } as const;

/** @throws VoxtwirlError "io" when it cannot be read; otherwise as `decodeNpy` */
export async function readNpy(path: string): Promise<NpyArray> {
  return decodeNpy(await readBytes(path), path);
}

/**
 * Reads an .npy file. The header is checked against the file's size before any data is touched; the array is a view
 * on `bytes` where alignment allows, else a copy.
 *
 * @throws VoxtwirlError "bad-file", and nothing else, with `fileName` and what is wrong
 */
export function decodeNpy(bytes: Uint8Array, fileName = "the file"): NpyArray {
  const fail = (reason: string, fix = "Write it again with numpy.save(file, array.astype('<f4'))."): never => {
    throw new VoxtwirlError("bad-file", `${fileName} is not an .npy file that can be read: ${reason}`, fix);
  };
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) fail("it does not begin as one");
  const version = bytes[6]!;
  if (version < 1 || version > 3 || bytes[7] !== 0) fail(`its version is ${version}.${bytes[7]}, not 1.0 to 3.0`);
  const prefix = version === 1 ? 10 : 12;
  if (bytes.length < prefix) fail("it ends before its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, prefix);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) fail(`its header claims ${length} bytes, more than ${MAX_HEADER}`);
  const start = prefix + length;
  if (start > bytes.length) fail(`its header claims ${length} bytes, and ${bytes.length - prefix} follow`);
  // Latin-1 by versions 1 and 2; what is read here is plain ASCII in all three.
  const header = parseHeader(new TextDecoder("latin1").decode(bytes.subarray(prefix, start)), fail);
  const { descr, fortran, shape } = header;
  if (fortran) fail("it is in Fortran order", "Write it again with numpy.save(file, numpy.ascontiguousarray(array)).");
  if (!Object.hasOwn(ARRAYS, descr)) fail(`its numbers are ${quote(descr)}, not '<f4' or '<f8' (float32, float64)`);
  const Type = ARRAYS[descr as keyof typeof ARRAYS];
  // Beyond the safe integers a product is inexact, but still far larger than any file.
  const count = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  const size = count * Type.BYTES_PER_ELEMENT;
  if (size !== bytes.length - start) {
    fail(
      `its shape (${shape.join(", ")}) takes ${size} bytes, and it holds ${bytes.length - start}`,
      "Copy the file again, it may be cut off.",
    );
  }
  const offset = bytes.byteOffset + start;
  if (offset % Type.BYTES_PER_ELEMENT === 0)
    return { shape, data: new Type(bytes.buffer as ArrayBuffer, offset, count) };
  return { shape, data: new Type(bytes.slice(start).buffer as ArrayBuffer) };
}

type Fail = (reason: string, fix?: string) => never;

/** The literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: these three keys, once each, in any order. */
function parseHeader(text: string, fail: Fail): { descr: string; fortran: boolean; shape: number[] } {
  const body = /^ *\{(.*)\}[ ]*\n?$/s.exec(text)?.[1];
  if (body === undefined) return fail("its header is not a dictionary");
  const fields = new Map<string, string>();
  // A value is a string, True or False, or a tuple of sizes; each is followed by a comma or by the end.
  const entry = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^'\\]*'|"[^"\\]*"|True|False|\([\d, ]*\))\s*(?:,|$)/y;
  while (/\S/.test(body.slice(entry.lastIndex))) {
    const match = entry.exec(body);
    const key = match?.[1] ?? match?.[2];
    if (!match || key === undefined) return fail("its header is not a dictionary of plain values");
    if (fields.has(key)) return fail(`its header has ${quote(key)} twice`);
    fields.set(key, match[3]!);
    if (fields.size > 3) break;
  }
  const { descr, fortran_order: fortran, shape } = Object.fromEntries(fields);
  if (fields.size !== 3 || descr === undefined || fortran === undefined || shape === undefined) {
    return fail("its header does not hold descr, fortran_order and shape alone");
  }
  if (!/^['"]/.test(descr)) return fail("its descr is not one type");
  if (fortran !== "True" && fortran !== "False") return fail("its fortran_order is neither True nor False");
  return { descr: descr.slice(1, -1), fortran: fortran === "True", shape: parseShape(shape, fail) };
}

function parseShape(text: string, fail: Fail): number[] {
  // One size needs its comma: (3) is a number in Python and no tuple.
  const inner = /^\((?:|(\d+,)|(\d+(?:, ?\d+)+),?) *\)$/.exec(text);
  if (!inner) return fail(`its shape ${quote(text)} is not a tuple of sizes`);
  const shape = (inner[1] ?? inner[2] ?? "")
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  if (shape.length > MAX_AXES) return fail(`its shape has ${shape.length} axes`);
  if (!shape.every(Number.isSafeInteger)) return fail("its shape has a size beyond all files");
  return shape;
}

/** Text of the file: escaped and cut, so that a message stays one readable line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
