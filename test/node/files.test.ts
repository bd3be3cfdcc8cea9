import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ioError, isTemporaryOf, readBytes, readJson, sha256File, writeFileAtomic } from "../../src/node/files.ts";

/** Set to make every write after that many fail as on a full disk, or every write short. */
const disk = vi.hoisted(() => ({ writesLeft: Infinity, shortWrites: false, syncs: 0 }));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args);
      const write = file.write.bind(file) as (data: Uint8Array, offset: number, length: number) => Promise<unknown>;
      const sync = file.sync.bind(file);
      file.write = ((data: Uint8Array, offset: number, length: number) => {
        if (disk.writesLeft-- <= 0) {
          const full = new Error("ENOSPC: no space left on device, write");
          throw Object.assign(full, { code: "ENOSPC", syscall: "write" });
        }
        return write(data, offset, disk.shortWrites ? Math.min(length, 3) : length);
      }) as unknown as typeof file.write;
      file.sync = () => (disk.syncs++, sync());
      return file;
    },
  };
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "voxtwirl-files-"));
  Object.assign(disk, { writesLeft: Infinity, shortWrites: false, syncs: 0 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("writeFileAtomic", () => {
  it("writes text, bytes and chunks, and replaces what was there", async () => {
    const path = join(folder, "a");
    await writeFileAtomic(path, "Å\n");
    expect(await readFile(path, "utf8")).toBe("Å\n");
    await writeFileAtomic(path, Uint8Array.of(1, 2));
    expect([...(await readFile(path))]).toEqual([1, 2]);
    await writeFileAtomic(path, [Uint8Array.of(3), new Uint8Array(0), Uint8Array.of(4, 5)]);
    expect([...(await readBytes(path))]).toEqual([3, 4, 5]);
    async function* later() {
      yield Uint8Array.of(6);
      yield Uint8Array.of(7);
    }
    await writeFileAtomic(path, later());
    expect([...(await readBytes(path))]).toEqual([6, 7]);
    expect(await readdir(folder)).toEqual(["a"]);
    expect(disk.syncs).toBe(8);
  });

  it("goes on after short writes", async () => {
    disk.shortWrites = true;
    await writeFileAtomic(
      join(folder, "a"),
      ["0123456789", "abcd"].map((text) => Buffer.from(text)),
    );
    expect(await readFile(join(folder, "a"), "utf8")).toBe("0123456789abcd");
  });

  it("leaves the old file and nothing else when the disk fills up", async () => {
    const path = join(folder, "a");
    await writeFileAtomic(path, "old");
    for (const writes of [0, 1]) {
      disk.writesLeft = writes;
      await expect(writeFileAtomic(path, [Uint8Array.of(1), Uint8Array.of(2)])).rejects.toMatchObject({
        name: "VoxtwirlError",
        code: "io",
        message: expect.stringContaining(path),
        fix: expect.stringMatching(/disk is full.*free/),
      });
      expect(await readdir(folder)).toEqual(["a"]);
      expect(await readFile(path, "utf8")).toBe("old");
    }
  });

  it("passes on what the chunks throw, and cleans up", async () => {
    const failure = new Error("from the generator");
    function* broken() {
      yield Uint8Array.of(1);
      throw failure;
    }
    await expect(writeFileAtomic(join(folder, "a"), broken())).rejects.toBe(failure);
    expect(await readdir(folder)).toEqual([]);
  });

  it("explains a missing folder, and a folder in the file's place", async () => {
    await expect(writeFileAtomic(join(folder, "no", "a"), "")).rejects.toMatchObject({
      code: "io",
      fix: expect.stringContaining("no such"),
    });
    await mkdir(join(folder, "a"));
    await expect(writeFileAtomic(join(folder, "a"), "")).rejects.toMatchObject({ code: "io" });
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("knows its temporary files by name", async () => {
    let seen: string[] = [];
    async function* look() {
      seen = await readdir(folder);
      yield Uint8Array.of(1);
    }
    await writeFileAtomic(join(folder, "model.x"), look());
    expect(seen).toHaveLength(1);
    expect(isTemporaryOf("model.x", seen[0]!)).toBe(true);
    expect(isTemporaryOf("model", seen[0]!)).toBe(false);
    expect(isTemporaryOf("model.x", "model.x")).toBe(false);
    expect(isTemporaryOf("model.x", seen[0]!.replace(/^\.vt-./, ".vt-x"))).toBe(false);
  });

  const longNames = ["a".repeat(255), "ä".repeat(127), "分子".repeat(42)];
  it.each(longNames)("writes files with names as long as file systems take: %#", async (name) => {
    let longest = 0;
    async function* look() {
      longest = Math.max(...(await readdir(folder)).map((found) => Buffer.byteLength(found)));
      yield Uint8Array.of(1);
    }
    await writeFileAtomic(join(folder, name), look());
    expect(await readdir(folder)).toEqual([name]);
    // Well within the 143 bytes of eCryptfs.
    expect(longest).toBeLessThan(64);
  });

  it("keeps the old file where a last check says so", async () => {
    const path = join(folder, "a");
    await writeFileAtomic(path, "old");
    const failure = new Error("not any more");
    const check = async () => {
      expect(await readdir(folder)).toHaveLength(2);
      throw failure;
    };
    await expect(writeFileAtomic(path, "new", check)).rejects.toBe(failure);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a"]);
  });
});

describe("reading", () => {
  it("takes JSON, and says what is wrong with the rest", async () => {
    await writeFile(join(folder, "a.json"), '{"a": [1]}');
    expect(await readJson(join(folder, "a.json"))).toEqual({ a: [1] });
    await writeFile(join(folder, "b.json"), '{"a": [1');
    await expect(readJson(join(folder, "b.json"))).rejects.toMatchObject({
      code: "bad-file",
      message: expect.stringContaining("b.json"),
    });
    const advice = (text: string): object => ({ code: "io", fix: expect.stringContaining(text) });
    await expect(readJson(join(folder, "c.json"))).rejects.toMatchObject(advice("no such file"));
    await expect(readJson(folder)).rejects.toMatchObject(advice("is a folder"));
  });

  it("reads bytes into memory of their own, aligned", async () => {
    const data = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    await writeFile(join(folder, "a"), data);
    const bytes = await readBytes(join(folder, "a"));
    expect(bytes).toEqual(data);
    expect(bytes.byteOffset).toBe(0);
    await expect(readBytes(join(folder, "b"))).rejects.toMatchObject({ code: "io" });
  });

  it("hashes in pieces", async () => {
    await writeFile(join(folder, "a"), "abc");
    const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(await sha256File(join(folder, "a"))).toBe(known);
    await writeFile(join(folder, "b"), "a".repeat(1_000_000));
    const million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    expect(await sha256File(join(folder, "b"))).toBe(million);
    await expect(sha256File(join(folder, "c"))).rejects.toMatchObject({ code: "io" });
  });
});

describe("ioError", () => {
  it("advises on a full disk as the system itself reports it", async () => {
    const full = await open("/dev/full", "r+");
    try {
      const error = await full.writeFile("x").catch((error: unknown) => error);
      expect(ioError(error, "write", "runs/a")).toMatchObject({
        code: "io",
        message: expect.stringContaining("cannot write runs/a: ENOSPC"),
        fix: expect.stringContaining("free some space"),
      });
    } finally {
      await full.close();
    }
  });

  it("leaves other errors alone", () => {
    const error = new TypeError("a bug");
    expect(ioError(error, "write", "a")).toBe(error);
  });
});
