import { VoxtwirlError } from "../errors.ts";
import { taskOfPreset } from "../tasks/list.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import type { Arm, ArmChanges, Experiment } from "./experiment.ts";

/** The preset as it is, with random rotations: the arm that most experiments share. */
export const SO3: Arm = { name: "so3", changes: { augment: "so3" } };

/** Half as many channels at every level. */
export const HALF_WIDTH: Arm = {
  name: "half width",
  changes: (preset) => ({ augment: "so3", ...taskOfPreset(preset.preset).widened(preset, 0.5) }),
};

/**
 * An experiment with some of its arms, in its own order; all where `names` is undefined.
 *
 * @throws VoxtwirlError "bad-option" for a name that is none of them
 */
export function withArms(experiment: Experiment, names: readonly string[] | undefined): Experiment {
  if (names === undefined) return experiment;
  const { arms } = experiment;
  const unknown = names.find((name) => !arms.some((arm) => arm.name === name));
  if (unknown !== undefined) {
    const message = `${experiment.name} has no arm ${JSON.stringify(unknown)}`;
    const fix = `Use some of: ${arms.map(({ name }) => JSON.stringify(name)).join(", ")}.`;
    throw new VoxtwirlError("bad-option", message, fix);
  }
  return { ...experiment, arms: arms.filter(({ name }) => names.includes(name)) };
}

/** What an arm has other than the preset. */
export function changesOf({ changes }: Arm, preset: TrainConfig): ArmChanges {
  return typeof changes === "function" ? changes(preset) : changes;
}
