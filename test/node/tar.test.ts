import { buffer } from "node:stream/consumers";
import { type Header, pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { readTar } from "../../src/node/tar.ts";

/** An archive written by another implementation. */
async function tar(entries: (Partial<Header> & { name: string; data?: Uint8Array })[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { data = new Uint8Array(), ...header } of entries) archive.entry(header, Buffer.from(data));
  archive.finalize();
  return new Uint8Array(await buffer(archive));
}

/** The archive with the first header's magic as GNU's tar writes it, and the checksum that it then has. */
function asGnu(archive: Uint8Array): Uint8Array {
  const changed = Buffer.from(archive);
  changed.write("ustar  \0", 257, "latin1");
  changed.fill(" ", 148, 156);
  const sum = changed.subarray(0, 512).reduce((a, b) => a + b, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return new Uint8Array(changed);
}

const bytes = (length: number, start = 0) => Uint8Array.from({ length }, (_, i) => (start + i) % 251);

describe("readTar", () => {
  it("reads files of every length around the block size", async () => {
    const lengths = [0, 1, 511, 512, 513, 1024, 1500];
    const archive = await tar(lengths.map((length, i) => ({ name: `file${i}`, data: bytes(length, i) })));
    const files = readTar(archive);
    expect([...files.keys()]).toEqual(lengths.map((_, i) => `file${i}`));
    lengths.forEach((length, i) => expect(files.get(`file${i}`)).toEqual(bytes(length, i)));
  });

  it("leaves out folders and links, and keeps what follows them", async () => {
    const entries: Parameters<typeof tar>[0] = [
      { name: "dir/", type: "directory" },
      { name: "link", type: "symlink", linkname: "a.so" },
      { name: "./a.so", data: bytes(700) },
    ];
    expect([...readTar(await tar(entries))]).toEqual([["a.so", bytes(700)]]);
  });

  it("joins the prefix of POSIX archives only", async () => {
    const [folder, name] = ["a".repeat(80), "b".repeat(80)];
    const archive = await tar([{ name: `${folder}/${name}`, data: bytes(3) }]);
    expect([...readTar(archive).keys()]).toEqual([`${folder}/${name}`]);
    expect([...readTar(asGnu(archive)).keys()]).toEqual([name]);
  });

  it("refuses an archive that is damaged or cut off", async () => {
    const archive = await tar([{ name: "a", data: bytes(1000) }]);
    expect(() => readTar(archive.subarray(0, 1024))).toThrow(expect.objectContaining({ code: "bad-file" }));
    archive[0]! ^= 1;
    expect(() => readTar(archive)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });
});
