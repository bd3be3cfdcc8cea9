import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { RunConfig } from "../training/runConfig.ts";
import { keptUpTo } from "../training/keptSteps.ts";
import { train, type TrainEvent } from "../training/loop.ts";
import type { Task, TaskData } from "../training/task.ts";
import { Training } from "../training/training.ts";
import { tuningHash } from "../tuning/tuning.ts";
import { CHECKPOINTS, keptModels } from "./keptModels.ts";
import { loadCheckpoint, saveCheckpoint } from "./runCheckpoint.ts";
import type { RunFolder } from "./runFolder.ts";
import { reportFailure, writeReport } from "./runReport.ts";

/** What a run tells: the events of its training, each once the folder holds what it says, and those before them. */
export type RunEvent =
  /** A remark that must not go unseen; the report has it too. */
  | { readonly type: "note"; readonly text: string }
  /** The run is known to fit: from here on the folder changes, and an interruption has something to save. */
  | { readonly type: "ready" }
  /** The folder now holds this run and no other. */
  | { readonly type: "start"; readonly config: RunConfig }
  | TrainEvent;

export interface FolderRunOptions {
  readonly gpu: Gpu;
  readonly task: Task;
  /** Nothing in it is changed before the run is known to fit, so that a run that cannot begin replaces nothing. */
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly data: TaskData;
  /** Name of a held-out molecule, for the report's pictures. */
  readonly nameOf?: (index: number) => string | undefined;
  /** Continues from the folder's state. The configuration is written either way, once the run can begin. */
  readonly resume: boolean;
  /** Remarks that the report is to have. */
  readonly notes?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * A training run on prepared data in its folder: metrics as they come, a checkpoint at each evaluation, models that are
 * to be kept, the report at the end, also of an error.
 */
export async function* folderRun(options: FolderRunOptions): AsyncGenerator<RunEvent, void, undefined> {
  const { gpu, task, config: asked, data, resume } = options;
  const training = await Training.create(gpu, task, asked.training, data, { initialise: !resume });
  try {
    const { trainer, evaluator } = training;
    const config = { ...asked, tuning: tuningHash([...trainer.plan.calls.values(), ...evaluator.plan.calls.values()]) };
    const retuned = resume ? retunedNote(asked.tuning, config.tuning) : [];
    for (const text of retuned) yield { type: "note", text };
    yield { type: "ready" };
    yield* trainInFolder(training, { ...options, config, notes: [...(options.notes ?? []), ...retuned] });
  } finally {
    training.destroy();
  }
}

/** The configuration says which variants run; a resumed run that runs others is told of. */
function retunedNote(before = "none", now: string): string[] {
  if (before === now) return [];
  const said = (hash: string) => (hash === "none" ? "those of the table" : `those of tuning ${hash}`);
  return [
    `The kernels' variants are ${said(now)}, the run began with ${said(before)}: from here on its numbers differ ` +
      "from an unbroken run's by rounding.",
  ];
}

/** Of a run that goes on: a model that was to be kept, and is not there, is not made anew. */
async function missedNote(folder: RunFolder, { keepCheckpoints, training }: RunConfig, step: number) {
  if (keepCheckpoints === undefined) return [];
  const there = new Set((await keptModels(folder.path)).map((kept) => kept.step));
  const missed = keptUpTo(keepCheckpoints, step, training).filter((one) => !there.has(one));
  if (missed.length === 0) return [];
  const some = `${missed.slice(0, 5).join(", ")}${missed.length > 5 ? ", ..." : ""}`;
  return [`The run is past step ${some}: ${missed.length} of the models to keep will not be in ${CHECKPOINTS}.`];
}

async function* trainInFolder(
  training: Training,
  asked: FolderRunOptions & { readonly notes: readonly string[] },
): AsyncGenerator<RunEvent, void, undefined> {
  const { folder, config, resume, signal } = asked;
  const start = resume ? await loadCheckpoint(folder, training, config) : undefined;
  const missed = start ? await missedNote(folder, config, start.step) : [];
  const options = { ...asked, notes: [...asked.notes, ...missed] };
  await (resume ? folder.writeConfig(config) : folder.begin(config));
  try {
    for (const text of missed) yield { type: "note", text };
    yield { type: "start", config };
    for await (const event of train(training, { start, signal, keep: config.keepCheckpoints })) {
      await keep(event, training, options);
      yield event;
    }
  } catch (error) {
    await reportFailure(options, training.evaluator, error);
    throw error;
  }
}

/** Brings into the folder what an event says. */
async function keep(
  event: TrainEvent,
  training: Training,
  options: FolderRunOptions & { readonly notes: readonly string[] },
): Promise<void> {
  const { folder, config } = options;
  if (event.type === "train") for (const row of event.rows) await folder.appendMetric(row);
  if (event.type === "eval") await folder.appendMetric(event.row);
  if (event.type === "checkpoint") await saveCheckpoint(folder, training, config, event);
  if (event.type !== "end") return;
  const { steps } = config.training;
  const remarks = event.interrupted ? [`Interrupted at step ${event.step} of ${steps}.`] : [];
  await writeReport(options, training.evaluator, remarks);
}
