import { VoxtwirlError } from "../errors.ts";
import { VoxelEvaluator } from "../equivariance/voxelEvaluator.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { ParameterStore } from "../graph/parameters.ts";
import { initialise } from "../models/initialise.ts";
import { unet3d } from "../models/unet3d.ts";
import { unetParameters, type UNetParameter } from "../models/unetLayout.ts";
import type { PreparedDataset } from "../molecules/dataset.ts";
import { skippedRemark } from "../report/format.ts";
import { renderReport } from "../report/report.ts";
import { densestSlice } from "../report/sampleSlices.ts";
import { loadStateFrom, modelStream, stateStream } from "../training/checkpoint.ts";
import { runMetadata, type RunConfig } from "../training/config.ts";
import { trainLoop, type LoopOptions, type LoopProgress, type LoopResult } from "../training/loop.ts";
import type { LossScaling } from "../training/lossScaling.ts";
import type { MetricRow } from "../training/metrics.ts";
import { modelConfig, type TrainConfig } from "../training/presets.ts";
import type { SafeStream } from "../training/safetensors.ts";
import { streams } from "../training/streams.ts";
import { Trainer } from "../training/trainer.ts";
import { tuningHash } from "../tuning/tuning.ts";
import type { RunFolder } from "./runFolder.ts";

export interface TrainingRunOptions {
  readonly gpu: Gpu;
  /** Nothing in it is changed before the run is known to fit, so that a run that cannot begin replaces nothing. */
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly data: PreparedDataset;
  /** Name of a held-out molecule, for the report's pictures. */
  readonly nameOf?: (index: number) => string | undefined;
  /** Continues from the folder's state. The configuration is written either way, once the run can begin. */
  readonly resume: boolean;
  readonly notes: readonly string[];
  /** The run is known to fit: from here on the folder changes, and an interruption has something to save. */
  readonly onReady: () => void;
  /** The folder now holds this run and no other. */
  readonly onStart: () => void;
  readonly onRow: (row: MetricRow) => void;
  readonly onProgress: (progress: LoopProgress) => void;
  /** A remark that must not go unseen. */
  readonly onWarning?: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A training run in its folder: metrics as they come, a checkpoint at each evaluation, the report at the end, also of an error. */
export async function trainingRun(asked: TrainingRunOptions): Promise<LoopResult> {
  const { gpu, data, folder, signal } = asked;
  const training = asked.config.training;
  let options = asked;
  const parameters = unetParameters(modelConfig(training));
  const store = new ParameterStore(gpu, parameters);
  let trainer: Trainer | undefined;
  let evaluator: VoxelEvaluator | undefined;
  let begun = false;
  try {
    ({ trainer, evaluator } = await createPlans(gpu, training, store, data));
    const made = evaluator;
    const { scaling } = trainer;
    options = withTuning(asked, tuningHash([...trainer.plan.calls.values(), ...made.plan.calls.values()]));
    const { config } = options;
    options.onReady();
    let start: LoopOptions["start"] = { step: 0, seconds: 0 };
    if (options.resume) {
      start = await resume(folder, store, parameters, config, scaling);
      await folder.writeConfig(config);
    } else {
      initialise(store, parameters, training.seed);
      await folder.begin(config);
    }
    begun = true;
    options.onStart();
    const result = await trainLoop({
      gpu,
      config: training,
      trainer,
      evaluate: () => made.evaluate(signal),
      start,
      onTrain: async (rows) => {
        for (const row of rows) {
          await folder.appendMetric(row);
          options.onRow(row);
        }
      },
      onEval: async (row) => {
        await folder.appendMetric(row);
        options.onRow(row);
      },
      checkpoint: async (step, seconds) => {
        const state = finiteStream(stateStream(store, parameters, scaling), step);
        // The state is what a run resumes from, so it must not be there before the rows that lead to it.
        await folder.syncMetrics();
        await folder.writeState(state, { ...runMetadata(config), step: String(step), seconds: String(seconds) });
        await writeModel(folder, store, parameters, config, step);
      },
      onProgress: options.onProgress,
      signal,
    });
    const interrupted = result.interrupted ? [`Interrupted at step ${result.step} of ${training.steps}.`] : [];
    await writeReport(options, made, interrupted);
    return result;
  } catch (error) {
    if (begun) await reportFailure(options, evaluator, error);
    throw error;
  } finally {
    evaluator?.destroy();
    trainer?.destroy();
    store.destroy();
  }
}

/** The configuration says which variants run; a resumed run that runs others is warned of. */
function withTuning(options: TrainingRunOptions, tuning: string): TrainingRunOptions {
  const { config, notes, resume: resumed, onWarning } = options;
  const before = config.tuning ?? "none";
  const changed = { ...options, config: { ...config, tuning } };
  if (!resumed || before === tuning) return changed;
  const said = (hash: string) => (hash === "none" ? "those of the table" : `those of tuning ${hash}`);
  const note =
    `The kernels' variants are ${said(tuning)}, the run began with ${said(before)}: from here on its numbers differ from an ` +
    "unbroken run's by rounding.";
  onWarning?.(note);
  return { ...changed, notes: [...notes, note] };
}

async function resume(
  folder: RunFolder,
  store: ParameterStore,
  parameters: readonly UNetParameter[],
  config: RunConfig,
  scaling: LossScaling | undefined,
) {
  const { step, seconds } = await folder.withState(async (state) => {
    const step = Number(state.metadata.step || NaN);
    const seconds = Number(state.metadata.seconds || NaN);
    if (!Number.isSafeInteger(step) || step < 0 || !Number.isFinite(seconds)) {
      throw new VoxtwirlError(
        "bad-file",
        `${folder.file("state")} does not say its step`,
        "Start a new run, or copy the file again.",
      );
    }
    const { steps } = config.training;
    if (steps < step) {
      throw new VoxtwirlError(
        "bad-option",
        `the run has done ${step} steps, --steps asks for ${steps}`,
        `Give at least ${step}.`,
      );
    }
    await loadStateFrom(store, parameters, state, folder.file("state"), scaling);
    return { step, seconds };
  });
  await folder.truncateMetricsAfter(step);
  // The process may have been killed between the two files of a checkpoint.
  await writeModel(folder, store, parameters, config, step);
  const rows = await folder.readMetrics();
  const evaluationDue =
    step % config.training.every === 0 && !rows.some((row) => row.type === "eval" && row.step === step);
  return { step, seconds, resumed: true, evaluationDue };
}

async function writeModel(
  folder: RunFolder,
  store: ParameterStore,
  parameters: readonly UNetParameter[],
  config: RunConfig,
  step: number,
) {
  await folder.writeModel(modelStream(store, parameters), { ...runMetadata(config), step: String(step) });
}

/** Weights that are not finite never replace a checkpoint: the file they are written to is dropped. */
function finiteStream({ specs, data }: SafeStream, step: number): SafeStream {
  return {
    specs,
    async *data() {
      let i = 0;
      for await (const values of data()) {
        const { name } = specs[i++]!;
        if (!(values as Float32Array).every(Number.isFinite)) {
          throw new VoxtwirlError(
            "not-finite",
            `'${name}' is not finite at step ${step}; the last checkpoint is kept`,
            "Start again with a smaller learning rate (--lr), or look for broken geometries in the data.",
          );
        }
        yield values;
      }
    },
  };
}

/**
 * Takes the next smaller divisor of the batch until a step and an evaluation fit beside each other: the parts' gradients
 * add up to the whole batch's.
 */
async function createPlans(gpu: Gpu, config: TrainConfig, store: ParameterStore, data: PreparedDataset) {
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

/** The report of a run that failed: as far as its rows go. What goes wrong here would only hide the error itself. */
async function reportFailure(
  options: TrainingRunOptions,
  evaluator: VoxelEvaluator | undefined,
  error: unknown,
): Promise<void> {
  const notes = [`Stopped by an error: ${error instanceof Error ? error.message : String(error)}.`];
  try {
    if ((await options.folder.readMetrics()).length === 0) return;
    // Without the pictures where the device is what failed.
    await writeReport(options, evaluator, notes).catch(() => writeReport(options, undefined, notes));
  } catch {
    return;
  }
}

async function writeReport(
  options: TrainingRunOptions,
  evaluator: VoxelEvaluator | undefined,
  remarks: readonly string[],
): Promise<void> {
  const { config, gpu, folder, notes } = options;
  const { grid, elements, resolution, preset } = config.training;
  const name = options.nameOf?.(0);
  const slices = evaluator && densestSlice(await evaluator.sample(0), grid, [...elements], resolution, name);
  const { vendor, architecture, device, description } = gpu.info;
  const metrics = await folder.readMetrics();
  const skipped = metrics.filter((row) => row.type === "train" && row.skipped).length;
  const html = renderReport({
    title: `voxtwirl train, preset ${preset}`,
    config: { ...config.training, data: config.data, tuning: config.tuning ?? "none" },
    adapter: { vendor, architecture, device, description },
    metrics,
    ...(slices ? { slices } : {}),
    notes: [...notes, ...(skipped > 0 ? [`${skippedRemark(skipped)}.`] : []), ...remarks],
  });
  await folder.writeReport(html);
}
