import { requireObject, requireOneOf, requirePositive, requireWhole } from "../../check.ts";
import { escaipParameters, type EscaipConfig } from "../../models/escaipLayout.ts";
import type { ConfigOption } from "../../training/task.ts";
import { badOption, checkTrainConfig, type TrainConfig } from "../../training/trainConfig.ts";

/** The task's name, as in config.json. */
export const FORCES = "forces";

/** How training structures are rotated at random. */
export const AUGMENTATIONS = ["so3", "octahedral", "none"] as const;
/** Poses of the structures before augmentation. */
export const POSES = ["as-is", "principal"] as const;
/** Which rotations held-out structures are predicted under. */
export const GROUPS = ["octahedral", "so3"] as const;
/** What is held out: frames, or all frames of some molecules. */
export const SPLITS = ["frame", "molecule"] as const;

/** Everything that decides what the training of a force field computes. */
export interface ForceConfig extends TrainConfig, EscaipConfig {
  readonly augment: (typeof AUGMENTATIONS)[number];
  readonly pose: (typeof POSES)[number];
  readonly group: (typeof GROUPS)[number];
  readonly split: (typeof SPLITS)[number];
  /** Of the mean absolute error of normalised energies, and of the mean norm of the errors of normalised forces. */
  readonly energyWeight: number;
  readonly forceWeight: number;
}

/** What people set of it. */
export const forceOptions: readonly ConfigOption[] = [
  {
    key: "augment",
    kind: AUGMENTATIONS,
    help: "how training structures are rotated at random: so3 (default), octahedral or none",
  },
  { key: "pose", kind: POSES, help: "as-is (default), or principal: first turn each structure to its principal axes" },
  { key: "group", kind: GROUPS, help: "rotations of the evaluations: the cube's (default), or drawn from all of so3" },
  { key: "split", kind: SPLITS, help: "hold out frames (default), or all frames of some molecules" },
];

const GIVE_CONFIG = 'Give a configuration: { ...forces.presets["forces-tiny"], steps: 500 }.';

/** @throws VoxtwirlError "bad-option" where it is none */
export function requireForceConfig(config: unknown): asserts config is ForceConfig {
  requireObject("config", config, GIVE_CONFIG);
  requireWhole("hidden", (config as Partial<ForceConfig>).hidden, 1);
}

/** @throws VoxtwirlError "bad-option" or "bad-config" naming the first value that cannot work */
export function checkForceConfig(config: ForceConfig): ForceConfig {
  requireForceConfig(config);
  checkTrainConfig(config);
  requireOneOf("augment", config.augment, AUGMENTATIONS);
  requireOneOf("pose", config.pose, POSES);
  requireOneOf("group", config.group, GROUPS);
  requireOneOf("split", config.split, SPLITS);
  for (const name of ["energyWeight", "forceWeight"] as const) {
    if (!(config[name] >= 0 && config[name] <= 1e6)) {
      throw badOption(`${name} is ${config[name]}`, "Give a number from 0 to a million.");
    }
  }
  requirePositive("energyWeight + forceWeight", config.energyWeight + config.forceWeight);
  escaipParameters(config);
  return config;
}

/** About so many times as many numbers of a node and an edge. */
export function widerForces({ hidden, heads }: ForceConfig, factor: number): Partial<ForceConfig> {
  const step = 4 * heads;
  return { hidden: step * Math.max(1, Math.round((factor * hidden) / step)) };
}
