import { requireGpu, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { VoxelEvaluator } from "../equivariance/voxelEvaluator.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { ParameterStore } from "../graph/parameters.ts";
import { initialise } from "../models/initialise.ts";
import { unet3d } from "../models/unet3d.ts";
import { unetParameters, type UNetParameter } from "../models/unetLayout.ts";
import type { PreparedDataset } from "../molecules/dataset.ts";
import { modelStream, modelTensors, stateStream } from "./checkpoint.ts";
import { RUN_CONFIG_FORMAT, runMetadata, type RunConfig } from "./config.ts";
import { modelConfig, type TrainConfig } from "./presets.ts";
import { encodeSafetensors, type SafeStream, type SafeTensor } from "./safetensors.ts";
import { streams } from "./streams.ts";
import { Trainer } from "./trainer.ts";

declare const VOXTWIRL_VERSION: string;

/** How a training begins. */
export interface VoxelTrainingOptions {
  /** Draws the first weights by the configuration's seed (default); false leaves them zero, for a state to load. */
  readonly initialise?: boolean;
}

/** All that training a voxel denoiser takes, on the GPU: weights, the training step and the held-out evaluation. */
export class VoxelTraining {
  readonly config: TrainConfig;
  readonly parameters: readonly UNetParameter[];
  readonly store: ParameterStore;
  readonly trainer: Trainer;
  /** Measures the averaged weights on the held-out molecules. */
  readonly evaluator: VoxelEvaluator;
  readonly #run: RunConfig;

  private constructor(
    run: RunConfig,
    parameters: readonly UNetParameter[],
    store: ParameterStore,
    plans: { readonly trainer: Trainer; readonly evaluator: VoxelEvaluator },
  ) {
    this.#run = run;
    this.config = run.training;
    this.parameters = parameters;
    this.store = store;
    this.trainer = plans.trainer;
    this.evaluator = plans.evaluator;
  }

  /**
   * Takes `microBatch` or the next smaller divisor of the batch with which a step and an evaluation fit beside each
   * other: the parts' gradients add up to the whole batch's.
   *
   * @throws VoxtwirlError as `Trainer.create` and `VoxelEvaluator.create`; nothing stays allocated
   */
  static async create(
    gpu: Gpu,
    config: TrainConfig,
    data: Pick<PreparedDataset, "train" | "heldout">,
    options: VoxelTrainingOptions = {},
  ): Promise<VoxelTraining> {
    requireGpu(gpu);
    const parameters = unetParameters(modelConfig(config));
    requireObject("data", data, "Give what prepareDataset returns.");
    const store = new ParameterStore(gpu, parameters);
    try {
      const plans = await createPlans(gpu, config, store, data);
      const { initialise: drawn = true } = options;
      if (drawn) initialise(store, parameters, config.seed);
      return new VoxelTraining(runOf(gpu, config, data), parameters, store, plans);
    } catch (error) {
      store.destroy();
      throw error;
    }
  }

  /**
   * The averaged weights as a model file, which says how its network is built: `VoxelDenoiser.load` and `voxtwirl
   * measure` take it.
   *
   * @param step updates that the weights have seen, as the events of `train` tell
   */
  async encodeModel(step?: number): Promise<Uint8Array> {
    const metadata = { ...runMetadata(this.#run), ...(step === undefined ? {} : { step: String(step) }) };
    return encodeSafetensors(await this.modelTensors(), metadata);
  }

  /** The averaged weights as a model file holds them: see `modelTensors`. */
  modelTensors(): Promise<SafeTensor[]> {
    return modelTensors(this.store, this.parameters);
  }

  /** The same, read from the GPU as they are asked for. */
  modelStream(): SafeStream {
    return modelStream(this.store, this.parameters);
  }

  /** All that resuming needs; `loadState` takes it. */
  stateStream(): SafeStream {
    return stateStream(this.store, this.parameters, this.trainer.scaling);
  }

  /** Frees all that was made. */
  destroy(): void {
    this.evaluator.destroy();
    this.trainer.destroy();
    this.store.destroy();
  }
}

/** What a model file says of a run without a folder and a file of molecules. */
function runOf(gpu: Gpu, training: TrainConfig, data: Pick<PreparedDataset, "train" | "heldout">): RunConfig {
  const counts = { training: data.train.count, heldout: data.heldout.count, skipped: 0 };
  return {
    format: RUN_CONFIG_FORMAT,
    version: VOXTWIRL_VERSION,
    training,
    data: { source: "memory", sha256: "", splitSeed: training.seed, ...counts },
    adapter: gpu.info.description,
  };
}

async function createPlans(
  gpu: Gpu,
  config: TrainConfig,
  store: ParameterStore,
  data: Pick<PreparedDataset, "train" | "heldout">,
) {
  for (let { microBatch } = config; ; microBatch = divisorBelow(config.batch, microBatch)) {
    let trainer: Trainer | undefined;
    try {
      trainer = await Trainer.create(gpu, { ...config, microBatch }, store, data.train);
      return { trainer, evaluator: await createEvaluator(gpu, config, store, data) };
    } catch (error) {
      trainer?.destroy();
      const tooLarge = error instanceof VoxtwirlError && (error.code === "too-large" || error.code === "out-of-memory");
      if (!tooLarge || microBatch === 1) throw error;
    }
  }
}

/** The largest divisor of n that is smaller than `below`, from 2. */
export function divisorBelow(n: number, below: number): number {
  let divisor = below - 1;
  while (n % divisor !== 0) divisor--;
  return divisor;
}

/** The evaluation of a run: averaged weights on held-out molecules; `chunk` rotations at a time at most. */
export function createEvaluator(
  gpu: Gpu,
  config: TrainConfig,
  store: ParameterStore,
  data: Pick<PreparedDataset, "heldout">,
  chunk?: number,
): Promise<VoxelEvaluator> {
  const { grid, resolution, sigma, shift, twirl, seed, elements, precision } = config;
  const options = {
    molecules: data.heldout,
    grid,
    channels: elements.length,
    resolution,
    sigma,
    shift,
    twirl,
    seed,
    precision,
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    ...(chunk === undefined ? {} : { chunk }),
  };
  return VoxelEvaluator.create(gpu, options, (graph, noisy) => {
    const parameter = store.bind(graph, { constants: "ema" });
    return unet3d(graph, modelConfig(config), noisy, { parameter });
  });
}
