import { requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { BufferUsage } from "../gpu/gpu.ts";
import type { Precision } from "../graph/graph.ts";
import type { AbortSignal, GPUBuffer } from "../hostTypes.ts";
import { checkKeptSteps, isKept, nextKept, type KeptSteps } from "./keptSteps.ts";
import { taskFigures, type EvalRow, type TrainEvaluator, type TrainRow } from "./metrics.ts";
import { readStatus, STATUS_BYTES, type StepStatus, type Trainer } from "./trainer.ts";

/** What `train` tells, in the order in which it happens. What follows waits until the next event is asked for. */
export type TrainEvent =
  /** Steps were done: a row for each. */
  | { readonly type: "train"; readonly rows: readonly TrainRow[] }
  /** The held-out loss was measured. */
  | { readonly type: "eval"; readonly row: EvalRow }
  | CheckpointEvent
  | ProgressEvent
  /** The last one. */
  | EndEvent;

/** Now is the time to save the weights, which are those after `step` updates. */
export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly step: number;
  readonly seconds: number;
  /** Whether it is a step of `TrainOptions.keep`. */
  readonly keep: boolean;
}

/** Some steps are done, about once a second; for a live line. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly step: number;
  readonly loss: number;
  readonly msPerStep: number;
  /** To the end of the run, evaluations included. */
  readonly secondsLeft: number;
  /** Steps skipped since the run began or was resumed: see `EndEvent`. */
  readonly skipped: number;
}

/** The run, or this part of it, is over. */
export interface EndEvent {
  readonly type: "end";
  readonly step: number;
  readonly seconds: number;
  /** The signal stopped it before the last step or evaluation was done. */
  readonly interrupted: boolean;
  /** Steps of this part of the run that were skipped, as their gradients overflowed: half precision only. */
  readonly skipped: number;
}

/** Where a run goes on. */
export interface TrainStart {
  /** Finished updates and seconds of an earlier part of the run. */
  readonly step: number;
  readonly seconds: number;
  /** A checkpoint of that step exists, and with it the evaluation of step 0. */
  readonly resumed?: boolean;
  /** The evaluation of that step was interrupted and is to be made up for. */
  readonly evaluationDue?: boolean;
}

/** What is trained: a Training, or a trainer of your own making. */
export interface Trained {
  readonly trainer: Trainer;
  /** Without one there are no "eval" events. */
  readonly evaluator?: TrainEvaluator;
}

/** How long to train, and from where. */
export interface TrainOptions {
  /** Updates in all, those of `start` included; as the trainer's configuration says by default. */
  readonly steps?: number;
  /** Evaluate and save after so many updates; as the trainer's configuration says by default. */
  readonly every?: number;
  /** Checkpoints are due at these steps too, and say so; none by default. */
  readonly keep?: KeptSteps | undefined;
  readonly start?: TrainStart;
  /** When aborted, the steps in flight end, a checkpoint is due and the stream ends. */
  readonly signal?: AbortSignal | undefined;
}

/** Steps whose results are read back together at most. */
const RING = 64;
/** Results come back about this often: seldom enough to keep the GPU busy, often enough for a live line. */
const READBACK_MS = 700;

/**
 * Trains, as a stream of events: evaluates at step 0, every `every` steps and at the end, and says each time that a
 * checkpoint is due.
 *
 * ```ts
 * const gpu = await Gpu.open();
 * const config = voxels.check({ ...voxels.presets.tiny, steps: 500 });
 * const data = voxels.open(builtinMolecules(), config);
 * const training = await Training.create(gpu, voxels, config, data);
 * for await (const event of train(training)) {
 *   if (event.type === "eval") console.log(event.row.step, event.row.percentEquiv);
 * }
 * const file = await training.encodeModel();
 * training.destroy();
 * ```
 *
 * Who leaves the loop early (`break`, an error) leaves no work on the GPU behind; what was trained since the last
 * checkpoint is in the trainer's store.
 *
 * @throws VoxtwirlError "not-finite" with the step when loss or gradient, or the held-out loss, stop being finite. The
 *   weights are then those before that step, and no checkpoint is due.
 */
export async function* train(
  trained: Trained,
  options: TrainOptions = {},
): AsyncGenerator<TrainEvent, void, undefined> {
  requireObject("trained", trained, "Give a Training, or { trainer, evaluator }.");
  if (options.keep !== undefined) checkKeptSteps(options.keep);
  requireObject("trained.trainer", trained.trainer, "Give a Trainer: await Trainer.create(...).");
  const { gpu } = trained.trainer;
  const results = gpu.createBuffer("train results", RING * STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  try {
    yield* new TrainLoop(trained, options, results).events();
  } finally {
    gpu.destroyBuffer(results);
  }
}

/** One call of `train`. */
class TrainLoop {
  readonly #trainer: Trainer;
  readonly #steps: number;
  readonly #every: number;
  readonly #keep: KeptSteps | undefined;
  readonly #evaluator: TrainEvaluator | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #start: TrainStart;
  readonly #results: GPUBuffer;
  readonly #began: number;
  #step: number;
  /** Step of the last checkpoint. */
  #checkpointed: number | undefined;
  #msPerStep = NaN;
  #evalSeconds = 0;
  #evaluationStopped = false;
  #skipped = 0;

  constructor({ trainer, evaluator }: Trained, options: TrainOptions, results: GPUBuffer) {
    const { steps = trainer.config.steps, every = trainer.config.every, keep, signal } = options;
    const { start = { step: 0, seconds: 0 } } = options;
    this.#trainer = trainer;
    this.#steps = steps;
    this.#every = every;
    this.#keep = keep;
    this.#evaluator = evaluator;
    this.#signal = signal;
    this.#start = start;
    this.#results = results;
    this.#began = performance.now() - start.seconds * 1000;
    this.#step = start.step;
    this.#checkpointed = start.resumed || start.step > 0 ? start.step : undefined;
  }

  async *events(): AsyncGenerator<TrainEvent, void, undefined> {
    if (this.#checkpointed === undefined || this.#start.evaluationDue) yield* this.#evaluation();
    while (this.#step < this.#steps && !this.#signal?.aborted) {
      const { rows, failed } = await this.#someSteps();
      const last = rows.at(-1);
      if (last) yield { type: "train", rows };
      if (failed !== undefined) throw this.#notFinite("loss or gradient is", failed);
      this.#step += rows.length;
      yield this.#progress(last!.loss);
      if (this.#step % this.#every === 0 || this.#step === this.#steps) yield* this.#evaluation();
      else if (this.#isKept()) yield* this.#checkpoint();
    }
    const step = this.#step;
    const interrupted = step < this.#steps || this.#evaluationStopped;
    if (interrupted && this.#checkpointed !== step) yield* this.#checkpoint();
    yield { type: "end", step, seconds: this.#seconds(), interrupted, skipped: this.#skipped };
  }

  #isKept(): boolean {
    return isKept(this.#keep, this.#step, { every: this.#every, steps: this.#steps });
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  async *#evaluation(): AsyncGenerator<TrainEvent, void, undefined> {
    if (this.#evaluator) {
      const row = await this.#evaluate(this.#evaluator);
      if (!row) {
        this.#evaluationStopped = true;
        return;
      }
      // Weights that overflow on held-out molecules must not replace a checkpoint that works.
      if (!Number.isFinite(row.lossTotal)) throw this.#heldoutNotFinite();
      yield { type: "eval", row };
    }
    yield* this.#checkpoint();
  }

  /** Undefined where the signal stopped it. */
  async #evaluate(evaluator: TrainEvaluator): Promise<EvalRow | undefined> {
    const from = performance.now();
    try {
      const evaluation = await evaluator.evaluate(this.#signal);
      const { lossTotal, lossMean, lossEquiv, lossZero, percentEquiv, percentEquivStdErr } = evaluation;
      this.#evalSeconds = (performance.now() - from) / 1000;
      const losses = { lossTotal, lossMean, lossEquiv, lossZero };
      const place = { step: this.#step, seconds: this.#seconds() };
      return { type: "eval", ...place, ...losses, percentEquiv, percentEquivStdErr, ...taskFigures(evaluation) };
    } catch (error) {
      if (error instanceof VoxtwirlError && error.code === "aborted") return undefined;
      if (error instanceof VoxtwirlError && error.code === "not-finite") throw this.#heldoutNotFinite();
      throw error;
    }
  }

  *#checkpoint(): Generator<CheckpointEvent, void, undefined> {
    yield { type: "checkpoint", step: this.#step, seconds: this.#seconds(), keep: this.#isKept() };
    this.#checkpointed = this.#step;
  }

  /**
   * Does as many steps as are read back together.
   *
   * @returns `failed` is the first update that was not finite, counted from 1, as rows are
   */
  async #someSteps(): Promise<{ rows: TrainRow[]; failed: number | undefined }> {
    const step = this.#step;
    const untilEval = this.#every - (step % this.#every);
    const untilKept = nextKept(this.#keep, step) - step;
    const wanted = Number.isNaN(this.#msPerStep) ? 1 : Math.max(1, Math.round(READBACK_MS / this.#msPerStep));
    const count = Math.min(wanted, untilEval, untilKept, this.#steps - step, RING);
    const from = performance.now();
    const buffer = this.#results;
    for (let i = 0; i < count; i++) this.#trainer.run(step + i, { buffer, offset: i * STATUS_BYTES });
    await this.#trainer.gpu.map(buffer);
    const status = readStatus(buffer.getMappedRange().slice(0, count * STATUS_BYTES));
    buffer.unmap();
    // The first step compiles; the average starts after it.
    const ms = (performance.now() - from) / count;
    const first = Number.isNaN(this.#msPerStep) || step <= this.#start.step + 1;
    this.#msPerStep = first ? ms : 0.8 * this.#msPerStep + 0.2 * ms;
    const failed = status.find((one) => one.failed !== 0)?.failed;
    const done = status.filter((one) => one.failed === 0);
    const rows = done.map((one, i) => trainRow(one, step + i + 1, this.#seconds()));
    this.#skipped += rows.filter((row) => row.skipped).length;
    return { rows, failed };
  }

  #progress(loss: number): ProgressEvent {
    const left = this.#steps - this.#step;
    const evals = Math.ceil(left / this.#every);
    const secondsLeft = (left * this.#msPerStep) / 1000 + evals * this.#evalSeconds;
    const { msPerStep, skipped } = { msPerStep: this.#msPerStep, skipped: this.#skipped };
    return { type: "progress", step: this.#step, loss, msPerStep, secondsLeft, skipped };
  }

  #heldoutNotFinite(): VoxtwirlError {
    return this.#notFinite("the held-out loss is", this.#step);
  }

  #notFinite(what: string, step: number): VoxtwirlError {
    return notFinite(what, step, this.#checkpointed, this.#trainer.config.precision);
  }
}

function trainRow({ loss, gradNorm, skipped, lossScale }: StepStatus, step: number, seconds: number): TrainRow {
  return { type: "train", step, seconds, loss, gradNorm, ...(lossScale > 0 && { lossScale, skipped }) };
}

function notFinite(what: string, step: number, checkpointed: number | undefined, precision: Precision): VoxtwirlError {
  const kept =
    checkpointed === undefined ? "there is no checkpoint yet" : `the last checkpoint is that of step ${checkpointed}`;
  return new VoxtwirlError(
    "not-finite",
    `${what} not finite at step ${step}; ${kept}`,
    `Start again with a smaller learning rate (--lr)${precision === "f16" ? " or with --precision f32" : ""}, ` +
      "and look at the data's geometries.",
  );
}
