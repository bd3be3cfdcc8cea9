import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { doRuns } from "./doRuns.ts";
import type { Experiment } from "./experiment.ts";
import type { ExperimentFolder, Settings } from "./laboratory.ts";
import type { Materials } from "./material.ts";
import { planRuns } from "./plannedRun.ts";
import { experimentReport } from "./report.ts";
import { describeArms, experimentResults, type ExperimentResults } from "./results.ts";

/** What an experiment takes. */
export interface ExperimentOptions {
  readonly gpu: Gpu;
  readonly experiment: Experiment;
  readonly materials: Materials;
  readonly folder: ExperimentFolder;
  /** The folder of the laboratory. */
  readonly out: string;
  readonly settings: Settings;
  /** When aborted, the step in hand ends, all is saved and the stream ends. */
  readonly signal?: AbortSignal | undefined;
}

/** What an experiment tells, in the order in which it happens. */
export type ExperimentEvent =
  | { readonly type: "note"; readonly text: string }
  /** All fits: from here on folders are written. */
  | { readonly type: "plan"; readonly plan: ExperimentPlan }
  | ExperimentProgress
  /** The last one; results where all is done. */
  | { readonly type: "end"; readonly results: ExperimentResults | undefined };

/** What is about to be done. */
export interface ExperimentPlan {
  readonly runs: number;
  /** Of these so many are done already, by whichever experiment. */
  readonly there: number;
  /** Models to measure, and those that were. */
  readonly models: number;
  readonly measured: number;
  /** About how long all that is left takes. */
  readonly seconds: number;
}

/** How far an experiment is. */
export interface ExperimentProgress {
  readonly type: "progress";
  /** What is being done: "so3, seed 2" and "step 120 of 1,000" or "model of step 300". */
  readonly run: string;
  readonly what: string;
  /** Runs that are done, of how many. */
  readonly done: number;
  readonly runs: number;
  readonly secondsLeft: number;
}

/**
 * Does what an experiment lacks: runs, measurements of their models, results and report. What any experiment of the
 * laboratory has run is not run again; nothing but folders' files is kept, so that a process that is killed has lost
 * what came after its last checkpoint, and the next one comes to the same results.
 *
 * @throws VoxtwirlError "out-of-memory" or "too-large" before anything is written where an arm does not fit; as
 *   `planRuns` and `trainingRun`
 */
export async function* runExperiment(options: ExperimentOptions): AsyncGenerator<ExperimentEvent, void, undefined> {
  const { experiment, folder, settings } = options;
  const runs = await planRuns(options);
  const done = yield* doRuns(options, runs, () => folder.begin(settings));
  if (done === undefined) return yield { type: "end", results: undefined };
  const arms = describeArms(experiment, runs, done.costs);
  const results = experimentResults({ experiment, settings, arms, found: done.found });
  await folder.finish(results, experimentReport(experiment, results, done.timings));
  yield { type: "end", results };
}
