import type { TrainConfig } from "../training/trainConfig.ts";
import type { Arm, ArmChanges } from "./experiment.ts";

/** The preset as it is, with random rotations: the arm that most experiments share. */
export const SO3: Arm = { name: "so3", changes: { augment: "so3" } };

/** Half as many channels at every level. */
export const HALF_WIDTH: Arm = {
  name: "half width",
  changes: (preset) => ({ augment: "so3", ...widthChanges(preset, 0.5) }),
};

/** What an arm has other than the preset. */
export function changesOf({ changes }: Arm, preset: TrainConfig): ArmChanges {
  return typeof changes === "function" ? changes(preset) : changes;
}

function widthChanges(preset: TrainConfig, factor: number): ArmChanges {
  const { channels } = preset as TrainConfig & { readonly channels: readonly number[] };
  return { channels: channels.map((count) => Math.max(1, Math.round(count * factor))) };
}
