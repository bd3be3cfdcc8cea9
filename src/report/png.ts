import { encode } from "fast-png";

/**
 * A picture as the data URI of an 8-bit PNG.
 * @param rgb three bytes a pixel, rows from the top, width * height * 3 in all
 */
export function pngDataUri(width: number, height: number, rgb: Uint8Array): string {
  const png = encode({ width, height, data: rgb, channels: 3 }, { zlib: { level: 9 } });
  return `data:image/png;base64,${btoa(Array.from(png, (byte) => String.fromCharCode(byte)).join(""))}`;
}
