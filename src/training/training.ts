import { requireGpu, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { encodeSafetensors, type SafeStream, type SafeTensor } from "../formats/safetensors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { ParameterStore } from "../graph/parameters.ts";
import { initialise } from "../models/initialise.ts";
import type { ModelParameter } from "../models/parameter.ts";
import { modelStream, modelTensors, stateStream } from "./checkpoint.ts";
import { RUN_CONFIG_FORMAT, runMetadata, type RunConfig } from "./runConfig.ts";
import type { Packed, Task, TaskData, TaskEvaluator } from "./task.ts";
import type { TrainConfig } from "./trainConfig.ts";
import { Trainer } from "./trainer.ts";

declare const VOXTWIRL_VERSION: string;

/** How a training begins. */
export interface TrainingOptions {
  /** Draws the first weights by the configuration's seed (default); false leaves them zero, for a state to load. */
  readonly initialise?: boolean;
}

/** All that training takes, on the GPU: weights, the training step and the held-out evaluation of a task. */
export class Training<C extends TrainConfig = TrainConfig, E extends TaskEvaluator = TaskEvaluator> {
  readonly config: C;
  readonly parameters: readonly ModelParameter[];
  readonly store: ParameterStore;
  readonly trainer: Trainer;
  /** Measures the averaged weights on the held-out samples. */
  readonly evaluator: E;
  readonly #run: RunConfig<C>;

  private constructor(
    run: RunConfig<C>,
    parameters: readonly ModelParameter[],
    store: ParameterStore,
    plans: { readonly trainer: Trainer; readonly evaluator: E },
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
   * @throws VoxtwirlError as `Trainer.create` and `Task.evaluator`; nothing stays allocated
   */
  static async create<C extends TrainConfig, P extends Packed, E extends TaskEvaluator>(
    gpu: Gpu,
    task: Task<C, P, E>,
    config: C,
    data: Pick<TaskData<P>, "train" | "heldout" | "fitted">,
    options: TrainingOptions = {},
  ): Promise<Training<C, E>> {
    requireGpu(gpu);
    requireObject("task", task, "Give what is trained: voxels.");
    const parameters = task.parameters(config);
    requireObject("data", data, "Give what task.open() returns.");
    const store = new ParameterStore(gpu, parameters);
    try {
      const plans = await withLargestMicroBatch(config, async (fitting) => {
        const trainer = await Trainer.create(gpu, task, fitting, store, data.train);
        try {
          return { trainer, evaluator: await task.evaluator(gpu, { config, store, heldout: data.heldout }) };
        } catch (error) {
          trainer.destroy();
          throw error;
        }
      });
      const { initialise: drawn = true } = options;
      if (drawn) initialise(store, parameters, config.seed);
      return new Training(runOf(gpu, task.name, config, data), parameters, store, plans);
    } catch (error) {
      store.destroy();
      throw error;
    }
  }

  /**
   * The averaged weights as a model file, which says how its network is built: `voxtwirl measure` takes it, and for
   * voxels `VoxelDenoiser.load`.
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
function runOf<C extends TrainConfig>(
  gpu: Gpu,
  task: string,
  training: C,
  data: Pick<TaskData, "train" | "heldout" | "fitted">,
): RunConfig<C> {
  const counts = { training: data.train.count, heldout: data.heldout.count, skipped: 0 };
  return {
    format: RUN_CONFIG_FORMAT,
    version: VOXTWIRL_VERSION,
    task,
    training,
    data: { source: "memory", sha256: "", splitSeed: training.seed, ...counts },
    ...(data.fitted && { fitted: data.fitted }),
    adapter: gpu.info.description,
  };
}

/** What `make` gives for the configuration, or for one with the largest smaller micro-batch that fits. */
export async function withLargestMicroBatch<C extends TrainConfig, T>(
  config: C,
  make: (fitting: C) => Promise<T>,
): Promise<T> {
  for (let { microBatch } = config; ; microBatch = divisorBelow(config.batch, microBatch)) {
    try {
      return await make({ ...config, microBatch });
    } catch (error) {
      const tooLarge = error instanceof VoxtwirlError && (error.code === "too-large" || error.code === "out-of-memory");
      if (!tooLarge || microBatch === 1) throw error;
    }
  }
}

/** The largest divisor of n that is smaller than `below`, from 2. */
function divisorBelow(n: number, below: number): number {
  let divisor = below - 1;
  while (n % divisor !== 0) divisor--;
  return divisor;
}
