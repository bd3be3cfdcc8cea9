import { presetsOf } from "../../src/experiments/arms.ts";
import { ExperimentFolder, LABORATORY_FORMAT, type Settings } from "../../src/experiments/laboratory.ts";
import { experimentNamed, withTask } from "../../src/experiments/list.ts";
import type { Material } from "../../src/experiments/material.ts";
import type { ExperimentOptions } from "../../src/experiments/doRuns.ts";
import { runExperiment, type ExperimentEvent } from "../../src/experiments/runExperiment.ts";
import { runShard, type ShardEvent } from "../../src/experiments/shards.ts";
import type { Gpu } from "../../src/gpu/gpu.ts";
import { builtinMolecules } from "../../src/molecules/builtin.ts";
import type { Molecule } from "../../src/molecules/molecule.ts";
import type { DataFile } from "../../src/node/dataFile.ts";
import type { Shard } from "../../src/shards/shard.ts";
import { taskOfPreset } from "../../src/tasks/list.ts";
import { training } from "../runs/smallTraining.ts";
import { smallChains, smallConfig as smallFlow } from "../tasks/flow/smallFlow.ts";
import { smallConfig, smallFrames } from "../tasks/forces/smallForces.ts";

const notes = { sha256: "ab", records: 16, leftOut: [], remarks: [] };
const someOf = (molecules: Molecule[]): DataFile => ({ ...notes, molecules: molecules.slice(0, 16) });

/** A few of the built-in molecules, frames and chains, and configurations as small as they can be. */
const small: Readonly<Record<string, Pick<Material, "base" | "file">>> = {
  voxels: { file: someOf(builtinMolecules()), base: { ...training, heldout: 4 } },
  forces: { file: someOf(smallFrames), base: smallConfig },
  flow: { file: { ...notes, passedOver: [], chains: smallChains.slice(0, 16) }, base: smallFlow },
};

function materialOf(preset: string): Material {
  const task = taskOfPreset(preset);
  return { task, ...small[task.name]!, source: task.builtin };
}

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
export async function* smallExperiment(gpu: Gpu, small: Small): AsyncGenerator<ExperimentEvent> {
  yield* runExperiment(await optionsOf(gpu, small));
}

/** One shard of such an experiment. */
export async function* smallShard(gpu: Gpu, small: Small, shard: Shard): AsyncGenerator<ShardEvent> {
  yield* runShard({ ...(await optionsOf(gpu, small)), shard, command: ["experiment", small.name] });
}

async function optionsOf(
  gpu: Gpu,
  { out, name, task = "voxels", seeds = 2, steps = 4, signal }: Small,
): Promise<ExperimentOptions> {
  const folder = await ExperimentFolder.find(out, name, task);
  const experiment = withTask(experimentNamed(name), task);
  const { preset } = experiment;
  const settings: Settings = {
    ...{ format: LABORATORY_FORMAT, experiment: name, preset, source: "builtin", sha256: "ab", seeds, steps },
  };
  const materials = Object.fromEntries(presetsOf(experiment, preset).map((name) => [name, materialOf(name)]));
  return { gpu, experiment, materials, folder, out, settings, signal };
}
