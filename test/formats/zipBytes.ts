import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../src/formats/crc32.ts";

export interface ZipOptions {
  /** Deflates instead of storing. */
  deflate?: boolean;
  /** Sizes and offsets of 64 bits, as an archive of more than 4 GiB has them. */
  zip64?: boolean;
  comment?: string;
}

/** A zip archive of files by their names. */
export function zipBytes(
  files: Readonly<Record<string, Uint8Array>>,
  { deflate = false, zip64 = false, comment = "" }: ZipOptions = {},
): Uint8Array {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  const length = (buffers: Buffer[]) => buffers.reduce((sum, { length }) => sum + length, 0);
  for (const [name, data] of Object.entries(files)) {
    const offset = length(parts);
    const packed = deflate ? deflateRawSync(data) : Buffer.from(data);
    const label = Buffer.from(name);
    const sizes = [packed.length, data.length];
    const extra = zip64
      ? Buffer.concat([bytes16(9, 0), bytes16(1, 24), bytes64(data.length, packed.length, offset)])
      : [];
    const common = [bytes16(45, 0, deflate ? 8 : 0, 0, 0), bytes32(crc32(data), ...(zip64 ? [~0, ~0] : sizes))];
    parts.push(bytes32(0x04034b50), ...common, bytes16(label.length, 0), label, packed);
    directory.push(bytes32(0x02014b50), bytes16(45), ...common, bytes16(label.length, extra.length, 0, 0, 0));
    directory.push(bytes32(0, zip64 ? ~0 : offset), label, Buffer.from(extra));
  }
  const [start, size, count] = [length(parts), length(directory), Object.keys(files).length];
  if (zip64) {
    directory.push(
      bytes32(0x06064b50),
      bytes64(44),
      bytes16(45, 45),
      bytes32(0, 0),
      bytes64(count, count, size, start),
    );
    directory.push(bytes32(0x07064b50, 0), bytes64(start + size), bytes32(1));
  }
  const ends = zip64 ? [bytes16(0, 0, ~0, ~0), bytes32(~0, ~0)] : [bytes16(0, 0, count, count), bytes32(size, start)];
  directory.push(bytes32(0x06054b50), ...ends, bytes16(comment.length), Buffer.from(comment));
  return Uint8Array.from(Buffer.concat([...parts, ...directory]));
}

const bytes16 = (...values: number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer);
const bytes32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
const bytes64 = (...values: number[]): Buffer => Buffer.from(BigUint64Array.from(values, BigInt).buffer);
