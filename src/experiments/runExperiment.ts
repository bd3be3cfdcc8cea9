import { doRuns, type ExperimentOptions, type RunsEvent } from "./doRuns.ts";
import { planRuns } from "./plannedRun.ts";
import { experimentReport } from "./report.ts";
import { describeArms, experimentResults, type ExperimentResults } from "./results.ts";

/** What an experiment tells, in the order in which it happens. */
export type ExperimentEvent =
  | RunsEvent
  /** The last one; results where all is done. */
  | { readonly type: "end"; readonly results: ExperimentResults | undefined };

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
