/** What a file of another kind than the one wanted is, by its first bytes, for messages. */

export interface FileKind {
  /** With its article, to follow "is". */
  readonly name: KindName;
  /** What to do about it whatever was wanted; undefined where that depends on what was. */
  readonly fix?: string | undefined;
}

/** So much of a file tells its kind. */
export const KIND_BYTES = 512;

const unpack = "Unpack it, and give the file that it holds.";

/** First bytes, at an offset where they are not at the beginning. */
const binaries = [
  { start: "PK\x03\x04", name: "a zip archive", fix: unpack },
  { start: "PK\x05\x06", name: "an empty zip archive", fix: unpack },
  { start: "\x1f\x8b", name: "a gzip file", fix: "Unpack it: gunzip." },
  { start: "1AY&SY", offset: 4, name: "a bzip2 file", fix: "Unpack it: bunzip2." },
  { start: "\xfd7zXZ\0", name: "an xz file", fix: "Unpack it: unxz." },
  { start: "\x28\xb5\x2f\xfd", name: "a Zstandard file", fix: "Unpack it: unzstd." },
  { start: "\x04\x22\x4d\x18", name: "an LZ4 file", fix: "Unpack it: unlz4." },
  { start: "\x1f\x9d", name: "a file packed by compress", fix: "Unpack it: gunzip." },
  { start: "LZIP", name: "an lzip file", fix: "Unpack it: lzip -d." },
  { start: "7z\xbc\xaf\x27\x1c", name: "a 7z archive", fix: unpack },
  { start: "Rar!", name: "a RAR archive", fix: unpack },
  { start: "ustar", offset: 257, name: "a tar archive", fix: unpack },
  { start: "%PDF", name: "a PDF document" },
  { start: "\x89HDF", name: "an HDF5 file" },
  { start: "MATLAB 5.0 MAT-file", name: "a MATLAB file" },
  { start: "MATLAB 7.3 MAT-file", name: "a MATLAB file" },
  { start: "CDF\x01", name: "a NetCDF file" },
  { start: "CDF\x02", name: "a NetCDF file" },
  { start: "\x93NUMPY", name: "a NumPy array (.npy)" },
  { start: "\xde\xc0\xef\xbe", offset: 16, name: "an LMDB database" },
  { start: "SQLite format 3\0", name: "an SQLite database" },
  { start: "- of Ulm", name: "an ASE trajectory" },
  { start: "\x89PNG", name: "a PNG picture" },
  { start: "\xff\xd8\xff", name: "a JPEG picture" },
  { start: "\x80\x02", name: "a Python pickle" },
  { start: "\x80\x03", name: "a Python pickle" },
  { start: "\x80\x04\x95", name: "a Python pickle" },
  { start: "\x80\x05\x95", name: "a Python pickle" },
  { start: "\xd0\xcf\x11\xe0", name: "an Office document" },
] as const satisfies readonly { start: string; offset?: number; name: string; fix?: string }[];

/** Beginnings of what is text, and comes in the place of any file. */
const texts = [
  {
    start: /^version https:\/\/git-lfs/,
    name: "a git-lfs pointer, not the file itself",
    fix: "git lfs pull fetches it.",
  },
  {
    start: /^(<!doctype html|<html|<head|<body)/i,
    name: "an HTML page",
    fix: "Download the file itself: this page is what came in its place.",
  },
  { start: /^$/, name: "empty", fix: "Is it the right file, and was it written to its end?" },
] as const satisfies readonly { start: RegExp; name: string; fix: string }[];

export type KindName =
  | (typeof binaries | typeof texts)[number]["name"]
  | "a safetensors file"
  | "a NumPy archive (.npz)"
  | "a PyTorch file (.pt)"
  | "text";

/** What bytes are that are no text; undefined where they may be text, or do not tell. */
export function binaryKind(bytes: Uint8Array): FileKind | undefined {
  // First, as its first byte may be any: a small length of eight bytes, then JSON.
  if (bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0)) return { name: "a safetensors file" };
  const latin = Buffer.from(bytes.subarray(0, KIND_BYTES)).toString("latin1");
  const found = binaries.find((kind) => latin.startsWith(kind.start, "offset" in kind ? kind.offset : 0));
  if (found?.name === "a zip archive") {
    const first = latin.slice(30, 30 + latin.charCodeAt(26) + 256 * latin.charCodeAt(27));
    if (first.endsWith(".npy")) return { name: "a NumPy archive (.npz)" };
    if (first.endsWith("/data.pkl")) return { name: "a PyTorch file (.pt)" };
  }
  return found;
}

/** What a text is that is there instead of the file, without space at its beginning. */
export function textKind(text: string): FileKind | undefined {
  return texts.find(({ start }) => start.test(text));
}

/** What a file is that holds no text; undefined where its first bytes do not tell. */
export function fileKind(bytes: Uint8Array): FileKind | undefined {
  const first = bytes.subarray(0, KIND_BYTES);
  const binary = binaryKind(first);
  if (binary !== undefined) return binary;
  if (!first.every((byte) => (byte >= 32 && byte < 127) || (byte >= 9 && byte <= 13))) return undefined;
  return textKind(Buffer.from(first).toString("latin1").trimStart()) ?? { name: "text" };
}
