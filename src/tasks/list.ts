import { VoxtwirlError } from "../errors.ts";
import type { PackedMolecules } from "../molecules/dataset.ts";
import type { Molecule } from "../molecules/molecule.ts";
import type { Chain } from "../proteins/chain.ts";
import type { MeasurableTask, Packed, TaskEvaluator } from "../training/task.ts";
import { FIRST_TASK } from "../training/runConfig.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { widerFlow, type FlowConfig } from "./flow/flowConfig.ts";
import type { FlowEvaluator } from "./flow/flowEvaluator.ts";
import { FLOW_LOSS_PER, flow } from "./flow/flow.ts";
import { flowLatents, moduleOf as flowModuleOf } from "./flow/flowLatents.ts";
import { FlowModel } from "./flow/flowModel.ts";
import { flowTerms } from "./flow/flowTerms.ts";
import { flowForward, measureFlowModel } from "./flow/measureModel.ts";
import { flowModelSamples } from "./flow/modelSamples.ts";
import type { PackedBackbones } from "./flow/packFlow.ts";
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
export { fromVoxmol, hasStem, toVoxmol } from "./voxels/voxmol.ts";
export { BackboneSampler, plannedSampling, type BatchState, type SamplingState } from "./flow/backboneSampler.ts";
export type { SamplingPlan } from "./flow/samplingPlan.ts";
export { NOISY_STEPS } from "./flow/samplingSchedule.ts";

/** What the trained models of all tasks are loaded as. */
export type AnyModel = VoxelDenoiser | ForceField | FlowModel;

/** Any task, whichever it is. */
export type AnyTask = MeasurableTask<TrainConfig, Packed, TaskEvaluator, AnyModel>;

const measurableForces: MeasurableTask<ForceConfig, PackedStructures, ForceEvaluator, ForceField, Molecule> = {
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

const measurableVoxels: MeasurableTask<VoxelConfig, PackedMolecules, VoxelEvaluator, VoxelDenoiser, Molecule> = {
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

const measurableFlow: MeasurableTask<FlowConfig, PackedBackbones, FlowEvaluator, FlowModel, Chain> = {
  ...flow,
  lossPer: FLOW_LOSS_PER,
  widened: widerFlow,
  load: FlowModel.load,
  forward: flowForward,
  measure: measureFlowModel,
  terms: flowTerms,
  latents: (gpu, { layers, ...options }) =>
    flowLatents(gpu, { ...options, ...(layers && { layers: (name) => layers(flowModuleOf(name)) }) }),
  samples: flowModelSamples,
};

/** All that can be trained: to add a task is to add its folder, its line here and its model's type above. */
export const tasks: readonly AnyTask[] = [measurableVoxels, measurableForces, measurableFlow];

/**
 * @param name of runs from before there were tasks there is none: they are of voxels
 * @throws VoxtwirlError "bad-config" for a name that is none
 */
export function taskNamed(name = FIRST_TASK): AnyTask {
  const found = tasks.find((task) => task.name === name);
  if (found) return found;
  const known = tasks.map((task) => task.name).join(", ");
  throw new VoxtwirlError("bad-config", `the task is ${JSON.stringify(name)}`, `This version knows: ${known}.`);
}

/** What to do instead of sampling from models of a task; undefined for those that `BackboneSampler` takes. */
export function insteadOfSampling(task: string): string | undefined {
  if (task === flow.name) return undefined;
  const give = `give a model of the task ${flow.name}.`;
  return task === forces.name
    ? `A force field says forces of molecules that are there: ${give}`
    : `Sampling from models of ${task} is still to come: ${give}`;
}

/** The task whose preset a configuration began as. */
export function taskOfPreset(preset: string): AnyTask {
  return tasks.find(({ presets }) => preset in presets) ?? taskNamed();
}

/** The presets of all tasks, whose names differ. */
export function allPresets(): Readonly<Record<string, TrainConfig>> {
  return Object.assign({}, ...tasks.map(({ presets }) => presets)) as Readonly<Record<string, TrainConfig>>;
}
