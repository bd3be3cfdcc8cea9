import { requireObject, requireOneOf, requireWhole } from "../../check.ts";
import { flowNetParameters, type FlowNetConfig } from "../../models/flowNetLayout.ts";
import type { ConfigOption } from "../../training/task.ts";
import { badOption, checkTrainConfig, type TrainConfig } from "../../training/trainConfig.ts";

/** The task's name, as in config.json. */
export const FLOW = "flow";

/** How training crops are rotated at random. */
export const AUGMENTATIONS = ["so3", "octahedral", "none"] as const;
/** Poses of the crops before augmentation. */
export const POSES = ["as-is", "principal"] as const;
/** Which rotations held-out crops are predicted under. */
export const GROUPS = ["octahedral", "so3"] as const;

/** Everything that decides what the training of a flow-matching model computes. */
export interface FlowConfig extends TrainConfig, FlowNetConfig {
  readonly augment: (typeof AUGMENTATIONS)[number];
  readonly pose: (typeof POSES)[number];
  readonly group: (typeof GROUPS)[number];
  /** Residues of a crop at most: longer chains give a window, drawn anew each time. */
  readonly crop: number;
  /** Chains of fewer residues are left out. */
  readonly shortest: number;
  /** Of how many steps the network is told what it said before. */
  readonly selfCondition: number;
  /** Times are Beta(timeAlpha, 1), but for this share of them, which is uniform. */
  readonly timeAlpha: number;
  readonly uniformShare: number;
}

/** What people set of it. */
export const flowOptions: readonly ConfigOption[] = [
  {
    key: "augment",
    kind: AUGMENTATIONS,
    help: "how training samples are rotated at random: so3 (default), octahedral or none",
  },
  { key: "pose", kind: POSES, help: "as-is (default), or principal: first turn each crop to its principal axes" },
  { key: "group", kind: GROUPS, help: "rotations of the evaluations: the cube's (default), or drawn from all of so3" },
  { key: "crop", kind: "whole", help: "residues of a crop at most; longer chains give a window of so many" },
];

const GIVE_CONFIG = 'Give a configuration: { ...flow.presets["flow-tiny"], steps: 500 }.';

/** @throws VoxtwirlError "bad-option" where it is none */
export function requireFlowConfig(config: unknown): asserts config is FlowConfig {
  requireObject("config", config, GIVE_CONFIG);
  requireWhole("crop", (config as Partial<FlowConfig>).crop, 2, LONGEST_CROP);
}

/** Beyond what attention's pairs have room for on any adapter. */
const LONGEST_CROP = 8192;

/** @throws VoxtwirlError "bad-option" or "bad-config" naming the first value that cannot work */
export function checkFlowConfig(config: FlowConfig): FlowConfig {
  requireFlowConfig(config);
  checkTrainConfig(config);
  requireOneOf("augment", config.augment, AUGMENTATIONS);
  requireOneOf("pose", config.pose, POSES);
  requireOneOf("group", config.group, GROUPS);
  requireWhole("shortest", config.shortest, 2);
  for (const name of ["selfCondition", "uniformShare"] as const) {
    if (!(config[name] >= 0 && config[name] <= 1)) {
      throw badOption(`${name} is ${config[name]}`, "Give a share, 0 to 1.");
    }
  }
  if (!(config.timeAlpha > 0 && config.timeAlpha <= 100)) {
    throw badOption(`timeAlpha is ${config.timeAlpha}`, "Give a positive number, 1.9 for instance.");
  }
  flowNetParameters(config);
  return config;
}

/** About so many times as many numbers of a token. */
export function widerFlow({ hidden, heads }: FlowConfig, factor: number): Partial<FlowConfig> {
  const step = 4 * heads;
  return { hidden: step * Math.max(1, Math.round((factor * hidden) / step)) };
}
