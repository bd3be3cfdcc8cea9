import { ExperimentFolder, LABORATORY_FORMAT, type Settings } from "../../src/experiments/laboratory.ts";
import { experimentNamed, withTask } from "../../src/experiments/list.ts";
import { runExperiment, type ExperimentEvent } from "../../src/experiments/runExperiment.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import type { MoleculeFile } from "../../src/node/moleculeFile.ts";
import { taskNamed } from "../../src/tasks/list.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import type { TrainConfig } from "../../src/training/trainConfig.ts";
import { training } from "../runs/smallTraining.ts";
import { smallConfig, smallFrames } from "../tasks/forces/smallForces.ts";

/** A few of the built-in molecules and frames, and configurations as small as they can be. */
const small: Readonly<Record<string, { readonly molecules: Molecule[]; readonly base: TrainConfig }>> = {
  voxels: { molecules: builtinMolecules().slice(0, 16), base: { ...training, heldout: 4 } },
  forces: { molecules: smallFrames.slice(0, 16), base: smallConfig },
};

/** Sizes of an experiment that takes a second or two. */
export interface Small {
  readonly out: string;
  readonly name: string;
  readonly task?: string;
  readonly seeds?: number;
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/** An experiment on runs as small as they can be: six steps, evaluated every two. */
export async function* smallExperiment(
  gpu: Gpu,
  { out, name, task = "voxels", seeds = 2, steps = 4, signal }: Small,
): AsyncGenerator<ExperimentEvent> {
  const folder = await ExperimentFolder.find(out, name, task);
  const experiment = withTask(experimentNamed(name), task);
  const { preset } = experiment;
  const settings: Settings = {
    ...{ format: LABORATORY_FORMAT, experiment: name, preset, source: "builtin", sha256: "ab", seeds, steps },
  };
  const { molecules, base } = small[task]!;
  const file: MoleculeFile = { molecules, sha256: "ab", records: 16, leftOut: [], remarks: [] };
  yield* runExperiment({ gpu, experiment, task: taskNamed(task), base, file, folder, out, settings, signal });
}
