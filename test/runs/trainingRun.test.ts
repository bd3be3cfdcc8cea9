import { readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { readRunConfig } from "../../src/runs/earlierRun.ts";
import type { RunEvent } from "../../src/runs/folderRun.ts";
import type { MoleculeFile } from "../../src/node/moleculeFile.ts";
import { RunFolder } from "../../src/runs/runFolder.ts";
import { LOCK, RUN_FILES } from "../../src/runs/runStage.ts";
import { trainingRun, type TrainingRunOptions } from "../../src/runs/trainingRun.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";
import { isRow, timeless, training } from "./smallTraining.ts";

const root = temporaryFolder("training-run");
const newFolder = (name: string) => RunFolder.create({ out: join(root, name), preset: "tiny" });

describe("trainingRun", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  const small = voxels.check({ ...training, heldout: 2, steps: 4 });
  const file: MoleculeFile = {
    ...{ molecules: builtinMolecules().slice(0, 12), sha256: "ab", records: 13 },
    ...{ leftOut: [], remarks: ["one is missing"] },
  };
  const options = (folder: RunFolder) => ({ gpu, task: voxels, folder, config: small, file, source: "some.xyz" });

  async function all(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
    const seen: RunEvent[] = [];
    for await (const event of events) seen.push(event);
    return seen;
  }

  it("makes a whole run of a file's molecules, and tells of it", async () => {
    const folder = await newFolder("run");
    const events = await all(trainingRun(options(folder)));
    const kinds = events.map(({ type }) => type).filter((type) => type !== "progress");
    expect(kinds.slice(0, 5)).toEqual(["note", "ready", "start", "eval", "checkpoint"]);
    expect(events[0]).toEqual({ type: "note", text: "one is missing" });
    expect(events.at(-1)).toMatchObject({ type: "end", step: 4, interrupted: false });
    expect(readdirSync(folder.path).sort()).toEqual([...Object.values(RUN_FILES), LOCK].sort());
    const config = await readRunConfig(folder.path);
    expect(config).toMatchObject({ training: small, data: { sha256: "ab", heldout: 2, splitSeed: small.seed } });
    expect(isAbsolute(config.data.source)).toBe(true);
    expect(config.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(readFileSync(folder.file("report"), "utf8")).toContain("one is missing");
  });

  it("goes on from the last checkpoint, bit by bit, where somebody left the loop", async () => {
    const [whole, left] = [await newFolder("unbroken"), await newFolder("left")];
    await all(trainingRun(options(whole)));
    const before = gpu.allocatedBytes;
    for await (const event of trainingRun(options(left))) if (isRow(event, "train", 3)) break;
    expect(gpu.allocatedBytes).toBe(before);
    expect((await left.readState()).metadata.step).toBe("2");
    const events = await all(trainingRun(options(left)));
    expect(events.some((event) => isRow(event, "train", 2))).toBe(false);
    expect((await left.readState()).tensors).toEqual((await whole.readState()).tensors);
    expect(await timeless(left)).toEqual(await timeless(whole));
  });

  it("makes up for the evaluation of its last step, also where that is none of every N", async () => {
    const folder = await newFolder("last");
    const stop = new AbortController();
    const three = { ...options(folder), config: { ...small, steps: 3 }, signal: stop.signal };
    for await (const event of trainingRun(three)) if (event.type === "progress" && event.step === 3) stop.abort();
    expect((await folder.readState()).metadata.step).toBe("3");
    const events = await all(trainingRun({ ...three, signal: undefined }));
    expect(events.filter((event) => isRow(event, "eval", 3))).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: "end", step: 3, interrupted: false });
  });

  it("does not go on with other options or other molecules, and changes nothing", async () => {
    const folder = await newFolder("same");
    const controller = new AbortController();
    controller.abort();
    const events = await all(trainingRun({ ...options(folder), signal: controller.signal }));
    expect(events.at(-1)).toMatchObject({ step: 0, interrupted: true });
    const config = await folder.readConfig();
    const refuse = (changes: Partial<TrainingRunOptions>, code: string, message: RegExp) =>
      expect(all(trainingRun({ ...options(folder), ...changes }))).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    await refuse({ config: { ...small, lr: 1 } }, "bad-option", /lr is 1, but the run has/);
    const other = { ...file, sha256: "cd" };
    await refuse({ file: other }, "bad-file", /some\.xyz has changed since the run began/);
    await refuse({ file: other, source: "b.xyz" }, "bad-file", /b\.xyz, but the run began with .*some\.xyz/);
    expect(await folder.readConfig()).toEqual(config);
    const more = await all(trainingRun({ ...options(folder), config: { ...small, steps: 1 } }));
    expect(more.at(-1)).toMatchObject({ step: 1, interrupted: false });
  });
});
