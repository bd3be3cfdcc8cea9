/** What is written before the numbers of an .npy file. */

/** Room for any number of entries of eight axes; numbers begin at a multiple of 64 bytes, as NumPy has them. */
export const NPY_HEAD_BYTES = 256;
/** Magic, version 1.0 and the length of what follows. */
const prefix = [0x93, ...Array.from("NUMPY", (letter) => letter.charCodeAt(0)), 1, 0];

/** Little-endian numbers as NumPy names them, truth values, and texts. */
export type NpyType = "<f4" | "<f8" | "<i8" | "|b1" | `<U${number}`;

/** The head of an array in C order, of as many bytes for any shape. */
export function npyHead(shape: readonly number[], type: NpyType): Uint8Array {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = NPY_HEAD_BYTES - prefix.length - 2;
  const head = new Uint8Array(NPY_HEAD_BYTES);
  head.set([...prefix, length & 255, length >> 8]);
  head.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), prefix.length + 2);
  return head;
}
