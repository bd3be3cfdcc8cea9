import { type Command, Option } from "@commander-js/extra-typings";
import { VoxtwirlError } from "../errors.ts";
import { isAcrossTasks, presetsOf, withArms } from "../experiments/arms.ts";
import type { Experiment } from "../experiments/experiment.ts";
import {
  absoluteSource,
  checkSettings,
  ExperimentFolder,
  LABORATORY_FORMAT,
  sameSettings,
  type Settings,
} from "../experiments/laboratory.ts";
import { experimentNamed, experiments, withTask } from "../experiments/list.ts";
import { readMaterials } from "../experiments/material.ts";
import { runExperiment } from "../experiments/runExperiment.ts";
import { experimentWorkName, runShard } from "../experiments/shards.ts";
import { findShard } from "../shards/shardFolder.ts";
import { allPresets, taskNamed, taskOfPreset, tasks } from "../tasks/list.ts";
import { badOption, choice, exits, integer, text } from "./args.ts";
import { dataHelp } from "./data.ts";
import { ExperimentOutput, listText } from "./experimentOutput.ts";
import { adapterOption, openCliGpu } from "./gpu.ts";
import { interruptible } from "./interrupt.ts";
import { commandWords, shardOption } from "./shardOption.ts";

const names = experiments.map(({ name }) => name);
const taskNames = tasks.map(({ name }) => name);

const withOptions = (command: Command) => {
  const presets = Object.keys(allPresets());
  return command
    .argument("[NAME]", `which one: ${names.join(", ")}`)
    .option("--list", "show what each experiment asks, runs and is judged by, and with which tasks")
    .addOption(
      choice("--task <NAME>", `what is trained: ${taskNames.join(" or ")} (default: that of --preset)`, taskNames),
    )
    .addOption(
      choice("--preset <NAME>", `what the arms change: ${presets.join(", ")} (default: as --list says)`, presets),
    )
    .addOption(text("--data <FILE>", `${dataHelp} (default: the task's built-in set)`))
    .addOption(integer("--seeds <N>", "seeds 1 to N for each arm; a verdict takes 3 (default: as --list says)"))
    .addOption(integer("--steps <N>", "updates of each run (default: as --list says)"))
    .addOption(armsOption())
    .addOption(text("--out <DIR>", "the laboratory's folder; its experiments share their runs (default laboratory)"))
    .option("--resume", "go on with an experiment, with its own options; more --steps, --seeds or --arms extend it")
    .addOption(shardOption())
    .addOption(adapterOption())
    .option("--json", "print results.json on stdout, and nothing else");
};

const armsOption = () => {
  const help = "only these arms, one name each as --list has them (default: all); a verdict takes those it speaks of";
  return new Option("--arms <NAMES...>", help);
};

type Options = ReturnType<ReturnType<typeof withOptions>["opts"]>;

export const define = (command: Command) => withOptions(command).action(exits(run));

/** Puts a claim to the test. Exit code 130 after Ctrl-C, all saved. */
async function run(name: string | undefined, options: Options): Promise<number> {
  if (options.list) {
    process.stdout.write(listText(experiments, options.task));
    return 0;
  }
  if (name === undefined) {
    throw badOption("which experiment is not said", `Give one of: ${names.join(", ")}; or --list.`);
  }
  const named = experimentNamed(name);
  if (isAcrossTasks(named)) refuseChoices(named, options);
  const { out = "laboratory" } = options;
  const asked = askedTask(options);
  const folder = await ExperimentFolder.find(out, name, asked);
  const { shard } = options;
  const { preset = "" } = (shard ? undefined : folder.settings) ?? {};
  // An experiment that goes on is with the task that it began with.
  const whole = withTask(named, preset in allPresets() ? taskOfPreset(preset).name : asked);
  const { settings, materials } = await settingsOf(whole, options, folder);
  const experiment = withArms(whole, settings.arms);
  const output = new ExperimentOutput({ json: options.json ?? false, out, name, task: asked, shard });
  const made = shard && (await findShard(out, experimentWorkName(settings), shard));
  if (made !== undefined) {
    output.shard(made);
    return 0;
  }
  if (!shard && folder.stage === "finished" && sameSettings(folder.settings!, settings)) {
    output.warn(`${folder.path} is done already; more of --steps or --seeds extend it`);
    if (options.json) output.results(await folder.readResults());
    return 0;
  }
  output.begin(experiment, settings);
  const gpu = await openCliGpu(options.adapter);
  const interruption = interruptible({
    after: "the step in hand",
    warn: (remark) => output.warn(remark),
    onOutputLost: () => output.silence(),
  });
  try {
    const { signal } = interruption;
    let interrupted = true;
    const given = { gpu, experiment, materials, folder, out, settings, signal };
    for await (const event of shard ? runShard({ ...given, shard, command: commandWords() }) : runExperiment(given)) {
      if (event.type === "plan") interruption.begin();
      if (event.type === "end") interrupted = event.results === undefined;
      if (event.type === "shard") interrupted = event.path === undefined;
      output.show(event, folder);
    }
    return interrupted || interruption.outputLost ? interruption.code : 0;
  } finally {
    output.clear();
    interruption.end();
    gpu.destroy();
  }
}

/** @throws VoxtwirlError "bad-option" for what an experiment across tasks leaves no choice of */
function refuseChoices(experiment: Experiment, options: Options): void {
  const given = (["task", "preset", "data"] as const).find((name) => options[name] !== undefined);
  if (given === undefined) return;
  const presets = presetsOf(experiment, experiment.preset);
  throw badOption(
    `the experiment ${experiment.name} takes no --${given}: it is of several tasks`,
    `Leave it out: each arm has its task's preset (${presets.join(", ")}) and built-in set.`,
  );
}

/**
 * The task that is asked for, in whichever way.
 *
 * @throws VoxtwirlError "bad-option" for a preset of another one
 */
function askedTask({ task, preset }: Options): string {
  const ofPreset = preset === undefined ? undefined : taskOfPreset(preset).name;
  if (task === undefined || ofPreset === undefined || task === ofPreset) {
    return task ?? ofPreset ?? taskNamed().name;
  }
  const known = Object.keys(taskNamed(task).presets).join(", ");
  throw badOption(
    `the preset ${preset} is of the task ${ofPreset}, and --task is ${task}`,
    `Leave --task out, or give one of its presets: ${known}.`,
  );
}

/**
 * The options, those of an experiment that goes on where they are left out, and its molecules.
 *
 * @throws VoxtwirlError "exists" where a folder is there and is not to be gone on with
 */
async function settingsOf(experiment: Experiment, options: Options, folder: ExperimentFolder) {
  const { stage, path } = folder;
  const { name } = experiment;
  // A shard goes on by itself, and with what it is given alone: others have begun, or not yet.
  const before = options.shard ? undefined : folder.settings;
  if (before && !options.resume) {
    const what = stage === "finished" ? "is done" : "has begun";
    const fix = "Go on with it with --resume, or choose another --out.";
    throw new VoxtwirlError("exists", `${path}: this experiment ${what} already`, fix);
  }
  const { preset, seeds, steps } = { ...(before ?? experiment), ...given(options) };
  const source = options.data ?? before?.source ?? taskOfPreset(preset).builtin;
  const materials = await readMaterials(experiment, preset, source);
  const { [preset]: own, ...rest } = materials;
  const { sha256 } = own!.file;
  const others = Object.entries(rest).map(([name, { file }]) => [name, file.sha256] as const);
  const arms = armsOf(experiment, options.arms ?? before?.arms);
  const settings: Settings = {
    ...{ format: LABORATORY_FORMAT, experiment: name, preset, source: absoluteSource(source), sha256, seeds, steps },
    ...(others.length > 0 && { others: Object.fromEntries(others) }),
    ...(arms !== undefined && { arms }),
  };
  if (before) checkSettings(path, before, settings);
  return { settings, materials };
}

/** Names in the experiment's order; undefined for all of them. */
function armsOf(experiment: Experiment, names: readonly string[] | undefined): readonly string[] | undefined {
  const { arms } = withArms(experiment, names);
  return arms.length === experiment.arms.length ? undefined : arms.map(({ name }) => name);
}

function given({ preset, seeds, steps }: Options): Partial<Pick<Settings, "preset" | "seeds" | "steps">> {
  return {
    ...(preset !== undefined && { preset }),
    ...(seeds !== undefined && { seeds }),
    ...(steps !== undefined && { steps }),
  };
}
