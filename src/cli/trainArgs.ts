/** The options of `voxtwirl train` that decide what a run computes. */
import type { Command, Option } from "@commander-js/extra-typings";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { allPresets, taskNamed, taskOfPreset, tasks } from "../tasks/list.ts";
import type { RunConfig } from "../training/runConfig.ts";
import type { ConfigOption, Task } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { choice, integer, number, text } from "./args.ts";
import { dataHelp, labelUnitsOption, strictOption } from "./data.ts";
import { keepOption } from "./keptSteps.ts";
import { adapterOption, noTuningOption } from "./gpu.ts";
import { precisionOption } from "./precision.ts";

/** Everything that `voxtwirl train` can be told, with the options of each task after those of every run. */
export const trainOptions = (command: Command) => {
  const presets = Object.keys(allPresets());
  const names = tasks.map(({ name }) => name);
  const common = command
    .addOption(choice("--task <NAME>", `what is trained, ${names.join(" or ")}: its smallest preset`, names))
    .addOption(choice("--preset <NAME>", `${presets.join(", ")} (default tiny)`, presets))
    .addOption(text("--data <FILE>", `${dataHelp} (default: the task's built-in set)`))
    .addOption(labelUnitsOption())
    .addOption(strictOption())
    .addOption(integer("--steps <N>", "how many updates the run has in all, with --resume too"))
    .addOption(integer("--batch <N>", "samples in each update"))
    .addOption(
      integer("--micro-batch <N>", "samples computed at once; divides the batch (default: the largest that fits)"),
    )
    .addOption(number("--lr <X>", "learning rate", { min: 0, exclusiveMin: true }))
    .addOption(
      integer("--twirl <N>", "rotations of each held-out sample: all 24 (default), or 2 to 23 drawn at random", {
        min: 2,
        max: 24,
      }),
    )
    .addOption(integer("--every <K>", "evaluate and save every K updates"))
    .addOption(integer("--heldout <N>", "how many molecules or chains are held out for the evaluation"))
    .addOption(integer("--seed <N>", "seed of the weights, the split, poses and noise (default 1)", { min: 0 }))
    .addOption(precisionOption("f32"));
  for (const option of taskOptions()) common.addOption(commandOption(option));
  return common
    .addOption(text("--out <DIR>", "the run's folder (default runs/PRESET-N)"))
    .addOption(keepOption())
    .option("--force", "replace an earlier run in --out")
    .addOption(text("--resume <DIR>", "continue the run in this folder with its own options, or begin one there"))
    .option("--take-over", "use the run's folder although another process holds it; only if you know that it is gone")
    .addOption(adapterOption())
    .addOption(noTuningOption())
    .option("--json", "print the rows of metrics.jsonl on stdout, and nothing else")
    .option("--quiet", "print neither the live line nor the table");
};

export type TrainOptions = ReturnType<ReturnType<typeof trainOptions>["opts"]>;

/** Of all tasks; what several have is one option. */
function taskOptions(): ConfigOption[] {
  const all = tasks.flatMap(({ options }) => options);
  return all.filter(({ key }, at) => all.findIndex((option) => option.key === key) === at);
}

/** `microBatch` is set by --micro-batch. */
const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function commandOption({ key, kind, help }: ConfigOption): Option {
  if (kind === "whole") return integer(`${flagOf(key)} <N>`, help);
  if (kind === "positive") return number(`${flagOf(key)} <X>`, help, { min: 0, exclusiveMin: true });
  return choice(`${flagOf(key)} <KIND>`, help, kind);
}

/** What of every configuration can be set, whatever is trained, in the order in which messages name them. */
const COMMON = [
  "batch",
  "microBatch",
  "steps",
  "lr",
  "twirl",
  "every",
  "heldout",
  "seed",
  "precision",
] as const satisfies (keyof TrainOptions & keyof TrainConfig)[];

/** The options that decide what a run computes, those that were given. */
function givenOptions(options: TrainOptions): Partial<TrainConfig> {
  const given = options as Readonly<Record<string, unknown>>;
  const keys = ["preset", ...COMMON, ...taskOptions().map(({ key }) => key)];
  return Object.fromEntries(keys.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]));
}

/** The configuration of a new run; on a slow adapter some presets are shorter. */
export function newConfig(args: TrainOptions, slow = false): TrainConfig {
  const { preset: asked, ...given } = givenOptions(args);
  const name = asked ?? Object.keys(taskNamed(args.task).presets)[0]!;
  const task = taskOfPreset(name);
  if (args.task !== undefined && args.task !== task.name) {
    const message = `the preset ${name} is of the task ${task.name}, and --task is ${args.task}`;
    throw new VoxtwirlError(
      "bad-option",
      message,
      `Leave --task out, or give one of its presets: ${Object.keys(taskNamed(args.task).presets).join(", ")}.`,
    );
  }
  const preset = (slow ? task.slowPresets[name] : undefined) ?? task.presets[name]!;
  refuseOthers(task, Object.keys(given));
  const batch = given.batch ?? preset.batch;
  return task.check({ ...preset, microBatch: batch, ...given });
}

/** @throws VoxtwirlError "bad-option" for a value of another task */
function refuseOthers(task: Task, given: readonly string[]): void {
  const own: readonly string[] = [...COMMON, ...task.options.map(({ key }) => key)];
  const other = given.find((key) => !own.includes(key));
  if (other === undefined) return;
  const fix = "Leave it out, or choose a preset of another task.";
  throw new VoxtwirlError("bad-option", `the task ${task.name} has no ${flagOf(other)}`, fix);
}

/**
 * The configuration with which a run goes on: its own, but for --steps.
 *
 * @param path the run's folder, as given to --resume
 * @throws VoxtwirlError "bad-option" naming the options that differ from the run's
 */
export function resumedConfig(args: TrainOptions, path: string, { task, training }: RunConfig): TrainConfig {
  const before = training as unknown as Readonly<Record<string, unknown>>;
  const { steps = training.steps, ...given } = givenOptions(args);
  const differing = Object.entries(given)
    .filter(([key, value]) => value !== before[key])
    .map(([key, value]) => `${flagOf(key)} ${value}, but the run has ${String(before[key])}`);
  if (differing.length > 0) {
    const fix = "Leave that out to go on with the run as it is, or start a new one in another folder.";
    throw new VoxtwirlError("bad-option", `cannot resume ${path}: ${differing.join("; ")}`, fix);
  }
  return taskNamed(task).check({ ...training, steps });
}

/** @throws VoxtwirlError "bad-option" for options that contradict --resume */
export function checkResumedFolder(args: TrainOptions, path: string): void {
  if (args.force) {
    const fix = "Leave --force out to go on with the run, or replace it with --out DIR --force.";
    throw new VoxtwirlError("bad-option", "--force does not go with --resume, which removes nothing", fix);
  }
  const out = args.out;
  if (out !== undefined && realPath(out) !== realPath(path)) {
    const fix = "Leave --out out: a run stays in its folder.";
    throw new VoxtwirlError("bad-option", `--out ${out} is another folder than that of --resume, ${path}`, fix);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
