import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import { temporaryPath } from "../../src/node/files.ts";
import type { MoleculeFile } from "../../src/node/moleculeFile.ts";
import { isFinished, readRunConfig } from "../../src/runs/earlierRun.ts";
import { keptModels } from "../../src/runs/keptModels.ts";
import { readModelFile } from "../../src/runs/modelFile.ts";
import { RunFolder } from "../../src/runs/runFolder.ts";
import { trainingRun } from "../../src/runs/trainingRun.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import type { KeptSteps } from "../../src/training/keptSteps.ts";
import { testGpu } from "../harness.ts";
import { temporaryFolder } from "../temporary.ts";
import { timeless, training } from "./smallTraining.ts";

const root = temporaryFolder("kept");
const file: MoleculeFile = {
  ...{ molecules: builtinMolecules().slice(0, 12), sha256: "ab", records: 12 },
  ...{ leftOut: [], remarks: [] },
};
const configOf = (steps: number) => voxels.check({ ...training, heldout: 2, steps });
const name = (step: number) => `model-${String(step).padStart(6, "0")}.safetensors`;
const within = (path: string, step: number) => join(path, "checkpoints", name(step));
const kept = (path: string) => readdirSync(join(path, "checkpoints")).sort();

describe("models that a run keeps", () => {
  let gpu: Gpu;
  let plain: RunFolder;
  let run: RunFolder;
  let notes: string[];

  /** Begins a run or goes on, to its end. @returns its remarks */
  async function go(folder: RunFolder, steps: number, keepCheckpoints?: KeptSteps): Promise<string[]> {
    const remarks: string[] = [];
    const options = { gpu, task: voxels, folder, config: configOf(steps), file, source: "some.xyz", keepCheckpoints };
    for await (const event of trainingRun(options)) if (event.type === "note") remarks.push(event.text);
    return remarks;
  }

  /** A copy of a run. */
  async function copyOf(folder: RunFolder, to: string): Promise<RunFolder> {
    cpSync(folder.path, join(root, to), { recursive: true });
    rmSync(join(root, to, "voxtwirl.lock"));
    return RunFolder.open(join(root, to));
  }

  beforeAll(async () => {
    gpu = await testGpu();
    [plain, run] = [await RunFolder.open(join(root, "plain")), await RunFolder.open(join(root, "run"))];
    await go(plain, 5);
    notes = await go(run, 5, { steps: [0, 1, 3, 4, 9] });
  });

  it("are those of the steps asked for, in the form of model.safetensors", async () => {
    expect(kept(run.path)).toEqual([0, 1, 3, 4].map(name));
    expect(notes).toEqual(["A model is to be kept at step 9, but the run ends at step 5."]);
    const models = await keptModels(run.path);
    expect(models).toEqual([0, 1, 3, 4].map((step) => ({ step, path: within(run.path, step) })));
    for (const { step, path } of models) expect(await readModelFile(path)).toMatchObject({ path, step });
    // What a run of that many steps ends with.
    const short = await RunFolder.open(join(root, "short"));
    await go(short, 3);
    const third = (await readModelFile(within(run.path, 3))).file.tensors;
    expect(third).toEqual((await readModelFile(short.path)).file.tensors);
    expect(third).not.toEqual((await readModelFile(within(run.path, 1))).file.tensors);
    expect(await keptModels(plain.path)).toEqual([]);
  });

  it("change nothing that is computed, and no byte of the model", async () => {
    expect(await timeless(run)).toEqual(await timeless(plain));
    expect((await run.readState()).tensors).toEqual((await plain.readState()).tensors);
    expect(readFileSync(run.file("model")).equals(readFileSync(plain.file("model")))).toBe(true);
    const { keepCheckpoints, ...config } = await readRunConfig(run.path);
    expect(keepCheckpoints).toEqual({ steps: [0, 1, 3, 4, 9] });
    expect(config).toEqual(await readRunConfig(plain.path));
  });

  it("are those of every evaluation, and the run remembers it when it goes on", async () => {
    const folder = await RunFolder.open(join(root, "evaluations"));
    expect(await go(folder, 3, "evaluations")).toEqual([]);
    expect(kept(folder.path)).toEqual([0, 2, 3].map(name));
    const times = () => [0, 2, 3].map((step) => statSync(within(folder.path, step)).mtimeMs);
    const before = times();
    expect(await go(folder, 5)).toEqual([]);
    expect(kept(folder.path)).toEqual([0, 2, 3, 4, 5].map(name));
    expect(times()).toEqual(before);
    const fourth = [folder, run].map(({ path }) => readModelFile(within(path, 4)));
    expect((await fourth[0]!).file.tensors).toEqual((await fourth[1]!).file.tensors);
  });

  it("may be asked for when a run goes on: those that it is past are told, the last one is made", async () => {
    const folder = await copyOf(plain, "later");
    const asked = { ...(await readRunConfig(folder.path)), keepCheckpoints: { every: 5, steps: [1] } };
    expect(await isFinished(plain.path, await readRunConfig(folder.path))).toBe(true);
    expect(await isFinished(folder.path, asked)).toBe(false);
    const past = "The run is past step 0, 1: 2 of the models to keep will not be in checkpoints.";
    expect(await go(folder, 5, { every: 5, steps: [1] })).toEqual([past]);
    expect(readFileSync(folder.file("report"), "utf8")).toContain(past);
    expect(kept(folder.path)).toEqual([name(5)]);
    expect(await readRunConfig(folder.path)).toEqual(asked);
    expect(await isFinished(folder.path, asked)).toBe(true);
  });

  it("are made anew where a run was killed before, stay as they are, and half a file is removed", async () => {
    const folder = await copyOf(run, "killed");
    await go(folder, 5, { steps: [0, 5] });
    const whole = readFileSync(within(folder.path, 5));
    rmSync(within(folder.path, 5));
    const half = temporaryPath(join(folder.path, "checkpoints", "model.safetensors"));
    const others = ["notes.txt", basename(temporaryPath("notes.txt")), "model-7.safetensors"].sort();
    for (const path of [half, ...others.map((other) => join(folder.path, "checkpoints", other))]) {
      writeFileSync(path, "half");
    }
    writeFileSync(within(folder.path, 0), "mine");
    await go(folder, 5);
    expect(readFileSync(within(folder.path, 5)).equals(whole)).toBe(true);
    expect(readFileSync(within(folder.path, 0), "utf8")).toBe("mine");
    expect(existsSync(half)).toBe(false);
    expect(kept(folder.path)).toEqual([...[0, 1, 3, 4, 5].map(name), ...others].sort());
    // A new run in its place removes what the earlier one kept, and nothing else.
    await folder.begin({});
    expect(kept(folder.path)).toEqual(others);
    await run.begin({});
    expect(existsSync(join(run.path, "checkpoints"))).toBe(false);
  });

  it("are refused where they cannot be", async () => {
    const folder = await RunFolder.open(join(root, "refused"));
    await expect(go(folder, 5, { every: 0 })).rejects.toMatchObject({ code: "bad-option" });
    folder.close();
    expect(existsSync(folder.path)).toBe(false);
  });
});
