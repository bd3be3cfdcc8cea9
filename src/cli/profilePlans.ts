import type { Gpu } from "../gpu/gpu.ts";
import type { Precision } from "../graph/graph.ts";
import { ParameterStore } from "../graph/parameters.ts";
import type { Plan } from "../graph/plan.ts";
import { initialise } from "../models/initialise.ts";
import { dataReadingLines, readDataFile } from "../node/dataFile.ts";
import { formatCount } from "../report/format.ts";
import { readModelFile } from "../runs/modelFile.ts";
import { prepareRunData } from "../runs/runData.ts";
import { taskNamed, taskOfPreset } from "../tasks/list.ts";
import type { Task, TaskData } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { Trainer } from "../training/trainer.ts";
import { withLargestMicroBatch } from "../training/training.ts";

/** A plan to profile, with what makes each of its replays a real one. */
export interface Profiled {
  readonly title: string;
  /** What there is to say of its data. */
  readonly notes: readonly string[];
  readonly plan: Plan;
  readonly prepare: (replay: number) => void;
  /** Frees the plan with all that was made for it. */
  destroy(): void;
}

export interface PresetOptions {
  readonly preset: TrainConfig;
  readonly data: string;
  /** Whether a record that cannot be used is an error; false by default. */
  readonly strict?: boolean;
  readonly batch: number | undefined;
}

/** Training steps of a preset from its first weights on. */
export async function trainingStep(gpu: Gpu, { preset, batch, ...from }: PresetOptions): Promise<Profiled> {
  const task = taskOfPreset(preset.preset);
  const config = task.check({ ...preset, batch: batch ?? preset.batch, microBatch: batch ?? preset.microBatch });
  const { store, data, notes } = await ready(gpu, task, config, from);
  try {
    const trainer = await withLargestMicroBatch(config, (fitting) =>
      Trainer.create(gpu, task, fitting, store, data.train),
    );
    const { microBatch } = trainer.config;
    const parts = microBatch === config.batch ? "" : ` in parts of ${microBatch}`;
    const half = inHalf(config.precision);
    return {
      title: `training step, preset ${config.preset}, batch ${formatCount(config.batch)}${parts}${half}`,
      notes,
      plan: trainer.plan,
      prepare: (replay) => trainer.prepare(replay),
      destroy: () => {
        trainer.destroy();
        store.destroy();
      },
    };
  } catch (error) {
    store.destroy();
    throw error;
  }
}

/** The evaluation of one held-out sample. */
export async function evaluation(gpu: Gpu, { preset, batch: chunk, ...from }: PresetOptions): Promise<Profiled> {
  const task = taskOfPreset(preset.preset);
  const { store, data, notes } = await ready(gpu, task, preset, from);
  try {
    const evaluator = await task.evaluator(gpu, { config: preset, store, heldout: data.heldout, chunk });
    const half = inHalf(preset.precision);
    return {
      title: `evaluation of one ${task.takes}, preset ${preset.preset}, ${preset.twirl} rotations${half}`,
      notes,
      plan: evaluator.plan,
      prepare: () => evaluator.prepare(0),
      destroy: () => {
        evaluator.destroy();
        store.destroy();
      },
    };
  } catch (error) {
    store.destroy();
    throw error;
  }
}

/** A forward pass of a model that `voxtwirl train` wrote. */
export async function modelForward(gpu: Gpu, path: string, batch = 1, given?: Precision): Promise<Profiled> {
  const file = await readModelFile(path);
  const { task, training } = file.config;
  const precision = given ?? training.precision;
  const { plan, destroy } = await taskNamed(task).forward(gpu, file, { batch, precision });
  return {
    title: `forward pass of ${file.path}, preset ${training.preset}, batch ${formatCount(batch)}${inHalf(precision)}`,
    notes: [],
    plan,
    prepare: () => undefined,
    destroy,
  };
}

const inHalf = (precision: Precision): string => (precision === "f16" ? ", in f16" : "");

async function ready(
  gpu: Gpu,
  task: Task,
  config: TrainConfig,
  { data: source, strict }: Pick<PresetOptions, "data" | "strict">,
): Promise<{ store: ParameterStore; data: TaskData; notes: string[] }> {
  const file = await readDataFile(task, source, { strict });
  const data = await prepareRunData(task, file, config);
  const parameters = task.parameters(config);
  const store = new ParameterStore(gpu, parameters);
  initialise(store, parameters, config.seed);
  return { store, data, notes: dataReadingLines(file) };
}
