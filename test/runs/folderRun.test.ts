import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import type { RunEvent } from "../../src/runs/folderRun.ts";
import { openGpu } from "../../src/node/openGpu.ts";
import { RunFolder } from "../../src/runs/runFolder.ts";
import { hostAdapterId } from "../../src/node/tuningCache.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import { emptyTuning, withChoices } from "../../src/tuning/tuning.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";
import { begin as beginRun, isRow, smallVoxels, timeless, type Watched } from "./smallTraining.ts";

const root = temporaryFolder("folder-run");

const { configOf } = smallVoxels;
const begin = (gpu: Gpu, folder: RunFolder, options?: Watched) => beginRun(smallVoxels, gpu, folder, options);

const newFolder = (name: string) => RunFolder.create({ out: join(root, name), preset: "tiny" });
const temporaries = (folder: RunFolder) => readdirSync(folder.path).filter((name) => name.endsWith(".tmp"));

describe("folderRun", () => {
  let gpu: Gpu;
  let whole: RunFolder;
  beforeAll(async () => {
    gpu = await testGpu();
    whole = await newFolder("whole");
    await begin(gpu, whole);
  });

  async function expectSameAsWhole(folder: RunFolder) {
    expect((await folder.readState()).tensors).toEqual((await whole.readState()).tensors);
    expect(await folder.readModel()).toEqual(await whole.readModel());
    expect(await timeless(folder)).toEqual(await timeless(whole));
    expect(temporaries(folder)).toEqual([]);
  }

  it("frees what it took from the device", async () => {
    const before = gpu.allocatedBytes;
    await begin(gpu, await newFolder("again"));
    expect(gpu.allocatedBytes).toBe(before);
  });

  it("cuts a batch that does not fit into micro-batches with the same gradients", async () => {
    const config = configOf({ batch: 12, microBatch: 12, steps: 2 });
    const free = await openGpu();
    const folder = await newFolder("fits");
    let most = 0;
    const watch = { onEvent: () => void (most = Math.max(most, free.allocatedBytes)) };
    await begin(free, folder, { config, ...watch });
    free.destroy();
    // A little less than the whole batch needs: halves or thirds still fit.
    const tight = await openGpu({ memoryBudget: Math.floor(most * 0.97) });
    const cut = await newFolder("cut");
    await begin(tight, cut, { config });
    tight.destroy();
    const losses = async (run: RunFolder) =>
      (await run.readMetrics()).flatMap((row) => (row.type === "train" ? [row.loss] : []));
    const [whole, parts] = [await losses(folder), await losses(cut)];
    expect(parts.length).toBe(2);
    parts.forEach((loss, i) => expect(Math.abs(loss / whole[i]! - 1)).toBeLessThan(1e-4));
    // Another order of summation: were nothing cut, they would be bitwise the same.
    expect((await cut.readState()).tensors).not.toEqual((await folder.readState()).tensors);
  });

  it("leaves an earlier run alone when the new one does not fit", async () => {
    const folder = await newFolder("precious");
    await begin(gpu, folder);
    const before = await folder.readState();
    const tight = await openGpu({ memoryBudget: 100_000 });
    folder.close();
    const again = await RunFolder.create({ out: folder.path, preset: "tiny", force: true });
    await expect(begin(tight, again)).rejects.toMatchObject({ code: "out-of-memory" });
    tight.destroy();
    expect(await folder.readState()).toEqual(before);
  });

  it("stops without writing anything when its folder was taken over", async () => {
    const folder = await newFolder("taken over");
    let taken: Promise<RunFolder> | undefined;
    const onEvent = (event: RunEvent) => {
      if (isRow(event, "train", 3)) taken ??= RunFolder.open(folder.path, { takeOver: true });
    };
    const lost = begin(gpu, folder, { config: configOf({ steps: 1000, every: 1000 }), onEvent });
    await expect(lost).rejects.toMatchObject({ code: "in-use", message: expect.stringContaining("taken over") });
    expect((await folder.readState()).metadata.step).toBe("0");
    expect(readdirSync(folder.path)).not.toContain("report.html");
    expect(temporaries(folder)).toEqual([]);
    (await taken!).close();
    await expect(folder.writeConfig({})).rejects.toMatchObject({ code: "in-use" });
  });

  it("does not evaluate step 0 twice when it stopped right after the first checkpoint", async () => {
    const folder = await newFolder("zero");
    const controller = new AbortController();
    controller.abort();
    expect(await begin(gpu, folder, { signal: controller.signal })).toMatchObject({ step: 0, interrupted: true });
    await begin(gpu, folder, { resume: true });
    await expectSameAsWhole(folder);
  });

  it("makes a model that is missing or older than the state anew", async () => {
    const folder = await newFolder("between");
    await begin(gpu, folder, { config: configOf({ steps: 4 }) });
    const { tensors } = await folder.readModel();
    await begin(gpu, folder, { resume: true });
    await folder.writeModel([...tensors.values()], { step: "4" });
    await begin(gpu, folder, { resume: true });
    await expectSameAsWhole(folder);
    rmSync(folder.file("model"));
    await begin(gpu, folder, { resume: true });
    await expectSameAsWhole(folder);
  });

  it("refuses fewer steps than are done, and changes nothing", async () => {
    const folder = await newFolder("fewer");
    await begin(gpu, folder);
    const less = begin(gpu, folder, { config: configOf({ steps: 5 }), resume: true });
    await expect(less).rejects.toMatchObject({ code: "bad-option", message: expect.stringContaining("6 steps") });
    expect(await folder.readConfig()).toEqual({ ...configOf(), tuning: "none" });
    await expectSameAsWhole(folder);
  });

  it("writes down which variants of kernels ran, and warns when a resumed run has others", async () => {
    const adapter = hostAdapterId(gpu.info);
    const tuned = async (variant: string) => {
      const choice = { variant, ms: 1, fallback: "runs of 64", fallbackMs: 2 };
      const choices = new Map([["groupNorm 2x512x4, 2 groups, silu", choice]]);
      return openGpu({ tuning: withChoices(emptyTuning(adapter), choices) });
    };
    const folder = await newFolder("tuned");
    const warnings: string[] = [];
    const onEvent = (event: RunEvent) => {
      if (event.type === "note") warnings.push(event.text);
    };
    const hashOf = async () => ((await folder.readConfig()) as RunConfig).tuning!;
    const [first, other] = [await tuned("runs of 8"), await tuned("runs of 256")];
    try {
      await begin(first, folder, { config: configOf({ steps: 2 }), onEvent });
      const hash = await hashOf();
      expect(hash).toMatch(/^[0-9a-f]{16}$/);
      expect((JSON.parse((await folder.readState()).metadata.config!) as RunConfig).tuning).toBe(hash);
      const goOn = (on: Gpu, steps: number, config: RunConfig) =>
        begin(on, folder, { config: { ...config, training: configOf({ steps }).training }, resume: true, onEvent });
      await goOn(first, 3, (await folder.readConfig()) as RunConfig);
      expect({ warnings, hash: await hashOf() }).toEqual({ warnings: [], hash });
      await goOn(other, 4, (await folder.readConfig()) as RunConfig);
      const second = await hashOf();
      expect(second).not.toBe(hash);
      expect(warnings).toEqual([
        expect.stringMatching(`tuning ${second}, the run began with those of tuning ${hash}: .* rounding`),
      ]);
      expect(readFileSync(folder.file("report"), "utf8")).toContain(warnings[0]!.replace(/'/g, "&#39;"));
      await goOn(gpu, 6, (await folder.readConfig()) as RunConfig);
      expect(warnings[1]).toMatch(`those of the table, the run began with those of tuning ${second}`);
      expect(await hashOf()).toBe("none");
      // Runs from before say nothing of it: they had the table's.
      const { tuning: _, ...old } = (await folder.readConfig()) as RunConfig;
      await goOn(gpu, 6, old);
      expect(warnings.length).toBe(2);
    } finally {
      first.destroy();
      other.destroy();
    }
  });

  it("refuses a state that is cut off or of another model, and changes nothing", async () => {
    const folder = await newFolder("spoilt");
    await begin(gpu, folder);
    const bytes = readFileSync(folder.file("state"));
    const { tensors, metadata } = await folder.readState();
    const name = [...tensors.keys()].find((key) => key.startsWith("ema."))!;
    const refuse = (message: RegExp) =>
      expect(begin(gpu, folder, { resume: true })).rejects.toMatchObject({
        code: "bad-file",
        message: expect.stringMatching(message),
      });
    for (const length of [3, 100, bytes.length - 1]) {
      writeFileSync(folder.file("state"), bytes.subarray(0, length));
      await refuse(/state\.safetensors is not a valid safetensors file/);
    }
    await folder.writeState(
      [...tensors.values()].filter((tensor) => tensor.name !== name),
      metadata,
    );
    await refuse(new RegExp(`'${name.replaceAll(".", "\\.")}' is missing`));
    const other = { ...tensors.get(name)!, name, shape: [1, ...tensors.get(name)!.shape] };
    await folder.writeState(
      [...tensors.values()].map((tensor) => (tensor.name === name ? other : tensor)),
      metadata,
    );
    await refuse(/the model wants F32/);
    writeFileSync(folder.file("state"), bytes);
    await begin(gpu, folder, { resume: true });
    await expectSameAsWhole(folder);
  });

  it("stops where the very first loss is not finite, with nothing to go on from", async () => {
    const broken = begin(gpu, await newFolder("not finite"), { config: configOf({ sigma: 1e25 }) });
    const message = "the held-out loss is not finite at step 0; there is no checkpoint yet";
    await expect(broken).rejects.toMatchObject({ code: "not-finite", message, fix: expect.stringContaining("--lr") });
  });
});
