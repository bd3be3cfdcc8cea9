import { VoxtwirlError } from "../errors.ts";
import type { PackedMolecules } from "../molecules/dataset.ts";
import type { MeasurableTask, Packed, TaskEvaluator } from "../training/task.ts";
import type { ConfigChecker } from "../training/runConfig.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { checkFlowConfig, FLOW } from "./flow/flowConfig.ts";
import { FlowModel } from "./flow/flowModel.ts";
import { presets as flowPresets } from "./flow/presets.ts";
import { widerForces, type ForceConfig } from "./forces/forceConfig.ts";
import type { ForceEvaluator } from "./forces/forceEvaluator.ts";
import { ForceField } from "./forces/forceField.ts";
import { FORCE_LOSS_PER, forces } from "./forces/forces.ts";
import { forceLatents, moduleOf } from "./forces/forceLatents.ts";
import { forceSamples } from "./forces/forceSamples.ts";
import { forceTerms } from "./forces/forceTerms.ts";
import { forceForward, measureForceField } from "./forces/measureModel.ts";
import type { PackedStructures } from "./forces/packStructures.ts";
import { voxelForward } from "./voxels/forwardPass.ts";
import { measureVoxelModel } from "./voxels/measureModel.ts";
import { voxelSamples } from "./voxels/modelSamples.ts";
import { voxelTerms } from "./voxels/modelTerms.ts";
import { widerVoxels, type VoxelConfig } from "./voxels/voxelConfig.ts";
import { VoxelDenoiser } from "./voxels/voxelDenoiser.ts";
import type { VoxelEvaluator } from "./voxels/voxelEvaluator.ts";
import { voxelLatents } from "./voxels/voxelLatents.ts";
import { voxels } from "./voxels/voxels.ts";

export { FlowModel, ForceField, VoxelDenoiser };
export { BackboneSampler, plannedSampling, type BatchState, type SamplingState } from "./flow/backboneSampler.ts";
export type { SamplingPlan } from "./flow/samplingPlan.ts";
export { NOISY_STEPS } from "./flow/samplingSchedule.ts";

/** What the trained models of all tasks are loaded as. */
export type AnyModel = VoxelDenoiser | ForceField;

/** Any task, whichever it is. */
export type AnyTask = MeasurableTask<TrainConfig, Packed, TaskEvaluator, AnyModel>;

const measurableForces: MeasurableTask<ForceConfig, PackedStructures, ForceEvaluator, ForceField> = {
  ...forces,
  lossPer: FORCE_LOSS_PER,
  widened: widerForces,
  load: ForceField.load,
  forward: forceForward,
  measure: measureForceField,
  terms: forceTerms,
  latents: (gpu, { layers, ...options }) =>
    forceLatents(gpu, { ...options, ...(layers && { layers: (name) => layers(moduleOf(name)) }) }),
  samples: forceSamples,
};

const measurableVoxels: MeasurableTask<VoxelConfig, PackedMolecules, VoxelEvaluator, VoxelDenoiser> = {
  ...voxels,
  lossPer: "voxel and channel",
  widened: widerVoxels,
  load: VoxelDenoiser.load,
  forward: voxelForward,
  measure: measureVoxelModel,
  terms: voxelTerms,
  latents: voxelLatents,
  samples: voxelSamples,
};

/** All that can be trained: to add a task is to add its folder, its line here and its model's type above. */
export const tasks: readonly AnyTask[] = [measurableVoxels, measurableForces];

/**
 * @param name of runs from before there were tasks there is none: they are of voxels
 * @throws VoxtwirlError "bad-config" for a name that is none
 */
export function taskNamed(name = voxels.name): AnyTask {
  const found = tasks.find((task) => task.name === name);
  if (found) return found;
  const known = tasks.map((task) => task.name).join(", ");
  throw new VoxtwirlError("bad-config", `the task is ${JSON.stringify(name)}`, `This version knows: ${known}.`);
}

/** Who checks the configuration of a model: a task, or for models of flow, which is none yet, its own check. */
export function checkerNamed(name: string | undefined): ConfigChecker {
  if (name !== FLOW) return taskNamed(name);
  return { name, presets: flowPresets, check: checkFlowConfig };
}

/** What to do instead of sampling from models of a task; undefined for those that `BackboneSampler` takes. */
export function insteadOfSampling(task: string): string | undefined {
  if (task === FLOW) return undefined;
  const flow = `give a model of the task ${FLOW}.`;
  return task === forces.name
    ? `A force field says forces of molecules that are there: ${flow}`
    : `Sampling from models of ${task} is still to come: ${flow}`;
}

/** The task whose preset a configuration began as. */
export function taskOfPreset(preset: string): AnyTask {
  return tasks.find(({ presets }) => preset in presets) ?? taskNamed();
}

/** The presets of all tasks, whose names differ. */
export function allPresets(): Readonly<Record<string, TrainConfig>> {
  return Object.assign({}, ...tasks.map(({ presets }) => presets)) as Readonly<Record<string, TrainConfig>>;
}
