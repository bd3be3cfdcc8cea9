import { VoxtwirlError } from "../errors.ts";
import { BufferUsage, type Gpu } from "../gpu/gpu.ts";
import type { Precision } from "../graph/graph.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { EvalRow, TrainRow } from "./metrics.ts";
import type { TrainConfig } from "./presets.ts";
import { readStatus, STATUS_BYTES, type StepStatus, type Trainer } from "./trainer.ts";

export interface LoopProgress {
  readonly step: number;
  readonly loss: number;
  readonly msPerStep: number;
  /** To the end of the run, evaluations included. */
  readonly secondsLeft: number;
  /** Steps skipped since the run began or was resumed: see `LoopResult`. */
  readonly skipped: number;
}

export interface LoopOptions {
  readonly gpu: Gpu;
  readonly config: TrainConfig;
  readonly trainer: Trainer;
  /** Throws VoxtwirlError "aborted" when it is stopped half-way. */
  readonly evaluate: () => Promise<Omit<EvalRow, "type" | "step" | "seconds">>;
  /**
   * Finished updates and seconds of an earlier part of the run. `resumed`: a checkpoint of that step exists, and with
   * it the evaluation of step 0.
   */
  readonly start: {
    readonly step: number;
    readonly seconds: number;
    readonly resumed?: boolean;
    /** The evaluation of that step was interrupted and is to be made up for. */
    readonly evaluationDue?: boolean;
  };
  readonly onTrain: (rows: TrainRow[]) => Promise<void>;
  /** Rows of an evaluation have been handed on before; `checkpoint` follows. */
  readonly onEval: (row: EvalRow) => Promise<void>;
  readonly checkpoint: (step: number, seconds: number) => Promise<void>;
  readonly onProgress: (progress: LoopProgress) => void;
  /** When aborted, the steps in flight end, a checkpoint is written and the loop returns. */
  readonly signal?: AbortSignal;
}

export interface LoopResult {
  readonly step: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Steps of this part of the run that were skipped, as their gradients overflowed: half precision only. */
  readonly skipped: number;
}

/** Steps whose results are read back together at most. */
const RING = 64;
/** Results come back about this often: seldom enough to keep the GPU busy, often enough for a live line. */
const READBACK_MS = 700;

/**
 * Trains to `config.steps`, evaluating at step 0, every `config.every` steps and at the end, with a checkpoint each
 * time.
 *
 * @throws VoxtwirlError "not-finite" with the step when loss or gradient, or the held-out loss, stop being finite. The
 *   weights are then those before that step, and nothing is written over the last checkpoint.
 */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { gpu, config, trainer, start, signal } = options;
  const began = performance.now() - start.seconds * 1000;
  const seconds = () => (performance.now() - began) / 1000;
  const staging = gpu.createBuffer("train results", RING * STATUS_BYTES, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
  let step = start.step;
  let checkpointed = start.resumed || step > 0 ? step : undefined;
  let msPerStep = NaN;
  let evalSeconds = 0;
  let evaluationStopped = false;
  let skipped = 0;

  const evaluate = async () => {
    const from = performance.now();
    const evaluation = await options.evaluate().catch((error: unknown) => {
      if (error instanceof VoxtwirlError && error.code === "aborted") return undefined;
      throw error;
    });
    if (!evaluation) {
      evaluationStopped = true;
      return;
    }
    const { lossTotal, lossMean, lossEquiv, lossZero, percentEquiv, percentEquivStdErr } = evaluation;
    evalSeconds = (performance.now() - from) / 1000;
    // Weights that overflow on held-out molecules must not replace a checkpoint that works.
    if (!Number.isFinite(lossTotal)) throw notFinite("the held-out loss is", step, checkpointed, config.precision);
    const losses = { lossTotal, lossMean, lossEquiv, lossZero };
    await options.onEval({ type: "eval", step, seconds: seconds(), ...losses, percentEquiv, percentEquivStdErr });
    await options.checkpoint(step, seconds());
    checkpointed = step;
  };

  try {
    if (checkpointed === undefined || start.evaluationDue) await evaluate();
    while (step < config.steps && !signal?.aborted) {
      const untilEval = config.every - (step % config.every);
      const wanted = Number.isNaN(msPerStep) ? 1 : Math.max(1, Math.round(READBACK_MS / msPerStep));
      const count = Math.min(wanted, untilEval, config.steps - step, RING);
      const from = performance.now();
      for (let i = 0; i < count; i++) trainer.run(step + i, { buffer: staging, offset: i * STATUS_BYTES });
      await gpu.map(staging);
      const status = readStatus(staging.getMappedRange().slice(0, count * STATUS_BYTES));
      staging.unmap();
      // The first step compiles; the average starts after it.
      const ms = (performance.now() - from) / count;
      msPerStep = Number.isNaN(msPerStep) || step <= start.step + 1 ? ms : 0.8 * msPerStep + 0.2 * ms;
      // The number of the failing update is counted from 1, as rows are.
      const failed = status.find((one) => one.failed !== 0)?.failed;
      const rows = status.filter((one) => one.failed === 0).map((one, i) => trainRow(one, step + i + 1, seconds()));
      await options.onTrain(rows);
      if (failed !== undefined) throw notFinite("loss or gradient is", failed, checkpointed, config.precision);
      skipped += rows.filter((row) => row.skipped).length;
      step += count;
      const evals = Math.ceil((config.steps - step) / config.every);
      const secondsLeft = ((config.steps - step) * msPerStep) / 1000 + evals * evalSeconds;
      options.onProgress({ step, loss: rows.at(-1)!.loss, msPerStep, secondsLeft, skipped });
      if (step % config.every === 0 || step === config.steps) await evaluate();
    }
    const interrupted = step < config.steps || evaluationStopped;
    if (interrupted && checkpointed !== step) await options.checkpoint(step, seconds());
    return { step, seconds: seconds(), interrupted, skipped };
  } finally {
    gpu.destroyBuffer(staging);
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
      "and look at --sigma, --resolution and the data's geometries.",
  );
}
