import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { makeChain } from "../../../src/proteins/chain.ts";
import { readRunConfig } from "../../../src/runs/earlierRun.ts";
import type { RunEvent } from "../../../src/runs/folderRun.ts";
import { readModelFile } from "../../../src/runs/modelFile.ts";
import { measurableSamples } from "../../../src/runs/runData.ts";
import { RunFolder } from "../../../src/runs/runFolder.ts";
import { trainingRun } from "../../../src/runs/trainingRun.ts";
import { flow } from "../../../src/tasks/flow/flow.ts";
import type { FlowConfig } from "../../../src/tasks/flow/flowConfig.ts";
import { measureFlowModel } from "../../../src/tasks/flow/measureModel.ts";
import type { ModelFile } from "../../../src/training/modelFile.ts";
import { testGpu } from "../../harness.ts";
import { isRow, timeless } from "../../runs/smallTraining.ts";
import { temporaryFolder } from "../../temporary.ts";
import { smallChains, smallConfig } from "./smallFlow.ts";

const root = temporaryFolder("flow-run");
const newFolder = (name: string) => RunFolder.create({ out: join(root, name), preset: "flow-tiny" });

const short = makeChain({ positions: new Float64Array([0, 0, 0, 3.8, 0, 0]) });
const chains = [...smallChains, short];
const notes = { records: chains.length, leftOut: [], passedOver: [], remarks: [] };
const file = { chains, sha256: "ab", ...notes };

describe("a run of the task of flow matching", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  const run = (folder: RunFolder, training: FlowConfig = smallConfig) =>
    trainingRun({ gpu, task: flow, folder, config: training, file, source: "some.pdb" });

  async function all(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
    const seen: RunEvent[] = [];
    for await (const event of events) seen.push(event);
    return seen;
  }

  it.each(["f32", "f16"] as const)("goes on bit by bit where somebody left it, in %s", async (precision) => {
    if (precision === "f16" && !gpu.caps.f16) return;
    const training = { ...smallConfig, precision };
    const [whole, left] = [await newFolder(`whole-${precision}`), await newFolder(`left-${precision}`)];
    await all(run(whole, training));
    const before = gpu.allocatedBytes;
    for await (const event of run(left, training)) if (isRow(event, "train", 3)) break;
    expect(gpu.allocatedBytes).toBe(before);
    await all(run(left, training));
    expect((await left.readState()).tensors).toEqual((await whole.readState()).tensors);
    expect(await timeless(left)).toEqual(await timeless(whole));
  });

  it("tells what it leaves out, and keeps what was fitted", async () => {
    const folder = await newFolder("told");
    const events = await all(run(folder));
    expect(events).toContainEqual({ type: "note", text: "1 of 21 chains left out: too short" });
    const kept = await readRunConfig(folder.path);
    expect(kept.data).toMatchObject({ heldout: 2, skipped: expect.any(Number) });
    expect(kept.fitted).toMatchObject({ separations: expect.any(Array) });
    const report = readFileSync(folder.file("report"), "utf8");
    const texts = ["flow-matching model of protein backbones", "By time", "0.75 to 1", "total / Wiener", "over chains"];
    for (const text of texts) expect(report).toContain(text);
  });

  it("can be measured as it measured itself", async () => {
    const folder = await newFolder("measured");
    await all(run(folder));
    const model = (await readModelFile(folder.path)) as ModelFile<FlowConfig>;
    const { packed, heldoutOnly } = await measurableSamples(flow, file, model.config);
    expect(heldoutOnly).toBe(true);
    const options = { group: "octahedral", rotations: 4, seed: smallConfig.seed, precision: "f32" } as const;
    const measurer = await measureFlowModel(gpu, { model, data: packed, interpolation: "catmullRom", ...options });
    for (let i = 0; i < packed.count; i++) await measurer.add(i);
    const found = measurer.result();
    measurer.destroy();
    if (found.kind !== "decomposition") throw new Error("not a decomposition");
    const last = (await folder.readMetrics()).findLast((row) => row.type === "eval")!;
    for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv"] as const) {
      expect(found[name], name).toBeCloseTo(last[name as "lossTotal"], 9);
      expect(found.terms!.all![name]).toBe(found[name]);
    }
    expect(Object.keys(found.terms!)).toEqual([
      "all",
      ...["0 to 0.25", "0.25 to 0.5", "0.5 to 0.75", "0.75 to 1"].map((part) => `times ${part}`),
    ]);
  });
});
