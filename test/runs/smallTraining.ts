import type { Gpu } from "../../src/gpu/gpu.ts";
import { builtinForceFrames } from "../../src/molecules/builtinForces.ts";
import { folderRun, type FolderRunOptions, type RunEvent } from "../../src/runs/folderRun.ts";
import type { RunFolder } from "../../src/runs/runFolder.ts";
import type { ForceConfig } from "../../src/tasks/forces/forceConfig.ts";
import { forces } from "../../src/tasks/forces/forces.ts";
import { presets as forcePresets } from "../../src/tasks/forces/presets.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import type { VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";
import type { RunConfig } from "../../src/training/runConfig.ts";
import type { Task, TaskData } from "../../src/training/task.ts";
import type { TrainConfig } from "../../src/training/trainConfig.ts";
import { molecules } from "../training/molecules.ts";

/** A run of six steps, as small as it can be. */
export const training: VoxelConfig = voxels.check({
  ...{ ...presets.tiny!, grid: 8, resolution: 1, channels: [4, 8], attention: [false, false], groups: 2 },
  ...{ batch: 2, microBatch: 2, twirl: 2, steps: 6, every: 2 },
});

/** The same of a force field. */
export const forceTraining: ForceConfig = forces.check({
  ...{ ...forcePresets["forces-tiny"]!, hidden: 16, atomEmbedding: 8, gaussians: 16, distanceEmbedding: 16 },
  ...{ directionEmbedding: 8, batch: 2, microBatch: 2, twirl: 2, steps: 6, every: 2, heldout: 2 },
});

/** A run of a task on data that are there already. */
export interface SmallRun<C extends TrainConfig = TrainConfig> {
  readonly task: Task;
  readonly data: TaskData;
  configOf(this: void, changes?: Partial<C>): RunConfig;
}

const smallRun = <C extends TrainConfig>(task: Task, training: C, data: TaskData): SmallRun<C> => ({
  ...{ task, data },
  configOf: (changes = {}) => ({
    format: 1,
    version: "0",
    task: task.name,
    training: task.check({ ...training, ...changes }),
    data: {
      ...{ source: "test", sha256: "", splitSeed: 1, skipped: 0 },
      ...{ training: data.train.count, heldout: data.heldout.count },
    },
    ...(data.fitted && { fitted: data.fitted }),
    adapter: "",
  }),
});

export const smallVoxels = smallRun<VoxelConfig>(voxels, training, {
  train: molecules(10, 1),
  heldout: molecules(2, 2),
  skipped: { unknownElement: 0, doesNotFit: 0, unknownElements: [] },
});

const frames = builtinForceFrames().filter((_, i) => i % 80 === 0);
export const smallForces = smallRun<ForceConfig>(forces, forceTraining, forces.open(frames, forceTraining));

/** What a run may differ in, and who watches it. */
export interface Watched extends Partial<FolderRunOptions> {
  readonly onEvent?: (event: RunEvent) => void;
}

/** A run to its end, which it returns. */
export async function begin(
  { task, data, configOf }: SmallRun,
  gpu: Gpu,
  folder: RunFolder,
  { onEvent, ...options }: Watched = {},
): Promise<RunEvent> {
  const events: RunEvent[] = [];
  for await (const event of folderRun({ gpu, task, folder, config: configOf(), data, resume: false, ...options })) {
    onEvent?.(event);
    events.push(event);
  }
  return events.at(-1)!;
}

/** Whether an event says that a step was done, or that one was evaluated. */
export const isRow = (event: RunEvent, type: "train" | "eval", step: number) =>
  (event.type === "train" && type === "train" && event.rows.some((row) => row.step === step)) ||
  (event.type === "eval" && type === "eval" && event.row.step === step);

/** The rows of a run, without their seconds. */
export const timeless = async (folder: RunFolder) =>
  (await folder.readMetrics()).map((row) => ({ ...row, seconds: 0 }));
