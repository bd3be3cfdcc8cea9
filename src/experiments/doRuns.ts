import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { formatCount } from "../report/format.ts";
import { readModelFile } from "../runs/modelFile.ts";
import type { ArmCost, Timings } from "./costs.ts";
import type { Experiment, ModelReader, Reading } from "./experiment.ts";
import type { ExperimentFolder, Settings } from "./laboratory.ts";
import type { Materials } from "./material.ts";
import { armCost, armTiming } from "./measureCosts.ts";
import { keptSteps, type PlannedRun } from "./plannedRun.ts";
import { evaluationCost, rehearse } from "./rehearsal.ts";
import type { FoundRun } from "./results.ts";
import { adapterOf, continueRun, evaluationReadings, keptModel, progressOf } from "./runStore.ts";

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

/** What runs of an experiment have given. */
export interface DoneRuns {
  readonly found: readonly FoundRun[];
  /** By arm, of those whose first run is among them; where the experiment asks for it. */
  readonly costs: ReadonlyMap<string, ArmCost>;
  readonly timings: Timings | undefined;
}

/** What runs tell, in the order in which it happens. */
export type RunsEvent =
  | { readonly type: "note"; readonly text: string }
  /** All fits: from here on folders are written. */
  | { readonly type: "plan"; readonly plan: ExperimentPlan }
  | ExperimentProgress;

/**
 * Does what some of an experiment's runs lack, and reads them. Undefined where the signal stopped it.
 *
 * @param begin called once all is known to fit
 */
export async function* doRuns(
  options: ExperimentOptions,
  runs: readonly PlannedRun[],
  begin: () => Promise<void>,
): AsyncGenerator<RunsEvent, DoneRuns | undefined, undefined> {
  const { experiment, folder, gpu, signal } = options;
  const jobs = await lookForJobs(options, runs);
  const work = await estimateWork(options, jobs);
  yield { type: "plan", plan: work.plan };
  await begin();
  const clock = new Clock(work.plan.seconds);
  const found: FoundRun[] = [];
  for (const [done, job] of jobs.entries()) {
    const name = `${job.run.arm}, seed ${job.run.seed}`;
    const progress = (what: string): ExperimentProgress => {
      return { type: "progress", run: name, what, done, runs: jobs.length, secondsLeft: clock.left() };
    };
    if (!job.complete) {
      const remarks: string[] = [];
      for await (const event of continueRun({ gpu, signal }, job.run, (text) => remarks.push(text))) {
        for (const text of remarks.splice(0)) yield { type: "note", text };
        if (event.type === "note") yield { type: "note", text: `${name}: ${event.text}` };
        if (event.type === "train") clock.did(event.rows.length * job.secondsPerStep);
        if (event.type === "eval") clock.did(evaluationCost(job.run.config) * job.secondsPerStep);
        if (event.type === "progress") {
          yield progress(`step ${formatCount(event.step)} of ${formatCount(job.run.config.steps)}`);
        }
      }
    }
    if (signal?.aborted) return undefined;
    const evaluated = await evaluationReadings(job.run);
    const { models } = experiment;
    const readings: Reading[] = models ? [] : [...evaluated];
    for (const step of models?.at(keptSteps(job.run.config.steps)) ?? []) {
      const before = await folder.readReading(job.run.name, step);
      if (!before) yield progress(`model of step ${formatCount(step)}`);
      const figures = before ?? (await measure(options, models!, job.run, step));
      if (!figures) return undefined;
      if (!before) clock.did(models!.cost(job.run.config) * job.secondsPerStep);
      const losses = evaluated.find((reading) => reading.step === step)?.figures;
      readings.push({ step, figures: { ...losses, ...figures } });
    }
    found.push({
      arm: job.run.arm,
      seed: job.run.seed,
      name: job.run.name,
      adapter: await adapterOf(job.run),
      readings,
    });
  }
  const measured = yield* measureCosts(options, runs);
  return measured && { found, ...measured };
}

/** A run, and what of it is there. */
interface Job {
  readonly run: PlannedRun;
  readonly step: number;
  readonly complete: boolean;
  /** Models that are to be measured. */
  readonly unmeasured: number;
  secondsPerStep: number;
}

async function lookForJobs(
  { experiment: { models }, folder }: ExperimentOptions,
  runs: readonly PlannedRun[],
): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const run of runs) {
    let unmeasured = 0;
    for (const step of models?.at(keptSteps(run.config.steps)) ?? []) {
      if (!(await folder.readReading(run.name, step))) unmeasured++;
    }
    jobs.push({ run, ...(await progressOf(run)), unmeasured, secondsPerStep: 0 });
  }
  return jobs;
}

/** Rehearses each arm that has something left to do. */
async function estimateWork({ gpu, experiment }: ExperimentOptions, jobs: readonly Job[]) {
  const { models } = experiment;
  const pace = new Map<string, number>();
  let seconds = 0;
  for (const job of jobs) {
    const { arm, config } = job.run;
    if (job.complete && job.unmeasured === 0) continue;
    if (!pace.has(arm)) pace.set(arm, await rehearse(gpu, job.run));
    job.secondsPerStep = pace.get(arm)!;
    const left = Math.max(0, config.steps - job.step);
    const evaluations = job.complete ? 0 : Math.ceil(left / config.every) + (job.step === 0 ? 1 : 0);
    const measuring = models ? job.unmeasured * models.cost(config) : 0;
    seconds += (left + evaluations * evaluationCost(config) + measuring) * job.secondsPerStep;
  }
  const unmeasured = jobs.reduce((sum, job) => sum + job.unmeasured, 0);
  const asked = jobs.reduce((sum, { run }) => sum + (models?.at(keptSteps(run.config.steps)).length ?? 0), 0);
  const there = jobs.filter(({ complete }) => complete).length;
  return { plan: { runs: jobs.length, there, models: asked, measured: asked - unmeasured, seconds } };
}

/**
 * Counts and times the networks of the arms, where the experiment asks for it; what was timed before is not again.
 * Undefined where the signal stopped it.
 */
async function* measureCosts({ experiment, folder, gpu, signal }: ExperimentOptions, runs: readonly PlannedRun[]) {
  const costs = new Map<string, ArmCost>();
  if (!experiment.costs) return { costs, timings: undefined };
  let timings = await folder.readTimings(gpu.info.description);
  const firsts = runs.filter(({ seed }) => seed === 1);
  for (const [done, run] of firsts.entries()) {
    if (signal?.aborted) return undefined;
    const name = run.arm;
    const what = "its operations and seconds";
    yield { type: "progress", run: name, what, done, runs: firsts.length, secondsLeft: 0 } as const;
    const model = await readModelFile(await keptModel(run, run.config.steps));
    costs.set(name, await armCost(gpu, run, model));
    if (timings.seconds[name]) continue;
    const seconds = { ...timings.seconds, [name]: await armTiming(gpu, run, model) };
    timings = { ...timings, seconds };
    await folder.writeTimings(timings);
  }
  return { costs, timings };
}

/** Undefined where the signal stopped it. */
async function measure({ gpu, folder, signal }: ExperimentOptions, reader: ModelReader, run: PlannedRun, step: number) {
  try {
    const model = await readModelFile(await keptModel(run, step));
    const { seed, data, material } = run;
    const { task } = material;
    const figures = await reader.read({ gpu, task, model, heldout: data.heldout, seed, signal });
    await folder.writeReading(run.name, step, figures);
    // As the next call would find it.
    return await folder.readReading(run.name, step);
  } catch (error) {
    if (error instanceof VoxtwirlError && error.code === "aborted") return undefined;
    throw error;
  }
}

/** Time left by the estimate, corrected by how well it has held so far. */
class Clock {
  readonly #total: number;
  readonly #began = performance.now();
  #done = 0;

  constructor(total: number) {
    this.#total = total;
  }

  did(seconds: number): void {
    this.#done += seconds;
  }

  left(): number {
    const rest = Math.max(0, this.#total - this.#done);
    const elapsed = (performance.now() - this.#began) / 1000;
    // At first a step or two say less than the rehearsal did.
    return this.#done < 2 ? rest : (rest * elapsed) / this.#done;
  }
}
