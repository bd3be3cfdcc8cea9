import { requireGpu, requireGraph, requireMethod, requireObject } from "../../check.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { elementCount } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import { squaredError } from "../../kernels/squaredError.ts";
import { unet3d } from "../../models/unet3d.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import { packMolecules, prepareDataset, type PackedMolecules } from "../../molecules/dataset.ts";
import type { Molecule } from "../../molecules/molecule.ts";
import type { EvaluationContext, StepContext, Task } from "../../training/task.ts";
import { moleculeTensors, sampleVoxels, uploadMolecules } from "./noisyVoxels.ts";
import { presets, slowPresets } from "./presets.ts";
import { densestSlice } from "./sampleSlices.ts";
import { streams } from "./streams.ts";
import { checkVoxelConfig, requireConfig, unetConfig, voxelOptions, VOXELS, type VoxelConfig } from "./voxelConfig.ts";
import { VoxelEvaluator } from "./voxelEvaluator.ts";

/**
 * VoxMol's denoiser (arXiv 2306.07473): a 3D U-Net that takes noise off the voxel grids of molecules. Its loss is the
 * mean squared error per voxel and channel.
 */
export const voxels: Task<VoxelConfig, PackedMolecules, VoxelEvaluator, Molecule> = {
  name: VOXELS,
  takes: "molecule",
  builtin: "builtin",
  presets,
  slowPresets,
  options: voxelOptions,
  check: checkVoxelConfig,
  open(molecules, config, keyOf) {
    requireConfig(config);
    const { elements, grid, resolution, pose, heldout, seed } = config;
    const options = { elements, grid, resolution, pose, seed, ...(heldout > 0 ? { heldout } : {}) };
    return prepareDataset(molecules, options, keyOf);
  },
  pack: packMolecules,
  parameters: (config) => unetParameters(unetConfig(config)),
  step,
  evaluator,
  async report(evaluation, config, name) {
    requireMethod("evaluation", evaluation, "sample", "Give a VoxelEvaluator.");
    requireConfig(config);
    const { grid, elements, resolution } = config;
    return { slices: densestSlice(await evaluation.sample(0), grid, [...elements], resolution, name) };
  },
};

function step(graph: Graph, context: StepContext<VoxelConfig, PackedMolecules>): void {
  requireGraph("graph", graph);
  requireObject("context", context, "Give { config, data, upload, parameter, loss, parts }.");
  const { config, data, upload, parameter, loss, scaling, parts } = context;
  requireConfig(config);
  const { batch, grid, elements, resolution, sigma, shift, augment } = config;
  const channels = elements.length;
  const molecules = moleculeTensors(graph, uploadMolecules(upload, "train", data));
  // One loss for the whole batch: the mean per voxel and channel.
  const scale = 1 / (batch * grid ** 3 * channels);
  for (const { chosen, step } of parts) {
    const { clean: target, noisy } = sampleVoxels(graph, {
      ...{ molecules, chosen, grid, channels, resolution },
      pose: { shift, rotate: augment, stream: streams.trainPose },
      noise: { sigma, stream: streams.trainNoise, step },
    });
    const dropout = { step, stream: streams.dropout };
    const prediction = unet3d(graph, unetConfig(config), noisy, { parameter, dropout });
    const shape = [elementCount(chosen.shape), grid, grid, grid, channels];
    const gradPrediction = graph.scratch("prediction grad", shape);
    const error = { label: "loss", prediction, target, gradPrediction, loss, scale, lossScale: scale, scaling };
    squaredError(graph, error);
    graph.backward(prediction, gradPrediction);
  }
}

/** Averaged weights on held-out molecules under the rotations of the cube. */
function evaluator(gpu: Gpu, context: EvaluationContext<VoxelConfig, PackedMolecules>): Promise<VoxelEvaluator> {
  requireGpu(gpu);
  requireObject("context", context, "Give { config, store, heldout }.");
  const { config, store, heldout, chunk } = context;
  requireConfig(config);
  const { grid, resolution, sigma, shift, twirl, seed, elements, precision } = config;
  const options = {
    ...{ molecules: heldout, grid, channels: elements.length, resolution, sigma, shift, twirl, seed, precision },
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    ...(chunk === undefined ? {} : { chunk }),
  };
  return VoxelEvaluator.create(gpu, options, (graph, noisy) => {
    const parameter = store.bind(graph, { constants: "ema" });
    return unet3d(graph, unetConfig(config), noisy, { parameter });
  });
}
