import { TWIRL_COUNTS } from "../../equivariance/twirlGain.ts";
import { poseResult } from "../../equivariance/poseEstimator.ts";
import { poseGains } from "../../equivariance/poseGain.ts";
import { Tally } from "../../equivariance/decomposition.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { ParameterStore } from "../../graph/parameters.ts";
import { unet3d } from "../../models/unet3d.ts";
import { unetParameters } from "../../models/unetLayout.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { loadModel } from "../../training/checkpoint.ts";
import type { ModelMeasurer, ModelMeasurerOptions } from "../../training/task.ts";
import { PoseEvaluator, type PoseMeasurement } from "./poseEvaluator.ts";
import { streams } from "./streams.ts";
import { unetConfig, type VoxelConfig } from "./voxelConfig.ts";
import { VoxelEvaluator, type VoxelModel } from "./voxelEvaluator.ts";

type Options = ModelMeasurerOptions<VoxelConfig, PackedMolecules>;

/** Noises of each rotation under so3: the fewest that tell noise from pose. */
const NOISES = 2;

/**
 * Measures a trained denoiser: under the rotations of the cube, which rotate grids exactly, or under all, which rotate
 * the atoms.
 */
export async function measureVoxelModel(gpu: Gpu, options: Options): Promise<ModelMeasurer> {
  const config = unetConfig(options.model.config.training);
  const parameters = unetParameters(config);
  const store = new ParameterStore(gpu, parameters, ["weights"]);
  try {
    loadModel(store, parameters, options.model.file, options.model.path);
    const network: VoxelModel = (graph, noisy) =>
      unet3d(graph, config, noisy, { parameter: store.bind(graph, { constants: "weights" }) });
    const measurer = await (options.group === "so3" ? poses : twirl)(gpu, options, network);
    return {
      ...measurer,
      destroy() {
        measurer.destroy();
        store.destroy();
      },
    };
  } catch (error) {
    store.destroy();
    throw error;
  }
}

function evaluatorOptions({ model, data, seed, precision }: Options) {
  const { grid, resolution, sigma, shift, elements } = model.config.training;
  return { molecules: data, grid, channels: elements.length, resolution, sigma, shift, seed, precision };
}

async function twirl(gpu: Gpu, options: Options, network: VoxelModel): Promise<ModelMeasurer> {
  const { rotations, seed } = options;
  const given = {
    ...evaluatorOptions(options),
    twirl: rotations,
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    keepPredictions: true,
  };
  const evaluator = await VoxelEvaluator.create(gpu, given, network);
  const tally = new Tally({ rotations, seed });
  return {
    noises: 1,
    async add(index) {
      const { predictions, clean } = await evaluator.twisted(index);
      const all = new Float32Array(predictions.length * clean.length);
      predictions.forEach((values, i) => all.set(values, i * clean.length));
      tally.add(all, clean);
    },
    result: () => ({ group: "octahedral", ...tally.result() }),
    destroy: () => evaluator.destroy(),
  };
}

async function poses(gpu: Gpu, options: Options, network: VoxelModel): Promise<ModelMeasurer> {
  const { rotations, interpolation } = options;
  const given = {
    ...evaluatorOptions(options),
    ...{ rotations, noises: NOISES, method: interpolation, stream: streams.heldoutNoise },
  };
  const evaluator = await PoseEvaluator.create(gpu, given, network);
  const counts = TWIRL_COUNTS.filter((count) => count <= rotations);
  const found: PoseMeasurement[] = [];
  return {
    noises: NOISES,
    async add(index) {
      found.push(await evaluator.measure(index, counts));
    },
    result: () => ({
      group: "so3",
      ...poseResult(found, evaluator.elements),
      ...{ samples: found.length, rotations, noises: NOISES },
      gains: poseGains(
        found,
        found.map(({ averages }) => averages),
        counts,
      ),
    }),
    destroy: () => evaluator.destroy(),
  };
}
