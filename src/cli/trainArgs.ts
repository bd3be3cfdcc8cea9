/** The options of `voxtwirl train` that decide what a run computes. */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import { allPresets, taskNamed, taskOfPreset, tasks } from "../tasks/list.ts";
import type { RunConfig } from "../training/runConfig.ts";
import type { ConfigOption, Task } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import type { Args, OptionSpec } from "./args.ts";
import { precisionOf, precisionOption } from "./precision.ts";

interface TrainOption extends Omit<ConfigOption, "kind"> {
  readonly kind: ConfigOption["kind"] | "seed" | "twirl" | "precision";
}

/** What of every configuration can be set, whatever is trained. */
const COMMON: readonly TrainOption[] = [
  { key: "steps", kind: "whole", help: "how many updates the run has in all, with --resume too" },
  { key: "batch", kind: "whole", help: "samples in each update" },
  {
    key: "microBatch",
    kind: "whole",
    help: "samples computed at once; divides the batch (default: the largest that fits)",
  },
  { key: "lr", kind: "positive", help: "learning rate" },
  {
    key: "twirl",
    kind: "twirl",
    help: "rotations of each held-out molecule: all 24 (default), or 2 to 23 drawn at random",
  },
  { key: "every", kind: "whole", help: "evaluate and save every K updates" },
  { key: "heldout", kind: "whole", help: "how many molecules are held out for the evaluation" },
  { key: "seed", kind: "seed", help: "seed of the weights, the split, poses and noise (default 1)" },
  { key: "precision", kind: "precision", help: precisionOption("f32").help },
];

/** Those of every task together. */
const trainOptions = (): TrainOption[] => [...COMMON, ...tasks.flatMap(({ options }) => options)];

/** `microBatch` is set by --micro-batch. */
const flagOf = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The options of `voxtwirl train` that decide what a run computes, for its help. */
export function configOptions(): Record<string, OptionSpec> {
  const value = ({ key, kind }: TrainOption) => {
    if (kind === "positive") return "X";
    if (key === "every") return "K";
    return Array.isArray(kind) || kind === "precision" ? "KIND" : "N";
  };
  return Object.fromEntries(
    trainOptions().map((option) => [flagOf(option.key), { value: value(option), help: option.help }]),
  );
}

/** What was given, checked one by one. */
function givenOptions(args: Args): Record<string, unknown> {
  const read = ({ key, kind }: TrainOption): unknown => {
    const flag = flagOf(key);
    if (kind === "positive") return args.number(flag, { min: 0, exclusiveMin: true });
    if (kind === "precision") return precisionOf(args);
    if (kind === "seed") return args.integer(flag, { min: 0 });
    if (kind === "twirl") return args.integer(flag, { min: 2, max: 24 });
    return kind === "whole" ? args.integer(flag) : args.choice(flag, kind);
  };
  const preset = args.choice("preset", Object.keys(allPresets()));
  const all = [["preset", preset], ...trainOptions().map((option) => [option.key, read(option)])];
  return Object.fromEntries(all.filter(([, value]) => value !== undefined)) as Record<string, unknown>;
}

/** The configuration of a new run; on a slow adapter some presets are shorter. */
export function newConfig(args: Args, slow = false): TrainConfig {
  const { preset: name = "tiny", ...given } = givenOptions(args) as Partial<TrainConfig>;
  const task = taskOfPreset(name);
  const preset = (slow ? task.slowPresets[name] : undefined) ?? task.presets[name]!;
  refuseOthers(task, given);
  const batch = given.batch ?? preset.batch;
  return task.check({ ...preset, microBatch: batch, ...given });
}

/** @throws VoxtwirlError "bad-option" for a value of another task */
function refuseOthers(task: Task, given: Readonly<Record<string, unknown>>): void {
  const own = new Set([...COMMON, ...task.options].map(({ key }) => key));
  const other = Object.keys(given).find((key) => !own.has(key));
  if (other === undefined) return;
  const fix = "Leave it out, or choose a preset of another task.";
  throw new VoxtwirlError("bad-option", `--${flagOf(other)} is nothing that the task ${task.name} has`, fix);
}

/**
 * The configuration with which a run goes on: its own, but for --steps.
 *
 * @param path the run's folder, as given to --resume
 * @throws VoxtwirlError "bad-option" naming the options that differ from the run's
 */
export function resumedConfig(args: Args, path: string, { task, training }: RunConfig): TrainConfig {
  const before = training as unknown as Record<string, unknown>;
  const { steps = training.steps, ...given } = givenOptions(args) as Partial<TrainConfig>;
  const differing = Object.entries(given)
    .filter(([key, value]) => value !== before[key])
    .map(([key, value]) => `--${flagOf(key)} ${String(value)}, but the run has ${String(before[key])}`);
  if (differing.length > 0) {
    const fix = "Leave that out to go on with the run as it is, or start a new one in another folder.";
    throw new VoxtwirlError("bad-option", `cannot resume ${path}: ${differing.join("; ")}`, fix);
  }
  return taskNamed(task).check({ ...training, steps });
}

/** @throws VoxtwirlError "bad-option" for options that contradict --resume */
export function checkResumedFolder(args: Args, path: string): void {
  if (args.flag("force")) {
    const fix = "Leave --force out to go on with the run, or replace it with --out DIR --force.";
    throw new VoxtwirlError("bad-option", "--force does not go with --resume, which removes nothing", fix);
  }
  const out = args.text("out");
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
