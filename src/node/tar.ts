import { VoxtwirlError } from "../errors.ts";

const BLOCK = 512;

/**
 * Reads the regular files of a tar archive (ustar and GNU headers with short names), in order.
 *
 * @param archive the whole archive, uncompressed
 * @returns file names as stored, with views into `archive`
 * @throws VoxtwirlError "bad-file" when a header's checksum is wrong or the archive is cut off
 */
export function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= archive.length;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (octal(header, 148, 8) !== checksum(header)) throw broken("a header's checksum is wrong");
    const size = octal(header, 124, 12);
    const start = at + BLOCK;
    if (start + size > archive.length) throw broken("it is cut off");
    const type = String.fromCharCode(header[156]!);
    if (type === "0" || type === "\0") files.set(fileName(header), archive.subarray(start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

function fileName(header: Uint8Array): string {
  const name = text(header, 0, 100);
  // Only POSIX archives ("ustar" and a zero byte) keep a prefix here; GNU ones keep times.
  const prefix = text(header, 257, 6) === "ustar" && header[262] === 0 ? text(header, 345, 155) : "";
  return (prefix ? `${prefix}/${name}` : name).replace(/^\.\//, "");
}

function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function octal(header: Uint8Array, from: number, length: number): number {
  const digits = text(header, from, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw broken("a number in a header is not octal");
  return Number.parseInt(digits, 8);
}

/** Sum of the header's bytes, its own field (bytes 148 to 155) counted as spaces. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
}

function broken(why: string): VoxtwirlError {
  const fix = "Install the package it came from anew.";
  return new VoxtwirlError("bad-file", `This tar archive cannot be read: ${why}.`, fix);
}
