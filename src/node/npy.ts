/**
 * NumPy's .npy files: magic, version, the header's length (little endian), a Python literal that describes one array,
 * the data. Read is what numpy.load reads of real numbers: any header, any byte order, either order of axes; floats of
 * 16 to 64 bits, integers and booleans.
 */
import { VoxtwirlError } from "../errors.ts";
import { fileKind, KIND_BYTES, type KindName } from "./fileKind.ts";
import { readBytes, withFile, type OpenFile } from "./files.ts";
import { CUT_OFF, decodeNpyArray, indexNpy, isNpy, npyFrame, turnNpy, type NpyArray } from "../formats/npyArray.ts";
import type { Fail } from "../formats/npyHeader.ts";
import type { Numbers } from "../formats/npyNumbers.ts";

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
  if (!isNpy(first)) failForeign(Buffer.concat([first, await file.read(12, KIND_BYTES - 12)]), fail);
  const { dataStart } = npyFrame(first, fail);
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
  const turned = turnNpy(await read(0, count), shape);
  return { shape, read: (start, numbers) => Promise.resolve(turned.subarray(start, start + numbers)) };
}

/**
 * Reads an .npy file. The header is checked against the file's size before any data is touched; the array lies in
 * `bytes` where type, byte order and alignment allow, else it is a copy.
 *
 * @throws VoxtwirlError "bad-file", and nothing else, with `fileName` and what is wrong
 */
export function decodeNpy(bytes: Uint8Array, fileName = "the file"): NpyArray {
  const fail = failure(fileName);
  return isNpy(bytes) ? decodeNpyArray(bytes, fail) : failForeign(bytes, fail);
}

function failure(fileName: string): Fail {
  return (reason, fix = "Write it again with numpy.save(file, array.astype('<f4')).") => {
    throw new VoxtwirlError("bad-file", `${fileName} is not an .npy file that can be read: ${reason}`, fix);
  };
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
