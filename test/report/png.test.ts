import { inflateSync } from "node:zlib";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { pngDataUri } from "../../src/report/png.ts";

/** The chunks of a PNG, by name. */
function chunks(uri: string): Map<string, Buffer> {
  const [head, base64] = uri.split(",") as [string, string];
  expect(head).toBe("data:image/png;base64");
  const png = Buffer.from(base64, "base64");
  expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  // A checksum that is wrong throws.
  decode(png, { checkCrc: true });
  const found = new Map<string, Buffer>();
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    found.set(png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return found;
}

test("pixels inflate to what went in, whatever the sizes", () => {
  for (const [width, height] of [
    [1, 1],
    [3, 5],
    [200, 120],
  ] as const) {
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + (i >> 8)) & 255);
    const found = chunks(pngDataUri(width, height, rgb));
    expect([...found.keys()]).toEqual(["IHDR", "IDAT", "IEND"]);
    const header = found.get("IHDR")!;
    expect([header.readUInt32BE(0), header.readUInt32BE(4)]).toEqual([width, height]);
    // Eight bits a channel, RGB, deflate, no interlacing.
    expect([...header.subarray(8)]).toEqual([8, 2, 0, 0, 0]);
    const rows = inflateSync(found.get("IDAT")!);
    const pixels = Array.from({ length: height }, (_, y) => [...rgb.subarray(y * width * 3, (y + 1) * width * 3)]);
    // Each row begins with its filter, 0: none.
    expect([...rows]).toEqual(pixels.flatMap((row) => [0, ...row]));
  }
});

test("pictures are compressed, and the same each time", () => {
  const black = new Uint8Array(64 * 64 * 3);
  expect(pngDataUri(64, 64, black).length).toBeLessThan(200);
  expect(pngDataUri(64, 64, black)).toBe(pngDataUri(64, 64, black));
});
