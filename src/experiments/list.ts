import { VoxtwirlError } from "../errors.ts";
import { taskNamed, taskOfPreset, tasks } from "../tasks/list.ts";
import { ablation } from "./ablation.ts";
import { dip } from "./dip.ts";
import { efficiency } from "./efficiency.ts";
import type { Experiment } from "./experiment.ts";
import { gradients } from "./gradients.ts";
import { landscapeExperiment } from "./landscape.ts";
import { groups } from "./groups.ts";
import { latents } from "./latents.ts";
import { scale } from "./scale.ts";
import { tasksExperiment } from "./tasks.ts";
import { twirling } from "./twirling.ts";

/** All experiments: to add one is to add its file and its line here. */
export const experiments: readonly Experiment[] = [
  ...[dip, tasksExperiment, ablation, twirling, landscapeExperiment, gradients, latents, efficiency, groups, scale],
];

/** @throws VoxtwirlError "bad-option" for a name that is none */
export function experimentNamed(name: string): Experiment {
  const found = experiments.find((one) => one.name === name);
  if (found) return found;
  const known = experiments.map((one) => one.name).join(", ");
  throw new VoxtwirlError("bad-option", `there is no experiment ${JSON.stringify(name)}`, `Use one of: ${known}.`);
}

/** Names of the tasks that an experiment is for, its own first. */
export function tasksOf({ preset, others }: Experiment): string[] {
  return [taskOfPreset(preset).name, ...Object.keys(others ?? {})];
}

/**
 * An experiment as it is with a task.
 *
 * @throws VoxtwirlError "bad-option" where it is not for the task
 */
export function withTask(experiment: Experiment, task: string): Experiment {
  const [own] = tasksOf(experiment);
  if (task === own) return experiment;
  const other = experiment.others?.[task];
  if (other) return { ...experiment, ...other };
  const those = experiments.filter((one) => tasksOf(one).includes(taskNamed(task).name)).map(({ name }) => name);
  const message = `the experiment ${experiment.name} is not for the task ${task}`;
  throw new VoxtwirlError("bad-option", message, `With ${task} there are: ${those.join(", ")}.`);
}

/** The folder of an experiment in the laboratory: its name, and after it the task where that is not the first one. */
export function folderOf(experiment: string, task: string): string {
  return task === tasks[0]!.name ? experiment : `${experiment}-${task}`;
}

/** Names of all folders of experiments. */
export const experimentFolders: readonly string[] = experiments.flatMap((one) =>
  tasksOf(one).map((task) => folderOf(one.name, task)),
);
