import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { unpackSwiftShader } from "../../src/node/swiftshader.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "voxtwirl-swiftshader-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("TMPDIR", join(folder, "tmp"));
  vi.stubEnv("VOXTWIRL_NO_SWIFTSHADER", undefined);
  mkdirSync(join(folder, "tmp"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const isElf = (path: string) => readFileSync(path).subarray(0, 4).equals(Buffer.from("\x7fELF"));

describe("unpackSwiftShader", () => {
  it("puts driver, loader and manifest into the cache, once", () => {
    const first = unpackSwiftShader();
    expect(first.folder.startsWith(join(folder, "cache", "voxtwirl"))).toBe(true);
    expect(isElf(join(first.folder, "libvulkan.so.1"))).toBe(true);
    const { ICD } = JSON.parse(readFileSync(first.icd, "utf8")) as { ICD: { library_path: string } };
    expect(isElf(join(first.folder, ICD.library_path))).toBe(true);
    const made = statSync(first.folder).ino;
    expect(unpackSwiftShader()).toEqual(first);
    expect(statSync(first.folder).ino).toBe(made);
    expect(readdirSync(join(folder, "cache", "voxtwirl"))).toHaveLength(1);
  });

  it("repairs a folder that has lost a file", () => {
    const { folder: unpacked } = unpackSwiftShader();
    rmSync(join(unpacked, "libvulkan.so.1"));
    unpackSwiftShader();
    expect(existsSync(join(unpacked, "libvulkan.so.1"))).toBe(true);
  });

  it("goes to the folder for temporary files where the cache cannot be used", () => {
    writeFileSync(join(folder, "cache"), "a file, not a folder");
    expect(unpackSwiftShader().folder.startsWith(join(folder, "tmp"))).toBe(true);
  });

  it("refuses a cache folder that others may write to", () => {
    mkdirSync(join(folder, "cache", "voxtwirl"), { recursive: true });
    // Not through mkdir's mode, which the umask would cut.
    const open = join(folder, "cache", "voxtwirl");
    chmodSync(open, 0o777);
    expect(unpackSwiftShader().folder.startsWith(join(folder, "tmp"))).toBe(true);
  });

  it("can be switched off", () => {
    vi.stubEnv("VOXTWIRL_NO_SWIFTSHADER", "1");
    expect(() => unpackSwiftShader()).toThrow(expect.objectContaining({ code: "no-adapter" }));
  });
});
