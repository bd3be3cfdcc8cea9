import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Tuning } from "../../src/gpu/tuning.ts";
import { openGpu } from "../../src/node/openGpu.ts";
import { hostAdapterId, readTuning, removeTuning, tuningPaths, writeTuning } from "../../src/node/tuningCache.ts";
import { emptyTuning, withChoices } from "../../src/tuning/tuning.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";

const root = temporaryFolder("tuning");

const KEY = "groupNorm 8x4096x8, 4 groups";
const choice = { variant: "runs of 128", ms: 1, fallback: "runs of 64", fallbackMs: 1.5 };
const tuningOf = (adapter: string): Tuning => withChoices(emptyTuning(adapter), new Map([[KEY, choice]]));

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(root, "cache-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
  // Its second place is among temporary files.
  vi.stubEnv("TMPDIR", join(cache, "tmp"));
  vi.stubEnv("VOXTWIRL_NO_TUNING", "");
});
afterEach(() => vi.unstubAllEnvs());

function plant(adapter: string, text: string): string {
  const path = tuningPaths(adapter)[0]!;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe("the cache of tunings", () => {
  it("gives back what was written, by adapter, in the user's cache, and nothing else lies there", async () => {
    const path = await writeTuning(tuningOf("one"));
    await writeTuning(emptyTuning("two"));
    expect(path).toBe(tuningPaths("one")[0]);
    expect(dirname(path)).toBe(join(cache, "voxtwirl", "tuning"));
    expect(await readTuning("one")).toEqual({ tuning: tuningOf("one"), path });
    expect((await readTuning("two")).tuning).toEqual(emptyTuning("two"));
    expect(await readTuning("three")).toEqual({});
    expect(readdirSync(dirname(path)).length).toBe(2);
    expect(statSync(dirname(path)).mode & 0o022).toBe(0);
  });

  it("says in a line why a file is of no use", async () => {
    const files = [
      "",
      "not\nJSON\n",
      "{",
      "[]",
      '{"format":1}',
      JSON.stringify(tuningOf("another")),
      JSON.stringify({ ...tuningOf("one"), format: 9 }),
    ];
    for (const text of files) {
      const path = plant("one", text);
      const { tuning, problem } = await readTuning("one");
      expect(tuning).toBeUndefined();
      expect(problem).toContain(path);
      expect(problem).toMatch(/^[^\n]*not used: voxtwirl tune makes a new one, --reset removes it$/);
    }
  });

  it("tells how many choices are for kernels that have changed since", async () => {
    const tuning = tuningOf("one");
    const old = { ...tuning, kernels: { ...tuning.kernels, groupNorm: "0123456789abcdef" } };
    const path = plant("one", JSON.stringify(old));
    expect(await readTuning("one")).toEqual({ tuning: emptyTuning("one"), path, outdated: 1 });
  });

  it("forgets an adapter's, and says which files that were", async () => {
    const path = await writeTuning(tuningOf("one"));
    await writeTuning(tuningOf("two"));
    expect(await removeTuning("one")).toEqual([path]);
    expect(await readTuning("one")).toEqual({});
    expect((await readTuning("two")).tuning).toBeDefined();
    expect(await removeTuning("one")).toEqual([]);
  });

  it("takes the second place where the user's cache is a file", async () => {
    const file = join(cache, "file");
    writeFileSync(file, "");
    mkdirSync(join(cache, "tmp"));
    vi.stubEnv("XDG_CACHE_HOME", file);
    const path = await writeTuning(tuningOf("one"));
    expect(path.startsWith(join(cache, "tmp"))).toBe(true);
    expect(await readTuning("one")).toEqual({ tuning: tuningOf("one"), path });
  });

  it.skipIf(process.platform === "win32")(
    "does not write where others may, and says what to do where there is no other place",
    async () => {
      for (const folder of [join(cache, "voxtwirl"), join(cache, "tmp", `voxtwirl-${process.getuid!()}`)]) {
        mkdirSync(folder, { recursive: true });
        chmodSync(folder, 0o777);
      }
      await expect(writeTuning(tuningOf("one"))).rejects.toMatchObject({
        code: "io",
        fix: expect.stringContaining("XDG_CACHE_HOME"),
      });
    },
  );
});

describe("openGpu", () => {
  const adapter = async () => hostAdapterId((await testGpu()).info);

  it("uses what was found on this adapter, unless told not to", async () => {
    const tuning = tuningOf(await adapter());
    await writeTuning(tuning);
    const opened = async (options: Parameters<typeof openGpu>[0] = {}) => {
      const gpu = await openGpu(options);
      gpu.destroy();
      return { tuning: gpu.tuning, choices: gpu.caps.choices };
    };
    expect(await opened()).toEqual({ tuning, choices: { [KEY]: "runs of 128" } });
    const none = { tuning: undefined, choices: undefined };
    expect(await opened({ tuning: "none" })).toEqual(none);
    vi.stubEnv("VOXTWIRL_NO_TUNING", "1");
    expect(await opened()).toEqual(none);
    // Asked for by the caller, it counts all the same.
    expect(await opened({ tuning })).toEqual({ tuning, choices: { [KEY]: "runs of 128" } });
  });

  it("does without a file that is of no use, with one notice", async () => {
    const path = plant(await adapter(), readFileSync(new URL(import.meta.url), "utf8"));
    const notices: string[] = [];
    const gpu = await openGpu({ onNotice: (line) => notices.push(line) });
    gpu.destroy();
    expect(gpu.tuning).toBeUndefined();
    expect(notices.filter((line) => line.includes(path)).length).toBe(1);
  });

  it("refuses a tuning of another adapter that the caller gives", async () => {
    await expect(openGpu({ tuning: tuningOf("another") })).rejects.toMatchObject({ code: "bad-config" });
  });
});

describe("hostAdapterId", () => {
  const info = (description: string, isFallbackAdapter: boolean) =>
    ({ vendor: "v", architecture: "", device: "d", description, isFallbackAdapter }) as unknown as GPUAdapterInfo;

  it("names the processor where that is what computes", () => {
    expect(hostAdapterId(info("NVIDIA: 550", false))).toBe("v, d, NVIDIA: 550");
    expect(hostAdapterId(info("llvmpipe: Mesa 25", true))).toMatch(/^v, d, llvmpipe: Mesa 25, .+, \d+ threads$/);
  });
});
