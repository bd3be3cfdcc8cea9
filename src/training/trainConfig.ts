import { requireOneOf, requirePositive, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";

/** What decides a training run whatever is trained; a task adds its own (see `Task`). `training` in config.json. */
export interface TrainConfig {
  readonly preset: string;
  readonly batch: number;
  /** Samples at a time; a divisor of `batch`. Gradients of the parts add up to those of the whole. */
  readonly microBatch: number;
  /** The whole number of updates, also after resuming. */
  readonly steps: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  /** 0 as in VoxMol's training: a zero denominator then gives a zero step. */
  readonly eps: number;
  readonly emaDecay: number;
  /** Most that the gradient's norm may be; longer ones are scaled down. Left out, any. */
  readonly clip?: number;
  /** Steps over which the rate rises to `lr`, evenly from `warmupFrom` of it; none by default. */
  readonly warmup?: number;
  /** A part of `lr`, 0 by default. */
  readonly warmupFrom?: number;
  /** What part of `lr` the rate falls to by the last step, along a cosine; 1 by default, which is no fall. */
  readonly finalRate?: number;
  /** Short runs average over min(emaDecay, (1 + t) / (10 + t)), or the initial weights would stay in the average. */
  readonly emaWarmup: boolean;
  /** Held-out samples; 0 stands for a tenth of the data. */
  readonly heldout: number;
  /** Rotations of each held-out sample: all 24 of the cube, or fewer, drawn without replacement. */
  readonly twirl: number;
  /** An evaluation and a checkpoint every so many steps. */
  readonly every: number;
  readonly seed: number;
  /**
   * How activations and their gradients are stored; weights, sums and all arithmetic are f32. f16 trains with loss
   * scaling, and needs an adapter with shader-f16.
   */
  readonly precision: Precision;
}

/** Every micro-batch adds its own copy of the network to a step's program. */
export const MAX_MICRO_BATCHES = 1024;

/** Far beyond what any adapter holds, and within what arrays, 32-bit counters and patience do. */
const MOST = { batch: 2 ** 20, microBatch: 2 ** 20, steps: 2 ** 32 - 1, every: 2 ** 32 - 1 } as const;

/**
 * What `Task.check` begins with.
 *
 * @throws VoxtwirlError "bad-option" naming the first value that cannot work
 */
export function checkTrainConfig(config: TrainConfig): void {
  for (const name of ["batch", "microBatch", "steps", "every"] as const) {
    requireWhole(name, config[name], 1, MOST[name]);
  }
  requirePositive("lr", config.lr);
  requireOneOf("precision", config.precision, ["f32", "f16"]);
  requireWhole("seed", config.seed, 0);
  if (config.clip !== undefined) requirePositive("clip", config.clip);
  if (config.warmup !== undefined) requireWhole("warmup", config.warmup, 0, MOST.steps);
  for (const name of ["warmupFrom", "finalRate"] as const) requireShare(name, config[name]);
  if (config.batch % config.microBatch !== 0) {
    const what = `a batch of ${config.batch} is not made of micro-batches of ${config.microBatch}`;
    throw badOption(what, "Give a divisor of the batch.");
  }
  const parts = config.batch / config.microBatch;
  if (parts > MAX_MICRO_BATCHES) {
    const fix = `Give at most ${MAX_MICRO_BATCHES}: a larger micro-batch or a smaller batch.`;
    throw badOption(`${parts} micro-batches`, fix);
  }
  if (!Number.isInteger(config.twirl) || config.twirl < 2 || config.twirl > 24) {
    const fix = "Give 24 to enumerate the rotations of the cube, or 2 to 23 to draw as many of them.";
    throw badOption(`twirl is ${config.twirl}`, fix);
  }
}

function requireShare(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= 1)) return;
  throw badOption(`${name} is ${value}`, "Give a part of lr, from 0 to 1.");
}

/** The learning rate of step number `step`, from 0: a rise over `warmup` steps, then a fall along a cosine. */
export function learningRate(config: TrainConfig, step: number): number {
  const { lr, steps, warmup = 0, warmupFrom = 0, finalRate = 1 } = config;
  const t = step + 1;
  if (t < warmup) return lr * (warmupFrom + (1 - warmupFrom) * (t / warmup));
  return lr * (finalRate + (1 - finalRate) * 0.5 * (1 + Math.cos((Math.PI * t) / steps)));
}

export function badOption(what: string, fix: string): VoxtwirlError {
  return new VoxtwirlError("bad-option", what, fix);
}
