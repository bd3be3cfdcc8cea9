import { describe, expect, it } from "vitest";
import { readTar } from "../../src/node/tar.ts";

interface Entry {
  name: string;
  data?: Uint8Array;
  type?: string;
  prefix?: string;
}

/** A tar archive written by the format's own rules, independent of the reader. */
function tar(entries: Entry[], magic = "ustar\x0000"): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const { name, data = new Uint8Array(), type = "0", prefix = "" } of entries) {
    const header = new Uint8Array(512);
    const put = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
    put(name, 0);
    put("0000644\0", 100);
    put(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
    put(type, 156);
    put(magic, 257);
    put(prefix, 345);
    put("        ", 148);
    const sum = header.reduce((a, b) => a + b, 0);
    put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = new Uint8Array(Math.ceil(data.length / 512) * 512);
    body.set(data);
    blocks.push(header, body);
  }
  blocks.push(new Uint8Array(1024));
  return Uint8Array.from(blocks.flatMap((block) => [...block]));
}

const bytes = (length: number, start = 0) => Uint8Array.from({ length }, (_, i) => (start + i) % 251);

describe("readTar", () => {
  it("reads files of every length around the block size", () => {
    const lengths = [0, 1, 511, 512, 513, 1024, 1500];
    const archive = tar(lengths.map((length, i) => ({ name: `file${i}`, data: bytes(length, i) })));
    const files = readTar(archive);
    expect([...files.keys()]).toEqual(lengths.map((_, i) => `file${i}`));
    lengths.forEach((length, i) => expect(files.get(`file${i}`)).toEqual(bytes(length, i)));
  });

  it("leaves out folders and links, and keeps what follows them", () => {
    const entries = [
      { name: "dir/", type: "5" },
      { name: "link", type: "2" },
      { name: "./a.so", data: bytes(700) },
    ];
    expect([...readTar(tar(entries))]).toEqual([["a.so", bytes(700)]]);
  });

  it("joins the prefix of POSIX archives only", () => {
    const entry = { name: "b", prefix: "a", data: bytes(3) };
    expect([...readTar(tar([entry])).keys()]).toEqual(["a/b"]);
    expect([...readTar(tar([entry], "ustar  \0")).keys()]).toEqual(["b"]);
  });

  it("refuses an archive that is damaged or cut off", () => {
    const archive = tar([{ name: "a", data: bytes(1000) }]);
    expect(() => readTar(archive.subarray(0, 1024))).toThrow(expect.objectContaining({ code: "bad-file" }));
    const damaged = archive.slice();
    damaged[0]! ^= 1;
    expect(() => readTar(damaged)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });
});
