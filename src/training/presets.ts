import { requireArray, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import { elements5, elements8 } from "../molecules/elements.ts";
import { unetLayout, type UNet3dConfig } from "../models/unetLayout.ts";

/** Everything that decides what a training run computes; `training` in config.json. */
export interface TrainConfig {
  readonly preset: string;
  /** Element symbols, one channel each. */
  readonly elements: readonly string[];
  /** Voxels along an edge of the cubic grid. */
  readonly grid: number;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
  /** Standard deviation of the noise on every voxel. */
  readonly sigma: number;
  readonly channels: readonly number[];
  readonly blocks: number;
  readonly attention: readonly boolean[];
  readonly middleAttention: boolean;
  readonly groups: number;
  readonly dropout: number;
  readonly down: UNet3dConfig["down"];
  readonly batch: number;
  /** Samples at a time; a divisor of `batch`. Gradients of the parts add up to those of the whole. */
  readonly microBatch: number;
  /** The whole number of updates, also after resuming. */
  readonly steps: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  /** 0 as in the reference: a zero denominator then gives a zero step. */
  readonly eps: number;
  readonly emaDecay: number;
  /** Short runs average over min(emaDecay, (1 + t) / (10 + t)), or the initial weights would stay in the average. */
  readonly emaWarmup: boolean;
  readonly augment: "so3" | "octahedral" | "none";
  /** Poses of the molecules before augmentation. */
  readonly pose: "as-is" | "principal";
  /** Random shifts are uniform in +-shift Angstrom along each axis. */
  readonly shift: number;
  /** Held-out molecules; 0 stands for a tenth of the data. */
  readonly heldout: number;
  /** Rotations of each held-out molecule: 24 enumerates the group, fewer are drawn without replacement. */
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

const common = {
  weightDecay: 1e-2,
  augment: "so3",
  pose: "as-is",
  shift: 0.5,
  twirl: 24,
  seed: 1,
  precision: "f32",
} as const;

/** The reference's training (arXiv 2306.07473 and its code): learning rate, eps 0, moving average, network. */
const reference = {
  ...common,
  resolution: 0.25,
  sigma: 0.9,
  channels: [32, 64, 128, 512],
  blocks: 2,
  attention: [false, false, true, true],
  middleAttention: true,
  groups: 16,
  dropout: 0.1,
  down: "k3s2",
  lr: 2e-5,
  beta1: 0.99,
  beta2: 0.999,
  eps: 0,
  emaDecay: 0.999,
  emaWarmup: false,
} as const;

/** Named configurations: sizes for two cores (`tiny`, `small`) and the reference's (`qm9`, `drugs`). */
export const presets: Readonly<Record<string, TrainConfig>> = {
  tiny: {
    ...common,
    preset: "tiny",
    elements: elements5,
    grid: 16,
    resolution: 0.5,
    sigma: 0.32,
    channels: [8, 16, 32],
    blocks: 1,
    attention: [false, false, false],
    middleAttention: false,
    groups: 4,
    dropout: 0,
    down: "k4s2",
    batch: 8,
    microBatch: 8,
    steps: 300,
    lr: 5e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    emaDecay: 0.99,
    emaWarmup: true,
    heldout: 12,
    every: 50,
  },
  small: {
    ...common,
    preset: "small",
    elements: elements5,
    grid: 32,
    resolution: 0.25,
    sigma: 0.9,
    channels: [8, 16, 32, 64],
    blocks: 1,
    attention: [false, false, false, true],
    middleAttention: true,
    groups: 8,
    dropout: 0,
    down: "k4s2",
    batch: 8,
    microBatch: 8,
    steps: 2000,
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    emaDecay: 0.995,
    emaWarmup: true,
    heldout: 32,
    every: 250,
  },
  qm9: {
    ...reference,
    preset: "qm9",
    elements: elements5,
    grid: 32,
    batch: 128,
    microBatch: 128,
    steps: 100_000,
    heldout: 256,
    every: 1000,
  },
  drugs: {
    ...reference,
    preset: "drugs",
    elements: elements8,
    grid: 64,
    batch: 64,
    microBatch: 64,
    steps: 100_000,
    heldout: 128,
    every: 1000,
  },
};

/** What `tiny` becomes on an adapter some six times slower than lavapipe, so that a first try still ends in minutes. */
export const slowPresets: Readonly<Record<string, TrainConfig>> = {
  tiny: { ...presets.tiny!, steps: 100, every: 50, heldout: 6 },
};

const GIVE_CONFIG = "Give a configuration: { ...presets.tiny, steps: 500 }.";

/** The network a configuration asks for. */
export function modelConfig(config: TrainConfig): UNet3dConfig {
  requireObject("config", config, GIVE_CONFIG);
  const { channels, blocks, attention, middleAttention, groups, dropout, down, elements } = config;
  const n = elements.length;
  return { inChannels: n, outChannels: n, channels, blocks, attention, middleAttention, groups, dropout, down };
}

/** Far beyond what any adapter holds, and within what arrays, 32-bit counters and patience do. */
const MOST = { grid: 1024, batch: 2 ** 20, microBatch: 2 ** 20, steps: 2 ** 32 - 1, every: 2 ** 32 - 1 } as const;

/** Every micro-batch adds its own copy of the network to a step's program. */
export const MAX_MICRO_BATCHES = 1024;

/** @throws VoxtwirlError "bad-option" or "bad-config" naming the first value that cannot work */
export function checkTrainConfig(config: TrainConfig): TrainConfig {
  requireObject("config", config, GIVE_CONFIG);
  for (const name of ["channels", "attention", "elements"] as const) requireArray(name, config[name], GIVE_CONFIG);
  const bad = (what: string, fix: string) => new VoxtwirlError("bad-option", what, fix);
  for (const name of ["grid", "batch", "microBatch", "steps", "every"] as const) {
    if (!Number.isSafeInteger(config[name]) || config[name] < 1 || config[name] > MOST[name]) {
      throw bad(`${name} is ${config[name]}`, `Give a whole number from 1 to ${MOST[name]}.`);
    }
  }
  for (const name of ["resolution", "sigma", "lr"] as const) {
    // The GPU computes with 32 bits, whose numbers end at 3.4e38.
    if (!(config[name] > 0 && config[name] <= 1e30)) {
      throw bad(`${name} is ${config[name]}`, "Give a positive number of at most 1e30.");
    }
  }
  if (!Number.isSafeInteger(config.seed) || config.seed < 0) {
    throw bad(`seed is ${config.seed}`, "Give a whole number of at least 0.");
  }
  if (config.batch % config.microBatch !== 0) {
    throw bad(
      `a batch of ${config.batch} is not made of micro-batches of ${config.microBatch}`,
      "Give a divisor of the batch.",
    );
  }
  if (config.batch / config.microBatch > MAX_MICRO_BATCHES) {
    throw bad(
      `${config.batch / config.microBatch} micro-batches`,
      `Give at most ${MAX_MICRO_BATCHES}: a larger micro-batch or a smaller batch.`,
    );
  }
  if (!Number.isInteger(config.twirl) || config.twirl < 2 || config.twirl > 24) {
    throw bad(
      `twirl is ${config.twirl}`,
      "Give 24 to enumerate the rotations of the cube, or 2 to 23 to draw as many of them.",
    );
  }
  // A layout is as long as these say: bounded before it is made.
  if (!(config.blocks <= 64) || config.channels.length > 10 || config.elements.length > 118) {
    throw bad(
      `${config.channels.length} levels of ${config.blocks} blocks with ${config.elements.length} elements`,
      "Give at most 10 levels, 64 blocks a level and 118 elements.",
    );
  }
  const factor = 2 ** (config.channels.length - 1);
  if (config.grid % factor !== 0) {
    throw bad(
      `a grid of ${config.grid} cannot be halved ${config.channels.length - 1} times`,
      `Give a multiple of ${factor}.`,
    );
  }
  unetLayout(modelConfig(config));
  return config;
}
