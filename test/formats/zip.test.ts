import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VoxtwirlError } from "../../src/errors.ts";
import { crc32 } from "../../src/formats/crc32.ts";
import { sourceOf } from "../../src/formats/byteSource.ts";
import { inflateRaw } from "../../src/formats/inflate.ts";
import type { Fail } from "../../src/formats/npyHeader.ts";
import { unzip, zipEntries, type Inflate } from "../../src/formats/zip.ts";
import { inflate } from "../../src/node/moleculeBytes.ts";
import { boundedMemoryOf, FUZZ_RUNS } from "../fuzzRuns.ts";
import { zipBytes } from "./zipBytes.ts";

const fail: Fail = (reason, fix = "fix") => {
  throw new VoxtwirlError("bad-file", reason, fix);
};
const text = (value: string) => new TextEncoder().encode(value);
const files = { "a.npy": text("a".repeat(1000)), "b/c.npy": text("two"), empty: new Uint8Array(0) };

async function unpack(bytes: Uint8Array, how: Inflate = inflate): Promise<Record<string, Uint8Array>> {
  const all: Record<string, Uint8Array> = {};
  const source = sourceOf(bytes);
  for (const entry of await zipEntries(source, fail)) {
    all[entry.name] = Uint8Array.from(await unzip(source, entry, how, fail));
  }
  return all;
}

/** The bytes with some overwritten; a negative place counts from the end. */
function overwritten(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const changed = bytes.slice();
  changed.set(values, at < 0 ? bytes.length + at : at);
  return changed;
}

/** Where the first entry of the directory begins. */
function directoryOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).indexOf("PK\x01\x02");
}

describe("zip", () => {
  it.each([{}, { deflate: true }, { zip64: true }, { deflate: true, zip64: true, comment: "PK\x05\x06 and more" }])(
    "reads an archive of %j, by Node and by the host's stream",
    async (options) => {
      const bytes = zipBytes(files, options);
      for (const how of [inflate, inflateRaw]) expect(await unpack(bytes, how)).toEqual(files);
      const moved = new Uint8Array(bytes.length + 3);
      moved.set(bytes, 3);
      expect(await unpack(moved.subarray(3))).toEqual(files);
    },
  );

  it("reads what Python's zipfile wrote", async () => {
    // ZipFile.writestr("x.txt", "voxtwirl " * 4), deflated, by Python 3.
    const archive =
      "UEsDBBQAAAAIAAAAIVDSrOeGDgAAACQAAAAFAAAAeC50eHQry68oKc8sylEow80AAFBLAQIUAxQAAAAIAAAAIVDSrOeGDgAAACQAAAAFAAAA" +
      "AAAAAAAAAACAAQAAAAB4LnR4dFBLBQYAAAAAAQABADMAAAAxAAAAAAA=";
    const read = await unpack(Uint8Array.from(Buffer.from(archive, "base64")));
    expect(new TextDecoder().decode(read["x.txt"])).toBe("voxtwirl ".repeat(4));
  });

  it("knows the checksum of zip", () => {
    expect(crc32(text("123456789"))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
  });

  const stored = zipBytes(files);
  const deflated = zipBytes(files, { deflate: true });
  const entry = directoryOf(stored);
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /no directory/],
    ["a cut archive", stored.subarray(0, -30), /no directory/],
    ["an archive with bytes after it", Uint8Array.from([...stored, 0]), /no directory/],
    ["an archive without its beginning", stored.subarray(10), /directory/],
    ["too many entries", overwritten(stored, -12, 255, 255), /claims 65535 entries/],
    ["a directory beyond the end", overwritten(stored, -10, 255, 255, 255), /directory claims/],
    ["a directory elsewhere", overwritten(stored, -6, 0, 0, 0, 0), /entry 1 of 3 of its directory is none/],
    ["an endless name", overwritten(stored, entry + 28, 255, 255), /goes beyond its end/],
    ["an entry elsewhere", overwritten(stored, entry + 42, 1), /not where the directory says/],
    ["an entry beyond the end", overwritten(stored, entry + 42, 255, 255, 255), /not where the directory says/],
    ["a longer entry", overwritten(stored, entry + 20, 255, 255, 255), /takes 16777215 bytes/],
    ["a larger entry", overwritten(stored, entry + 24, 255, 255), /1000 packed bytes cannot be 65535/],
    ["a bomb's size", overwritten(deflated, directoryOf(deflated) + 24, 255, 255, 255), /packed bytes cannot be/],
    ["sizes of 64 bits that are not there", overwritten(stored, entry + 24, 255, 255, 255, 255), /are not there/],
    ["an encrypted entry", overwritten(stored, entry + 8, 1), /encrypted/],
    ["another method", overwritten(stored, entry + 10, 12), /method 12/],
    ["other bytes", overwritten(stored, 40, 0), /CRC-32/],
    ["a smaller entry", overwritten(deflated, directoryOf(deflated) + 24, 3, 0), /damaged|more bytes/],
    ["a greater entry", overwritten(deflated, directoryOf(deflated) + 24, 0xe9, 3), /fewer bytes than the 1001/],
    ["damaged deflate data", overwritten(deflated, 35, 255, 255), /damaged/],
    ["a false place of 64 bits", overwritten(zipBytes(files, { zip64: true }), -34, 0), /not where it says/],
  ])("refuses %s", async (_, bytes, message) => {
    for (const how of [inflate, inflateRaw]) {
      await expect(unpack(bytes, how)).rejects.toMatchObject({
        code: "bad-file",
        message: expect.stringMatching(message),
        fix: expect.stringMatching(/./),
      });
    }
  });

  it("survives broken archives", { timeout: 600_000 }, async () => {
    const valid = [{}, { deflate: true }, { zip64: true }, { deflate: true, zip64: true }].map((options) =>
      zipBytes(files, options),
    );
    const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), fc.uint8Array({ maxLength: 4 }));
    const mutated = fc.tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 3 })).map(([file, edits]) =>
      edits.reduce((now, [where, drop, insert]) => {
        const at = Math.floor(where * now.length);
        return Uint8Array.from([...now.subarray(0, at), ...insert, ...now.subarray(at + (drop || insert.length))]);
      }, file),
    );
    let [read, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), async (bytes) => {
        try {
          const source = sourceOf(bytes);
          for (const one of await boundedMemoryOf(bytes.length, () => zipEntries(source, fail))) {
            expect((await unzip(source, one, inflate, fail)).length).toBe(one.size);
          }
          read++;
        } catch (error) {
          if (!(error instanceof VoxtwirlError) || error.code !== "bad-file") throw error;
          refused++;
        }
      }),
      { numRuns: FUZZ_RUNS, seed: 7 },
    );
    expect(Math.min(read, refused)).toBeGreaterThan(100);
  });
});
