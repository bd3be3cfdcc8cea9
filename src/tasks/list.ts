import { VoxtwirlError } from "../errors.ts";
import type { PackedMolecules } from "../molecules/dataset.ts";
import type { MeasurableTask } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { measureVoxelModel } from "./voxels/measureModel.ts";
import type { VoxelConfig } from "./voxels/voxelConfig.ts";
import type { VoxelEvaluator } from "./voxels/voxelEvaluator.ts";
import { voxelLatents } from "./voxels/voxelLatents.ts";
import { voxels } from "./voxels/voxels.ts";

const measurableVoxels: MeasurableTask<VoxelConfig, PackedMolecules, VoxelEvaluator> = {
  ...voxels,
  measure: measureVoxelModel,
  latents: voxelLatents,
};

/** All that can be trained: to add a task is to add its folder and its line here. */
export const tasks: readonly MeasurableTask[] = [measurableVoxels];

/**
 * @param name of runs from before there were tasks there is none: they are of voxels
 * @throws VoxtwirlError "bad-config" for a name that is none
 */
export function taskNamed(name = voxels.name): MeasurableTask {
  const found = tasks.find((task) => task.name === name);
  if (found) return found;
  const known = tasks.map((task) => task.name).join(", ");
  throw new VoxtwirlError("bad-config", `the task is ${JSON.stringify(name)}`, `This version knows: ${known}.`);
}

/** The task whose preset a configuration began as. */
export function taskOfPreset(preset: string): MeasurableTask {
  return tasks.find(({ presets }) => preset in presets) ?? taskNamed();
}

/** The presets of all tasks, whose names differ. */
export function allPresets(): Readonly<Record<string, TrainConfig>> {
  return Object.assign({}, ...tasks.map(({ presets }) => presets)) as Readonly<Record<string, TrainConfig>>;
}
