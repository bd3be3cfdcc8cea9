/** An experiment by parts: each has some of the runs, and together they have its results. */
import { basename } from "node:path";
import { readShard, writeShard } from "../shards/shardFile.ts";
import { isOwn, type Shard } from "../shards/shard.ts";
import type { WholeWork } from "../shards/shardFolder.ts";
import { workName, workOf, type Work } from "../shards/work.ts";
import { taskOfPreset } from "../tasks/list.ts";
import { withArms } from "./arms.ts";
import type { ArmTiming, Timings } from "./costs.ts";
import { doRuns, type DoneRuns, type ExperimentOptions, type RunsEvent } from "./doRuns.ts";
import type { Experiment } from "./experiment.ts";
import { checkSettings, ExperimentFolder, sameSettings, type Settings } from "./laboratory.ts";
import { experimentNamed, folderOf, withTask } from "./list.ts";
import { planRuns, type PlannedRun } from "./plannedRun.ts";
import { experimentReport } from "./report.ts";
import { describeArms, experimentResults, type ExperimentResults, type FoundRun } from "./results.ts";

/** Of what the shards are, in their files. */
export const EXPERIMENT_WORK = "experiment";

/** What shards say beside their work. */
interface About {
  readonly settings: Settings;
}

/** An item of a shard: a run. */
interface RunItem {
  /** Among all runs of the experiment. */
  readonly place: number;
  readonly run: FoundRun;
  /** Of the first run of an arm. */
  readonly arm?: ExperimentResults["arms"][number];
  readonly timing?: { readonly adapter: string; readonly seconds: ArmTiming };
}

/** One shard of an experiment. */
export interface ExperimentShardOptions extends ExperimentOptions {
  readonly shard: Shard;
  /** The words of the command that makes it, without its --shard. */
  readonly command: readonly string[];
}

/** What a shard tells: as an experiment, and at the end the path of its file, where all is done. */
export type ShardEvent = RunsEvent | { readonly type: "shard"; readonly path: string | undefined };

/** The name of what an experiment's shards are shards of. */
export function experimentWorkName(settings: Settings): string {
  return workName(folderOf(settings.experiment, taskOf(settings)), experimentWork(settings));
}

const taskOf = ({ preset }: Settings) => taskOfPreset(preset).name;

/** Data are known by their contents; results say the name of the file too. */
function experimentWork({ source, ...settings }: Settings): Work {
  return workOf({ kind: EXPERIMENT_WORK, ...settings, source: basename(source) });
}

/**
 * Does the runs of one shard, in the laboratory's folders, and writes what was read off them. A shard that was
 * interrupted goes on from its runs' checkpoints.
 *
 * @throws VoxtwirlError as `runExperiment`; "bad-option" where the experiment's folder began with other settings
 */
export async function* runShard(options: ExperimentShardOptions): AsyncGenerator<ShardEvent, void, undefined> {
  const { experiment, folder, settings, shard, out, command } = options;
  if (folder.settings) checkSettings(folder.path, folder.settings, settings);
  const runs = await planRuns(options);
  // Of arms that come to the same runs a run is one shard's, and not two at a time.
  const paths = [...new Set(runs.map(({ path }) => path))];
  const own = runs.filter(({ path }) => isOwn(shard, paths.indexOf(path)));
  const begin = async () => {
    if (!folder.settings || !sameSettings(folder.settings, settings)) await folder.begin(settings);
  };
  const done = yield* doRuns(options, own, begin);
  if (done === undefined) return yield { type: "shard", path: undefined };
  const about: About = { settings };
  const head = { name: experimentWorkName(settings), work: experimentWork(settings), shard, command, about };
  const items = own.map((run, i) => itemOf(experiment, run, runs.indexOf(run), { ...done, run: done.found[i]! }));
  yield { type: "shard", path: await writeShard(out, head, items) };
}

function itemOf(
  experiment: Experiment,
  planned: PlannedRun,
  place: number,
  { run, costs, timings }: Omit<DoneRuns, "found"> & { readonly run: FoundRun },
): RunItem {
  const [arm] = describeArms(experiment, [planned], costs);
  const seconds = timings?.seconds[planned.arm];
  return {
    ...{ place, run },
    ...(arm && { arm }),
    ...(arm && timings && seconds && { timing: { adapter: timings.adapter, seconds } }),
  };
}

/** What came of shards. */
export interface MergedExperiment {
  readonly experiment: Experiment;
  readonly settings: Settings;
  readonly task: string;
  readonly folder: ExperimentFolder;
  readonly results: ExperimentResults;
}

/**
 * Judges the runs of all shards, and writes results and report into the experiment's folder, to the byte as one process
 * would have. Needs no GPU.
 *
 * @param out the folder of the laboratory
 * @throws VoxtwirlError "bad-option" where the experiment's folder has gone on with other settings since
 */
export async function mergeExperiment(out: string, { head, files }: WholeWork): Promise<MergedExperiment> {
  const { settings } = head.about as About;
  const task = taskOf(settings);
  const experiment = withArms(withTask(experimentNamed(settings.experiment), task), settings.arms);
  const items: RunItem[] = [];
  for (const file of files) for await (const item of readShard(file)) items.push(item as RunItem);
  items.sort((a, b) => a.place - b.place);
  const arms = items.flatMap(({ arm }) => (arm ? [arm] : []));
  const results = experimentResults({ experiment, settings, arms, found: items.map(({ run }) => run) });
  const folder = await ExperimentFolder.find(out, settings.experiment, task);
  if (folder.settings) checkSettings(folder.path, folder.settings, settings);
  await folder.begin(settings);
  const timings = timingsOf(items);
  if (timings) await folder.writeTimings(timings);
  await folder.finish(results, experimentReport(experiment, results, timings));
  return { experiment, settings, task, folder, results };
}

/** Where all are of one adapter: seconds of several cannot be compared. */
function timingsOf(items: readonly RunItem[]): Timings | undefined {
  const timed = items.flatMap(({ run, timing }) => (timing ? [{ arm: run.arm, ...timing }] : []));
  const [adapter, ...others] = [...new Set(timed.map((one) => one.adapter))];
  if (adapter === undefined || others.length > 0) return undefined;
  return { adapter, seconds: Object.fromEntries(timed.map(({ arm, seconds }) => [arm, seconds])) };
}
