/** CRC-32 as PNG asks for it (polynomial 0xedb88320, reflected). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Adler-32, the checksum at the end of a zlib stream. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}

function bigEndian(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const typed = Uint8Array.from([...Array.from(type, (c) => c.charCodeAt(0)), ...body]);
  return Uint8Array.from([...bigEndian(body.length), ...typed, ...bigEndian(crc32(typed))]);
}

/** A zlib stream of stored blocks: no compression, so no library and no Node module. */
function zlibStored(bytes: Uint8Array): Uint8Array {
  const parts: number[] = [0x78, 0x01];
  for (let start = 0; start < bytes.length; start += 65535) {
    const block = bytes.subarray(start, start + 65535);
    const isLast = start + 65535 >= bytes.length ? 1 : 0;
    const size = [block.length & 255, block.length >> 8];
    parts.push(isLast, ...size, ...size.map((byte) => byte ^ 255));
    for (const byte of block) parts.push(byte);
  }
  return Uint8Array.from([...parts, ...bigEndian(adler32(bytes))]);
}

/**
 * An uncompressed 8-bit PNG.
 * @param rgb three bytes a pixel, rows from the top, width * height * 3 in all
 */
export function encodePng(width: number, height: number, rgb: Uint8Array): Uint8Array {
  const rows = new Uint8Array(height * (1 + 3 * width));
  // Each row begins with its filter type, 0: none.
  for (let y = 0; y < height; y++) rows.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + 3 * width) + 1);
  const header = Uint8Array.from([...bigEndian(width), ...bigEndian(height), 8, 2, 0, 0, 0]);
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  const chunks = [chunk("IHDR", header), chunk("IDAT", zlibStored(rows)), chunk("IEND", new Uint8Array(0))];
  return Uint8Array.from([...signature, ...chunks.flatMap((bytes) => [...bytes])]);
}

/** The same as a data URI. */
export function pngDataUri(width: number, height: number, rgb: Uint8Array): string {
  const binary = [...encodePng(width, height, rgb)].map((byte) => String.fromCharCode(byte)).join("");
  return `data:image/png;base64,${btoa(binary)}`;
}
