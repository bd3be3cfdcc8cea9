const latin = (text: string) => [...text].map((character) => character.charCodeAt(0));

/** First bytes of files that people take for another. */
const KINDS: readonly [kind: string, start: readonly number[]][] = [
  ["a zip archive, as .npz and PyTorch's .pt are", latin("PK\x03\x04")],
  ["compressed by gzip", [0x1f, 0x8b]],
  ["compressed by xz", latin("\xfd7zXZ")],
  ["compressed by bzip2", latin("BZh")],
  ["compressed by zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["an HDF5 file", latin("\x89HDF")],
  ["a MATLAB file", latin("MATLAB ")],
  ["a pickle", [0x80, 2]],
  ["a pickle", [0x80, 3]],
  ["a pickle", [0x80, 4]],
  ["a pickle", [0x80, 5]],
  ["a git-lfs pointer instead of the file", latin("version https://git-lfs")],
  ["an HTML page", latin("<!DOCTYPE")],
  ["an HTML page", latin("<!doctype")],
  ["an HTML page", latin("<html")],
  ["an .npy file", latin("\x93NUMPY")],
];

export const SAFETENSORS = "a safetensors file";

/** What a file is by its first bytes, for messages; undefined where they do not tell. */
export function fileKind(first: Uint8Array): string | undefined {
  if (first.length === 0) return "empty";
  const known = KINDS.find(([, start]) => start.every((byte, i) => first[i] === byte));
  if (known) return known[0];
  // A small length of eight bytes, then JSON.
  if (first[8] === 0x7b && first[4] === 0 && first[5] === 0 && first[6] === 0 && first[7] === 0) {
    return SAFETENSORS;
  }
  return first.every((byte) => (byte >= 32 && byte < 127) || (byte >= 9 && byte <= 13)) ? "text" : undefined;
}
