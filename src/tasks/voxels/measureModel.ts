import { squaredError } from "../../equivariance/losses.ts";
import { TWIRL_COUNTS } from "../../equivariance/twirlGain.ts";
import { poseResult } from "../../equivariance/poseEstimator.ts";
import { poseGains } from "../../equivariance/poseGain.ts";
import { Tally } from "../../equivariance/decomposition.ts";
import { octahedralMatrices } from "../../equivariance/octahedral.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import type { ModelMeasurer, ModelMeasurerOptions } from "../../training/task.ts";
import { PoseEvaluator, type PoseMeasurement } from "./poseEvaluator.ts";
import { streams } from "./streams.ts";
import type { VoxelConfig } from "./voxelConfig.ts";
import { VoxelDenoiser } from "./voxelDenoiser.ts";
import type { VoxelModel } from "./evaluationGraph.ts";
import { VoxelEvaluator } from "./voxelEvaluator.ts";

type Options = ModelMeasurerOptions<VoxelConfig, PackedMolecules>;

/** Noises of each rotation under so3: the fewest that tell noise from pose. */
const NOISES = 2;

/**
 * Measures a trained denoiser: under the rotations of the cube, which rotate grids exactly, or under all, which rotate
 * the atoms.
 */
export async function measureVoxelModel(gpu: Gpu, options: Options): Promise<ModelMeasurer> {
  const { group, loss = squaredError } = options;
  if (group === "so3" && loss !== squaredError) {
    const message = `the loss is ${loss.name}, and percentPose is of the squared error`;
    throw new VoxtwirlError("bad-option", message, 'Leave the loss out, or take the group "octahedral".');
  }
  const model = await VoxelDenoiser.load(gpu, options.model, { precision: options.precision });
  try {
    const measure = group === "so3" ? poses : twirl;
    const measurer = await measure(gpu, options, (graph, x) => model.forward(graph, x));
    return {
      ...measurer,
      destroy() {
        measurer.destroy();
        model.destroy();
      },
    };
  } catch (error) {
    model.destroy();
    throw error;
  }
}

function shapeOf({ model }: Options): number[] {
  const { grid, elements } = model.config.training;
  return [grid, grid, grid, elements.length];
}

function evaluatorOptions({ model, data, seed, precision }: Options) {
  const { grid, resolution, sigma, shift, elements } = model.config.training;
  return { molecules: data, grid, channels: elements.length, resolution, sigma, shift, seed, precision };
}

async function twirl(gpu: Gpu, options: Options, network: VoxelModel): Promise<ModelMeasurer> {
  const { rotations, loss, seed } = options;
  const given = {
    ...evaluatorOptions(options),
    twirl: rotations,
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    keepPredictions: true,
  };
  const evaluator = await VoxelEvaluator.create(gpu, given, network);
  const tally = new Tally({ rotations, loss, seed });
  return {
    shape: shapeOf(options),
    noises: 1,
    async add(index) {
      const { predictions, elements, clean, noisy } = await evaluator.twisted(index);
      const all = new Float32Array(predictions.length * clean.length);
      predictions.forEach((values, i) => all.set(values, i * clean.length));
      tally.add(all, clean);
      const matrices = elements.map((element) => octahedralMatrices[element]!);
      return { input: noisy, target: clean, rotations: matrices, predictions: all };
    },
    result: () => ({ kind: "decomposition", group: "octahedral", ...tally.result() }),
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
    shape: shapeOf(options),
    noises: NOISES,
    async add(index) {
      found.push(await evaluator.measure(index, counts));
      return undefined;
    },
    result: () => ({
      kind: "pose",
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
