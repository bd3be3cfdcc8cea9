import { ExperimentFolder, LABORATORY_FORMAT, type Settings } from "../../src/experiments/laboratory.ts";
import { experimentNamed, experiments } from "../../src/experiments/list.ts";
import { runExperiment, type ExperimentEvent } from "../../src/experiments/runExperiment.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import type { MoleculeFile } from "../../src/node/moleculeFile.ts";
import { taskNamed } from "../../src/tasks/list.ts";
import { training } from "../runs/smallTraining.ts";

export const names = experiments.map(({ name }) => name);

/** The built-in molecules, a few of them. */
const file: MoleculeFile = {
  ...{ molecules: builtinMolecules().slice(0, 16), sha256: "ab", records: 16 },
  ...{ leftOut: [], remarks: [] },
};

/** Sizes of an experiment that takes a second or two. */
export interface Small {
  readonly out: string;
  readonly name: string;
  readonly seeds?: number;
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/** An experiment on runs as small as they can be: six steps, evaluated every two. */
export async function* smallExperiment(
  gpu: Gpu,
  { out, name, seeds = 2, steps = 4, signal }: Small,
): AsyncGenerator<ExperimentEvent> {
  const folder = await ExperimentFolder.find(out, name, names);
  const settings: Settings = {
    ...{ format: LABORATORY_FORMAT, experiment: name, preset: "tiny", source: "builtin", sha256: "ab", seeds, steps },
  };
  const base = { ...training, heldout: 4 };
  const experiment = experimentNamed(name);
  yield* runExperiment({ gpu, experiment, task: taskNamed(), base, file, folder, out, settings, signal });
}
