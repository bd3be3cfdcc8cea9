import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { unetParameters } from "../../src/models/unetLayout.ts";
import { folderRun, type FolderRunOptions, type RunEvent } from "../../src/runs/folderRun.ts";
import { openGpu } from "../../src/node/openGpu.ts";
import { RunFolder } from "../../src/runs/runFolder.ts";
import { hostAdapterId } from "../../src/node/tuningCache.ts";
import { stateTensors } from "../../src/training/checkpoint.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import { unetConfig, type VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { emptyTuning, withChoices } from "../../src/tuning/tuning.ts";
import { testGpu } from "../harness.ts";
import { molecules } from "../training/molecules.ts";
import { temporaryFolder } from "../temporary.ts";
import { isRow, timeless, training } from "./smallTraining.ts";

/** Bytes that still fit on the disk: then a write takes part of its data and the next fails. */
const disk = vi.hoisted(() => ({ left: Infinity }));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args);
      const write = file.write.bind(file) as (data: Uint8Array, offset: number, length: number) => Promise<unknown>;
      file.write = ((data: Uint8Array, offset: number, length: number) => {
        if (disk.left <= 0) {
          const full = { code: "ENOSPC", syscall: "write" };
          throw Object.assign(new Error("ENOSPC: no space left on device, write"), full);
        }
        const fits = Math.min(length, disk.left);
        disk.left -= fits;
        return write(data, offset, fits);
      }) as unknown as typeof file.write;
      return file;
    },
  };
});

const root = temporaryFolder("lost");

const data = {
  train: molecules(10, 1),
  heldout: molecules(2, 2),
  skipped: { unknownElement: 0, doesNotFit: 0, unknownElements: [] },
};
const configOf = (changes: Partial<VoxelConfig> = {}): RunConfig => ({
  format: 1,
  version: "0",
  task: voxels.name,
  training: voxels.check({ ...training, ...changes }),
  data: { source: "test", sha256: "", splitSeed: 1, training: 10, heldout: 2, skipped: 0 },
  adapter: "",
});

interface Watched extends Partial<FolderRunOptions> {
  readonly onEvent?: (event: RunEvent) => void;
}

/** A run to its end, which it returns. */
async function begin(gpu: Gpu, folder: RunFolder, { onEvent, ...options }: Watched = {}) {
  const events: RunEvent[] = [];
  for await (const event of folderRun({
    gpu,
    task: voxels,
    folder,
    config: configOf(),
    data,
    resume: false,
    ...options,
  })) {
    onEvent?.(event);
    events.push(event);
  }
  return events.at(-1)!;
}

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

  // In the middle of a step, of an evaluation, and of a checkpoint.
  it.each<[string, number, (event: RunEvent, lose: () => void) => unknown]>([
    ["a step", 0, (event, lose) => event.type === "progress" && event.step === 1 && setImmediate(lose)],
    ["an evaluation", 2, (event, lose) => isRow(event, "train", 4) && lose()],
    ["a checkpoint", 2, (event, lose) => isRow(event, "eval", 4) && lose()],
  ])(
    "throws a typed error when the device is lost in %s, and goes on from the checkpoint",
    async (when, kept, losing) => {
      const doomed = await openGpu();
      const folder = await newFolder(`lost in ${when}`);
      const lost = begin(doomed, folder, { onEvent: (event) => losing(event, () => doomed.device.destroy()) });
      await expect(lost).rejects.toMatchObject({ code: "device-lost", fix: expect.stringContaining("--resume") });
      doomed.destroy();
      expect((await folder.readState()).metadata.step).toBe(String(kept));
      expect(temporaries(folder)).toEqual([]);
      const report = readFileSync(folder.file("report"), "utf8");
      expect(report).toMatch(/Stopped by an error: .*device was lost/);
      expect(report).not.toContain("One held-out molecule");
      expect(await begin(gpu, folder, { resume: true })).toMatchObject({ step: 6, interrupted: false });
      await expectSameAsWhole(folder);
    },
  );

  it.each([
    ["the state", 1000],
    ["the model", -1000],
  ])("stops when the disk fills up in %s, and goes on from what is there", async (what, room) => {
    const folder = await newFolder(`full in ${what}`);
    const state = statSync(whole.file("state")).size;
    // The disk fills up in the checkpoint of step 4.
    const onEvent = (event: RunEvent) => {
      if (isRow(event, "eval", 4)) disk.left = room > 0 ? room : state - room;
    };
    try {
      const advice = {
        code: "io",
        message: expect.stringMatching(/cannot write .*ENOSPC/),
        fix: expect.stringMatching(/disk is full/),
      };
      await expect(begin(gpu, folder, { onEvent })).rejects.toMatchObject(advice);
    } finally {
      disk.left = Infinity;
    }
    expect((await folder.readState()).metadata.step).toBe(room > 0 ? "2" : "4");
    expect((await folder.readModel()).metadata.step).toBe("2");
    expect(temporaries(folder)).toEqual([]);
    await begin(gpu, folder, { resume: true });
    await expectSameAsWhole(folder);
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

  it.each([
    ["loss or gradient", { lr: 1e30, every: 100 }, /loss or gradient is not finite at step 2; .* step 0$/],
    ["the held-out loss", { lr: 1e30, every: 1 }, /the held-out loss is not finite at step 1; .* step 0$/],
    ["the very first loss", { sigma: 1e25 }, /the held-out loss is not finite at step 0; there is no checkpoint yet/],
  ])("stops where %s is not finite, and keeps the weights before", async (what, changes, message) => {
    const folder = await newFolder(`not finite ${what}`);
    const failure = begin(gpu, folder, { config: configOf(changes) });
    await expect(failure).rejects.toMatchObject({
      code: "not-finite",
      message: expect.stringMatching(message),
      fix: expect.stringContaining("--lr"),
    });
    expect(temporaries(folder)).toEqual([]);
    if (/no checkpoint/.test(message.source)) return;
    const report = readFileSync(folder.file("report"), "utf8");
    expect(report).toMatch(/Stopped by an error: .* not finite at step/);
    expect(report).toContain("One held-out molecule");
    const { tensors, metadata } = await folder.readState();
    expect(metadata.step).toBe("0");
    const parameters = unetParameters(unetConfig(training));
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, training.seed);
    expect([...tensors.values()]).toEqual(await stateTensors(store, parameters));
    store.destroy();
  });
});
