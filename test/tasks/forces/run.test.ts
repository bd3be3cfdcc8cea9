import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { builtinForceFrames } from "../../../src/molecules/builtinForces.ts";
import { readRunConfig } from "../../../src/runs/earlierRun.ts";
import { measurableSamples } from "../../../src/runs/runData.ts";
import { readModelFile } from "../../../src/runs/modelFile.ts";
import type { RunEvent } from "../../../src/runs/folderRun.ts";
import { RunFolder } from "../../../src/runs/runFolder.ts";
import { trainingRun } from "../../../src/runs/trainingRun.ts";
import { forces } from "../../../src/tasks/forces/forces.ts";
import { measureForceField } from "../../../src/tasks/forces/measureModel.ts";
import { presets } from "../../../src/tasks/forces/presets.ts";
import type { ForceConfig } from "../../../src/tasks/forces/forceConfig.ts";
import type { ModelFile } from "../../../src/training/modelFile.ts";
import { testGpu } from "../../harness.ts";
import { isRow, timeless } from "../../runs/smallTraining.ts";
import { temporaryFolder } from "../../temporary.ts";

const root = temporaryFolder("force-run");
const newFolder = (name: string) => RunFolder.create({ out: join(root, name), preset: "forces-tiny" });

const config = forces.check({
  ...presets["forces-tiny"]!,
  ...{ hidden: 16, atomEmbedding: 8, gaussians: 16, distanceEmbedding: 16, directionEmbedding: 8, twirl: 4 },
  ...{ batch: 4, microBatch: 4, steps: 4, every: 2, heldout: 3, dropout: 0.05, attentionDropout: 0.1 },
});
const frames = builtinForceFrames().filter((_, i) => i % 40 === 0);
const unlabelled = { ...frames[0]!, energy: NaN };
const file = { molecules: [...frames, unlabelled], sha256: "ab", records: 25, leftOut: [], remarks: [] };

describe("a run of the task of forces", () => {
  let gpu: Gpu;
  beforeAll(async () => {
    gpu = await testGpu();
  });

  const run = (folder: RunFolder, training: ForceConfig = config) =>
    trainingRun({ gpu, task: forces, folder, config: training, file, source: "some.npz", labelUnits: "kcal/mol" });

  async function all(events: AsyncIterable<RunEvent>): Promise<RunEvent[]> {
    const seen: RunEvent[] = [];
    for await (const event of events) seen.push(event);
    return seen;
  }

  it.each(["f32", "f16"] as const)("goes on bit by bit where somebody left it, in %s", async (precision) => {
    if (precision === "f16" && !gpu.caps.f16) return;
    const training = { ...config, precision };
    const [whole, left] = [await newFolder(`whole-${precision}`), await newFolder(`left-${precision}`)];
    await all(run(whole, training));
    const before = gpu.allocatedBytes;
    for await (const event of run(left, training)) if (isRow(event, "train", 3)) break;
    expect(gpu.allocatedBytes).toBe(before);
    await all(run(left, training));
    expect((await left.readState()).tensors).toEqual((await whole.readState()).tensors);
    expect(await timeless(left)).toEqual(await timeless(whole));
  });

  it("tells what it leaves out, and keeps what was fitted and in which unit", async () => {
    const folder = await newFolder("told");
    const events = await all(run(folder));
    expect(events).toContainEqual({
      type: "note",
      text: "1 of 25 molecules left out: energy or forces are not finite",
    });
    const kept = await readRunConfig(folder.path);
    expect(kept.data).toMatchObject({ training: 21, heldout: 3, skipped: 1, labelUnits: "kcal/mol" });
    expect(kept.fitted).toMatchObject({ energyScale: expect.any(Number), forceScale: expect.any(Number) });
    const report = readFileSync(folder.file("report"), "utf8");
    for (const text of ["A force field in training", "Forces by element", "force MAE, meV/A", "(eV/A)\u00b2"]) {
      expect(report).toContain(text);
    }
  });

  it("can be measured as it measured itself", async () => {
    const folder = await newFolder("measured");
    await all(run(folder));
    const model = (await readModelFile(folder.path)) as ModelFile<ForceConfig>;
    const { packed, heldoutOnly } = await measurableSamples(forces, file, model.config);
    expect(heldoutOnly).toBe(true);
    const options = { group: "octahedral", rotations: 4, seed: config.seed, precision: "f32" } as const;
    const measurer = await measureForceField(gpu, { model, data: packed, interpolation: "catmullRom", ...options });
    for (let i = 0; i < packed.count; i++) await measurer.add(i);
    const found = measurer.result();
    measurer.destroy();
    if (found.kind !== "decomposition") throw new Error("not a decomposition");
    const last = (await folder.readMetrics()).findLast((row) => row.type === "eval")!;
    for (const name of ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv"] as const) {
      expect(found[name], name).toBeCloseTo(last[name as "lossTotal"], 9);
      expect(found.terms!.forces![name]).toBe(found[name]);
    }
    expect(found.terms!.energy!.percentEquiv).toBeLessThan(1e-6);
  });
});
