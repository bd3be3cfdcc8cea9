import { requireArray, requireObject, requireOneOf, requirePositive, requireWhole } from "../../check.ts";
import type { FieldKind } from "../../models/fields.ts";
import type { UNet3dConfig } from "../../models/unetLayout.ts";
import { unetLayout } from "../../models/unetLayout.ts";
import type { Pose } from "../../molecules/dataset.ts";
import type { ConfigOption } from "../../training/task.ts";
import { badOption, checkTrainConfig, type TrainConfig } from "../../training/trainConfig.ts";

/** The task's name, as in config.json. */
export const VOXELS = "voxels";

/** How training molecules are rotated at random. */
export const AUGMENTATIONS = ["so3", "octahedral", "none"] as const;
/** Poses of the molecules before augmentation. */
export const POSES = ["as-is", "principal"] as const satisfies readonly Pose[];

/** Everything that decides what the training of a voxel denoiser computes. */
export interface VoxelConfig extends TrainConfig {
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
  /** Left out for an ordinary network: see `UNet3dConfig`. */
  readonly fields?: FieldKind;
  readonly augment: (typeof AUGMENTATIONS)[number];
  readonly pose: (typeof POSES)[number];
  /** Random shifts are uniform in +-shift Angstrom along each axis. */
  readonly shift: number;
}

/** What people set of it. */
export const voxelOptions: readonly ConfigOption[] = [
  {
    key: "augment",
    kind: AUGMENTATIONS,
    help: "how training molecules are rotated at random: so3 (default), octahedral or none",
  },
  { key: "pose", kind: POSES, help: "as-is (default), or principal: first turn each molecule to its principal axes" },
  {
    key: "fields",
    kind: ["trivial", "regular"],
    help:
      "tie the weights so that the net is exactly equivariant under the cube's rotations, its hidden channels being " +
      "fields of this kind (default: an ordinary net); regular takes channels that are multiples of 24",
  },
  { key: "grid", kind: "whole", help: "voxels along each edge of the grid" },
  {
    key: "resolution",
    kind: "positive",
    help: "edge of a voxel in Angstrom; to keep the task as hard, scale --sigma with its power -1.5",
  },
  { key: "sigma", kind: "positive", help: "standard deviation of the noise that the model learns to remove" },
];

const GIVE_CONFIG = "Give a configuration: { ...voxels.presets.tiny, steps: 500 }.";

/** @throws VoxtwirlError "bad-option" where it is none */
export function requireConfig(config: unknown): asserts config is VoxelConfig {
  requireObject("config", config, GIVE_CONFIG);
  requireArray("elements", (config as Partial<VoxelConfig>).elements, GIVE_CONFIG);
}

/** The network a configuration asks for. */
export function unetConfig(config: VoxelConfig): UNet3dConfig {
  requireConfig(config);
  const { channels, blocks, attention, middleAttention, groups, dropout, down, fields, elements } = config;
  const n = elements.length;
  const network = { channels, blocks, attention, middleAttention, groups, dropout, down };
  return { inChannels: n, outChannels: n, ...network, ...(fields && { fields }) };
}

/** @throws VoxtwirlError "bad-option" or "bad-config" naming the first value that cannot work */
export function checkVoxelConfig(config: VoxelConfig): VoxelConfig {
  requireConfig(config);
  for (const name of ["channels", "attention", "elements"] as const) requireArray(name, config[name], GIVE_CONFIG);
  checkTrainConfig(config);
  requireWhole("grid", config.grid, 1, 1024);
  requirePositive("resolution", config.resolution);
  requirePositive("sigma", config.sigma);
  requireOneOf("augment", config.augment, AUGMENTATIONS);
  requireOneOf("pose", config.pose, POSES);
  const levels = config.channels.length;
  // A layout is as long as these say: bounded before it is made.
  if (!(config.blocks <= 64) || levels > 10 || config.elements.length > 118) {
    const what = `${levels} levels of ${config.blocks} blocks with ${config.elements.length} elements`;
    throw badOption(what, "Give at most 10 levels, 64 blocks a level and 118 elements.");
  }
  const factor = 2 ** (levels - 1);
  if (config.grid % factor !== 0) {
    throw badOption(`a grid of ${config.grid} cannot be halved ${levels - 1} times`, `Give a multiple of ${factor}.`);
  }
  unetLayout(unetConfig(config));
  return config;
}

/** About so many times as many channels at every level. */
export function widerVoxels({ channels }: VoxelConfig, factor: number): Partial<VoxelConfig> {
  return { channels: channels.map((count) => Math.max(1, Math.round(count * factor))) };
}
