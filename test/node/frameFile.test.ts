import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readFrameFile, type ReadFramesOptions } from "../../src/node/frameFile.ts";
import type { NumberedFrame } from "../../src/molecules/frame.ts";
import { plain } from "../formats/frames.ts";
import { npzBytes, rmd17, type TestArray } from "../formats/npzBytes.ts";
import { temporaryFolder } from "../temporary.ts";

const folder = temporaryFolder("frames");

async function read(name: string, bytes?: string | Uint8Array, options?: ReadFramesOptions): Promise<NumberedFrame[]> {
  const path = join(folder, name);
  if (bytes !== undefined) writeFileSync(path, bytes);
  const frames: NumberedFrame[] = [];
  for await (const frame of readFrameFile(path, options)) frames.push(frame);
  return frames;
}

const record = (i: number) => `2\nenergy=${i} name="\u00e9 ${i}"\nO 0 0 ${i / 8}\nH 0 1 0\n`;
const text = Array.from({ length: 20 }, (_, i) => record(i)).join("");

describe("readFrameFile", () => {
  it("reads text in any packing and encoding", async () => {
    const frames = (await read("a.extxyz", text)).map(plain);
    expect(frames).toHaveLength(20);
    expect(frames[7]).toMatchObject({ number: 8, line: 29, info: { energy: 7, name: "\u00e9 7" } });
    const members = Buffer.concat(Array.from({ length: 20 }, (_, i) => gzipSync(record(i))));
    for (const bytes of [
      members,
      Buffer.from(`\ufeff${text.replaceAll("\n", "\r\n")}\n \n`),
      Buffer.from(`\ufeff${text}`, "utf16le"),
      Buffer.from(text, "utf16le").swap16(),
      gzipSync(Buffer.from(text, "utf16le")),
    ]) {
      expect((await read("b.xyz", bytes)).map(plain)).toEqual(frames);
    }
  });

  it("reads frames larger than what is read at once", async () => {
    const atoms = 60_000;
    const lines = Array.from({ length: atoms }, (_, i) => `C 0 0 ${i}.123456`).join("\n");
    const frames = await read("large.xyz", `${atoms}\n\n${lines}\n${record(3)}`);
    expect(frames.map(({ elements }) => elements.length)).toEqual([atoms, 2]);
    expect(frames[0]!.positions.at(-1)).toBe(atoms - 1 + 0.123456);
  });

  it("reads .npz archives with their labels and cells", async () => {
    const cell: TestArray = [[2, 3, 3], Array.from({ length: 18 }, (_, i) => i)];
    const frames = await read("a.npz", npzBytes({ ...rmd17, cell }));
    expect(plain(frames[1]!)).toEqual({
      number: 2,
      elements: Uint8Array.of(8, 1, 1),
      positions: Float64Array.from(rmd17.coords[1].slice(9)),
      cell: Float64Array.from(cell[1].slice(9)),
      pbc: [true, true, true],
      arrays: { forces: { kind: "R", width: 3, values: rmd17.forces[1].slice(9) } },
      info: { energy: -20 },
    });
    const broken = {
      ...rmd17,
      coords: [
        [2, 3, 3],
        [NaN, ...rmd17.coords[1].slice(1)],
      ] as TestArray,
    };
    await expect(read("b.npz", npzBytes(broken))).rejects.toThrow("b.npz, frame 1: atom 1 of 3 has the coordinate NaN");
    const left: number[] = [];
    const rest = await read("b.npz", undefined, { onLeftOut: ({ record: at }) => left.push(at!) });
    expect([rest.map(({ number }) => number), left]).toEqual([[2], [1]]);
    const lattice = npzBytes({ ...rmd17, lattice: [[3, 3], new Array<number>(9).fill(1)] });
    await expect(read("c.npz", lattice)).rejects.toThrow("has the array lattice");
    await expect(read("d.npz", npzBytes({ ...rmd17, cell: [[9], new Array<number>(9).fill(1)] }))).rejects.toThrow(
      '"cell.npy" has the shape (9), not (3, 3) or (2, 3, 3)',
    );
  });

  it("has the built-in sets", async () => {
    let frames = 0;
    for await (const frame of readFrameFile("builtin-forces")) {
      frames++;
      expect([...frame.info.keys(), ...frame.arrays.keys()]).toEqual(["name", "energy", "forces"]);
    }
    expect(frames).toBe(960);
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ["empty.xyz", "", /is empty/],
    ["cut.xyz.gz", gzipSync(text).subarray(0, 60), /is not a whole gzip file/],
    ["twice.xyz.gz", gzipSync(gzipSync(text)), /is a gzip file, not text/],
    ["page.xyz", "<!doctype html><html></html>", /is an HTML page/],
    ["array.xyz", "\x93NUMPY\x01\0", /holds no frame|is a NumPy array/],
    ["sqlite.db", "SQLite format 3\0".padEnd(600), /is an SQLite database/],
    ["faulty.xyz", `${record(1)}2\n\nO 0 0 0\nQq 0 0 0\n`, /faulty.xyz, frame 2, line 8: .* "Qq" is no element/],
    ["wrong.xyz", `${record(1)}oops\n`, /wrong.xyz, line 5: expected a number of atoms, found "oops"/],
  ])("refuses %s", async (name, bytes, message) => {
    const expected = { code: "bad-file", message: expect.stringMatching(message) as string };
    await expect(read(name, typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes)).rejects.toMatchObject(
      expected,
    );
  });

  it("refuses what is no file", async () => {
    mkdirSync(join(folder, "folder"));
    await expect(read("folder")).rejects.toThrow("is a folder");
    await expect(read("missing.xyz")).rejects.toThrow("missing.xyz does not exist");
    const backbones = async () => {
      for await (const _ of readFrameFile("builtin-backbones"));
    };
    await expect(backbones()).rejects.toThrow("protein chains");
  });
});
