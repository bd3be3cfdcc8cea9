import { changesOf, isAcrossTasks, presetsOf } from "../experiments/arms.ts";
import type { ExperimentPlan, ExperimentProgress } from "../experiments/doRuns.ts";
import type { Arm, Experiment } from "../experiments/experiment.ts";
import type { ExperimentFolder, Settings } from "../experiments/laboratory.ts";
import { folderOf, tasksOf, withTask } from "../experiments/list.ts";
import type { ExperimentResults } from "../experiments/results.ts";
import type { ExperimentEvent } from "../experiments/runExperiment.ts";
import type { ShardEvent } from "../experiments/shards.ts";
import { countOf, formatCount, formatDuration } from "../report/format.ts";
import { fitParts } from "../report/liveLine.ts";
import type { Shard } from "../shards/shard.ts";
import { allPresets, taskOfPreset } from "../tasks/list.ts";
import { JSON_FORMAT } from "./json.ts";
import { showProgress } from "./progress.ts";
import { writtenLines } from "./shardOption.ts";

const WIDTH = 80;

interface OutputOptions {
  readonly json: boolean;
  /** The laboratory's folder. */
  readonly out: string;
  readonly name: string;
  readonly task: string;
  /** Where a part is done, and not all. */
  readonly shard?: Shard | undefined;
}

/** What `voxtwirl experiment` shows: what it will do, and the verdict, on stdout; progress and remarks on stderr. */
export class ExperimentOutput {
  readonly #json: boolean;
  readonly #out: string;
  readonly #shard: Shard | undefined;
  readonly #resume: string;
  readonly #progress = showProgress();
  #silent = false;

  constructor({ json, out, name, task, shard }: OutputOptions) {
    this.#json = json;
    this.#out = out;
    this.#shard = shard;
    const where = out === "laboratory" ? "" : ` --out ${out}`;
    const what = folderOf(name, task) === name ? "" : ` --task ${task}`;
    this.#resume = shard
      ? "the same command goes on with this shard"
      : `go on with: voxtwirl experiment ${name}${what}${where} --resume`;
  }

  /** What is asked, and by which rule it is judged, before anything runs. */
  begin(experiment: Experiment, { preset, seeds, steps }: Settings): void {
    const { name, arms } = experiment;
    const of = isAcrossTasks(experiment) ? "" : `preset ${preset}, `;
    this.#print([
      `${name}: ${experiment.question}`,
      ...said(experiment),
      "",
      `${of}${countOf(arms.length, "arm")} of ${countOf(seeds, "seed")}, ${formatCount(steps)} steps each:`,
      ...arms.map((arm) => armLine(arm, preset)),
      "",
    ]);
  }

  show(event: ExperimentEvent | ShardEvent, folder: ExperimentFolder): void {
    if (event.type === "note") this.warn(event.text);
    if (event.type === "plan") this.#plan(event.plan);
    if (event.type === "progress") this.#progress.show((width) => progressLine(event, width));
    if (event.type !== "end" && event.type !== "shard") return;
    this.clear();
    if (event.type === "shard") this.shard(event.path);
    else if (event.results === undefined) this.warn(`interrupted, all is saved; ${this.#resume}`);
    else if (this.#json) this.results(event.results);
    else this.#end(event.results, folder);
  }

  /** The shard's file; undefined where it was interrupted. */
  shard(path: string | undefined): void {
    if (path === undefined) this.warn(`interrupted, all is saved; ${this.#resume}`);
    else if (this.#json) this.results({ formatVersion: JSON_FORMAT, type: "shard", ...this.#shard, file: path });
    else this.#print(writtenLines(path, this.#out, this.#shard!));
  }

  #plan({ runs, there, models, measured, seconds }: ExperimentPlan): void {
    const measure = models > 0 ? `, ${countOf(models, "model")} to measure (${measured} measured already)` : "";
    this.#print([
      `${countOf(runs, "run")} (${there} there already)${measure}: ` +
        (seconds > 0 ? `about ${formatDuration(seconds)}` : "nothing left to run"),
    ]);
  }

  #end({ verdict }: ExperimentResults, folder: ExperimentFolder): void {
    this.#print([
      "",
      `verdict: ${verdict.verdict}`,
      ...wrapped(verdict.reason),
      "",
      "written:",
      `  ${folder.file("results")}`,
      `  ${folder.file("report")}`,
    ]);
  }

  /** results.json, for another program. */
  results(results: unknown): void {
    if (!this.#silent) process.stdout.write(`${JSON.stringify(results)}\n`);
  }

  warn(text: string): void {
    this.#progress.warn(text);
  }

  /** Shows nothing from here on but remarks. */
  silence(): void {
    this.clear();
    this.#silent = true;
  }

  /** Takes the live line away. */
  clear(): void {
    this.#progress.clear();
  }

  #print(lines: readonly string[]): void {
    if (!this.#json && !this.#silent) process.stdout.write(`${lines.join("\n")}\n`);
  }
}

/**
 * What `experiment --list` prints.
 *
 * @param task of the only one that is meant; all by default
 */
export function listText(experiments: readonly Experiment[], task?: string): string {
  const parts = experiments.flatMap((experiment) => {
    const names = tasksOf(experiment).filter((name) => {
      return task === undefined || name === task || isOf(experiment, task);
    });
    const found = names.map((name) => ({ task: name, ...withTask(experiment, name) }));
    if (found.length === 0) return [];
    return [
      experiment.name,
      ...wrapped(experiment.question),
      ...said(found[0]!),
      ...found.slice(1).flatMap((other) => {
        return other.rule === found[0]!.rule ? [] : wrapped(`Verdict with the task ${other.task}: ${other.rule}`);
      }),
      ...found.flatMap(runsOf),
      "",
    ];
  });
  return `${parts.join("\n").trimEnd()}\n`;
}

/** Whether it is across tasks, with this one among them. */
function isOf(experiment: Experiment, task: string): boolean {
  if (!isAcrossTasks(experiment)) return false;
  return presetsOf(experiment, experiment.preset).some((preset) => taskOfPreset(preset).name === task);
}

/** What is run of an experiment with a task. */
function runsOf(experiment: Experiment & { readonly task: string }): string[] {
  const { task, preset, arms, seeds, steps } = experiment;
  const runs = `${countOf(arms.length, "arm")} of ${countOf(seeds, "seed")}, ${formatCount(steps)} steps each`;
  const of = isAcrossTasks(experiment) ? "several tasks" : `task ${task}, preset ${preset}`;
  return [`  ${of}: ${runs}`, ...arms.map((arm) => `  ${armLine(arm, preset)}`)];
}

function said({ claim, rule }: Experiment): string[] {
  return [...wrapped(`Claim: ${claim}`), ...wrapped(`Verdict: ${rule}`)];
}

function armLine(arm: Arm, preset: string): string {
  const { name, share } = arm;
  const values = Object.entries(changesOf(arm, allPresets()[arm.preset ?? preset]!));
  const all = [
    ...(arm.preset === undefined ? [] : [`preset ${arm.preset}`]),
    ...values.map(([key, value]) => `${key} ${String(value)}`),
    ...(share === undefined ? [] : [`${100 * share} % of the training molecules`]),
  ].join(", ");
  return `  ${name}${all === "" ? "" : `: ${all}`}`;
}

function progressLine({ run, what, done, runs, secondsLeft }: ExperimentProgress, width: number): string {
  return fitParts(
    [
      { text: `run ${done + 1} of ${runs}`, short: `${done + 1}/${runs}`, need: 4 },
      { text: run, need: 2 },
      { text: what, need: 1 },
      { text: `${formatDuration(secondsLeft)} left`, need: 3 },
    ],
    width,
  );
}

/** A paragraph in lines of a terminal's width, set in by two. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = " ";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = " ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
