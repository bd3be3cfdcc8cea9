import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { ParameterStore } from "../../src/graph/parameters.ts";
import { initialise } from "../../src/models/initialise.ts";
import { openGpu } from "../../src/node/openGpu.ts";
import type { RunEvent } from "../../src/runs/folderRun.ts";
import { RunFolder } from "../../src/runs/runFolder.ts";
import { stateTensors } from "../../src/training/checkpoint.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";
import { begin as beginRun, isRow, smallForces, smallVoxels, timeless, type Watched } from "./smallTraining.ts";

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

const root = temporaryFolder("broken-run");

describe.each([
  // Its pictures are made with the device.
  ["voxels", smallVoxels, { shown: "One held-out molecule", shownWhenLost: false }],
  ["forces", smallForces, { shown: "Forces by element", shownWhenLost: true }],
])("a run of %s", (name, small, { shown, shownWhenLost }) => {
  const { task, configOf } = small;
  const newFolder = (what: string) => RunFolder.create({ out: join(root, name, what), preset: "tiny" });
  const begin = (gpu: Gpu, folder: RunFolder, options?: Watched) => beginRun(small, gpu, folder, options);
  const temporaries = (folder: RunFolder) => readdirSync(folder.path).filter((file) => file.endsWith(".tmp"));

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
      expect(report.includes(shown)).toBe(shownWhenLost);
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

  it.each([
    ["loss or gradient", { lr: 1e30, every: 100 }, /loss or gradient is not finite at step 2; .* step 0$/],
    ["the held-out loss", { lr: 1e30, every: 1 }, /the held-out loss is not finite at step 1; .* step 0$/],
  ])("stops where %s is not finite, and keeps the weights before", async (what, changes, message) => {
    const folder = await newFolder(`not finite ${what}`);
    const failure = begin(gpu, folder, { config: configOf(changes) });
    await expect(failure).rejects.toMatchObject({
      code: "not-finite",
      message: expect.stringMatching(message),
      fix: expect.stringContaining("--lr"),
    });
    expect(temporaries(folder)).toEqual([]);
    const report = readFileSync(folder.file("report"), "utf8");
    expect(report).toMatch(/Stopped by an error: .* not finite at step/);
    expect(report).toContain(shown);
    const { tensors, metadata } = await folder.readState();
    expect(metadata.step).toBe("0");
    const { training } = configOf();
    const parameters = task.parameters(training);
    const store = new ParameterStore(gpu, parameters);
    initialise(store, parameters, training.seed);
    expect([...tensors.values()]).toEqual(await stateTensors(store, parameters));
    store.destroy();
  });
});
