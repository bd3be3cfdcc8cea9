/** What the runs of an experiment are made of. */
import { readDataFile, type DataFile } from "../node/dataFile.ts";
import { type AnyTask, taskOfPreset } from "../tasks/list.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { presetsOf } from "./arms.ts";
import type { Experiment } from "./experiment.ts";

/** What the runs of a preset are made of. */
export interface Material {
  readonly task: AnyTask;
  /** What the arms change. */
  readonly base: TrainConfig;
  readonly file: DataFile;
  /** Where the data come from: a path, or the name of a built-in set. */
  readonly source: string;
}

/** By preset. */
export type Materials = Readonly<Record<string, Material>>;

/**
 * Reads the data of all presets of an experiment.
 *
 * @param preset of the arms that have none of their own
 * @param source of its data; other presets have their tasks' built-in sets
 * @throws VoxtwirlError as `readDataFile`
 */
export async function readMaterials(experiment: Experiment, preset: string, source: string): Promise<Materials> {
  const materials: Record<string, Material> = {};
  for (const name of presetsOf(experiment, preset)) {
    const task = taskOfPreset(name);
    const own = name === preset ? source : task.builtin;
    materials[name] = { task, base: task.presets[name]!, file: await readDataFile(task, own), source: own };
  }
  return materials;
}
