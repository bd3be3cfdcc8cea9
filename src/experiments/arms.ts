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

/** Force fields fall to nearly no forces first, with hardly a share to speak of: what of lossZero is below that. */
export const BELOW_PLATEAU = 1 / 2;

export const PLATEAU_REMARK =
  "A force field first falls to nearly no forces, where lossTotal is just below lossZero and there is hardly a " +
  "symmetry to lose: steps count from half of lossZero on.";

/** What percentEquiv hides in flow matching. */
export const FLOOR_REMARK =
  "Where a noisy chain comes from no net can tell exactly, so most of lossMean stays whatever is learned, and " +
  "percentEquiv says less than a share of what can be learned would: look at lossEquiv beside it.";

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

/** Whether arms have presets of their own, so that there is no one preset, task and file to choose. */
export function isAcrossTasks({ arms }: Experiment): boolean {
  return arms.some(({ preset }) => preset !== undefined);
}

/** The presets of an experiment's arms, that of those which have none of their own first. */
export function presetsOf({ arms }: Experiment, preset: string): string[] {
  return [...new Set([preset, ...arms.map((arm) => arm.preset ?? preset)])];
}

/** What an arm has other than the preset. */
export function changesOf({ changes }: Arm, preset: TrainConfig): ArmChanges {
  return typeof changes === "function" ? changes(preset) : changes;
}
