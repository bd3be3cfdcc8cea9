import type { Gpu } from "../../gpu/gpu.ts";
import { unet3d } from "../../models/unet3d.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { loadModel } from "../../training/checkpoint.ts";
import type { ModelTermsOptions } from "../../training/task.ts";
import { streams } from "./streams.ts";
import { unetConfig, type VoxelConfig } from "./voxelConfig.ts";
import { VoxelTerms } from "./voxelTerms.ts";

/** The terms of a trained denoiser, on molecules posed and noised as its evaluations have them. */
export function voxelModelTerms(
  gpu: Gpu,
  { model, data, chosen, rotations, seed }: ModelTermsOptions<VoxelConfig, PackedMolecules>,
): Promise<VoxelTerms> {
  const config = model.config.training;
  const { grid, resolution, sigma, shift, elements } = config;
  const parameters = unetParameters(unetConfig(config));
  return VoxelTerms.create(gpu, {
    ...{ molecules: data, chosen, grid, channels: elements.length, resolution, sigma, shift, twirl: rotations, seed },
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    parameters,
    network: (graph, x, parameter) => unet3d(graph, unetConfig(config), x, { parameter }),
    load: (store) => loadModel(store, parameters, model.file, model.path),
  });
}
