import { requireGpu, requireObject } from "../../check.ts";
import type { Loss } from "../../equivariance/losses.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { unet3d } from "../../models/unet3d.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { loadModel } from "../../training/checkpoint.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import { streams } from "./streams.ts";
import { unetConfig } from "./voxelConfig.ts";
import { voxelModelFile } from "./voxelModelFile.ts";
import { VoxelTerms } from "./voxelTerms.ts";

/** Whose terms are taken, and on what. */
export interface VoxelModelTermsOptions {
  /** The bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them. */
  readonly model: Uint8Array | ModelFile;
  /** Molecules: `voxels.open(...).heldout`, or `packed` of `voxels.pack(...)`. */
  readonly data: PackedMolecules;
  /** Places of the molecules that the losses are means over; all by default. */
  readonly chosen?: Uint32Array;
  /** Rotations of the cube of each molecule; all 24 by default. */
  readonly rotations?: number;
  /** The squared error by default; the absolute error and Huber's need all rotations. */
  readonly loss?: Loss;
  /** Poses, noise and drawn rotations follow from it and the molecule's place; the run's by default. */
  readonly seed?: number;
}

/**
 * The loss of a trained denoiser and its terms as functions of the weights, on molecules posed and noised as in the
 * evaluations of a run with this seed: for `termGradients`, `landscape`, `parameterSpace`.
 *
 * @throws VoxtwirlError "bad-file" when the model is none, and as `VoxelTerms.create`
 */
export function voxelTerms(gpu: Gpu, options: VoxelModelTermsOptions): Promise<VoxelTerms> {
  requireGpu(gpu);
  requireObject("options", options, "Give { model, data }.");
  const { data, chosen, loss, rotations: twirl = OCTAHEDRAL_ORDER } = options;
  requireObject("data", data, "Give packed molecules: voxels.open(molecules, config).heldout.");
  const model = voxelModelFile(options.model);
  const config = model.config.training;
  const { seed = config.seed } = options;
  const { grid, resolution, sigma, shift, elements } = config;
  const parameters = unetParameters(unetConfig(config));
  return VoxelTerms.create(gpu, {
    ...{ molecules: data, grid, channels: elements.length, resolution, sigma, shift, twirl, seed, parameters },
    ...(chosen && { chosen }),
    ...(loss && { loss }),
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    network: (graph, x, parameter) => unet3d(graph, unetConfig(config), x, { parameter }),
    load: (store) => loadModel(store, parameters, model.file, model.path),
  });
}
