import type { RunEvent } from "../../src/runs/folderRun.ts";
import type { RunFolder } from "../../src/runs/runFolder.ts";
import { presets } from "../../src/tasks/voxels/presets.ts";
import type { VoxelConfig } from "../../src/tasks/voxels/voxelConfig.ts";
import { voxels } from "../../src/tasks/voxels/voxels.ts";

/** A run of six steps, as small as it can be. */
export const training: VoxelConfig = voxels.check({
  ...{ ...presets.tiny!, grid: 8, resolution: 1, channels: [4, 8], attention: [false, false], groups: 2 },
  ...{ batch: 2, microBatch: 2, twirl: 2, steps: 6, every: 2 },
});

/** Whether an event says that a step was done, or that one was evaluated. */
export const isRow = (event: RunEvent, type: "train" | "eval", step: number) =>
  (event.type === "train" && type === "train" && event.rows.some((row) => row.step === step)) ||
  (event.type === "eval" && type === "eval" && event.row.step === step);

/** The rows of a run, without their seconds. */
export const timeless = async (folder: RunFolder) =>
  (await folder.readMetrics()).map((row) => ({ ...row, seconds: 0 }));
