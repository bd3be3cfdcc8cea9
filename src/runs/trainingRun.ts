import { requireGpu, requireObject, requireString } from "../check.ts";
import { resolve } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { isBuiltin } from "../molecules/builtinNames.ts";
import type { LabelUnits } from "../formats/labels.ts";
import { checkKeptSteps, type KeptSteps } from "../training/keptSteps.ts";
import { RUN_CONFIG_FORMAT, type RunConfig } from "../training/runConfig.ts";
import type { Task, TaskData } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { readRunConfig } from "./earlierRun.ts";
import { folderRun, type RunEvent } from "./folderRun.ts";
import { dataReadingLines, sampleName, samplesOf, type DataFile } from "../node/dataFile.ts";
import { checkDivision, prepareRunData } from "./runData.ts";
import type { RunFolder } from "./runFolder.ts";

declare const VOXTWIRL_VERSION: string;

/** What a run takes. */
export interface TrainingRunOptions {
  readonly gpu: Gpu;
  /** What is trained. */
  readonly task: Task;
  /** Stays open. Nothing in it is changed before the run is known to fit. */
  readonly folder: RunFolder;
  /** Of a run that goes on, its own, with more `steps` if wanted. */
  readonly config: TrainConfig;
  /** Of molecules, or of chains: what the task takes. */
  readonly file: DataFile;
  /** Where they come from: a path, which the run's configuration keeps as an absolute one, or "builtin". */
  readonly source: string;
  /** Unit in which the file's energies and forces were read, where it was given: the run's configuration keeps it. */
  readonly labelUnits?: LabelUnits | undefined;
  /** Which models the folder keeps beside the last one; of a run that goes on, by default what its folder says. */
  readonly keepCheckpoints?: KeptSteps | undefined;
  /** When aborted, the steps in flight end, all is saved and the stream ends. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The training run that `voxtwirl train` makes, as a stream of events: divides the data, trains, and writes the
 * folder's files as it goes. A folder that holds a checkpoint (`folder.stage`) is gone on from.
 *
 * ```ts
 * const gpu = await openGpu();
 * const folder = await RunFolder.open("runs/mine");
 * const file = await readMoleculeFile("builtin");
 * const config = voxels.check({ ...voxels.presets.tiny, steps: 500 });
 * for await (const event of trainingRun({ gpu, folder, task: voxels, config, file, source: "builtin" })) {
 *   if (event.type === "eval") console.log(event.row.step, event.row.percentEquiv);
 * }
 * folder.close();
 * ```
 *
 * Who leaves the loop early (`break`, an error) has a run that goes on from its last checkpoint; to stop with all saved
 * and reported, abort the signal.
 *
 * @throws VoxtwirlError as `train`, `prepareDataset` and the methods of `RunFolder`; "bad-option" for a configuration
 *   other than that of the run that goes on, "bad-file" for other data
 */
export async function* trainingRun(options: TrainingRunOptions): AsyncGenerator<RunEvent, void, undefined> {
  requireObject("options", options, "Give { gpu, task, folder, config, file, source }.");
  const { gpu, task, folder, config: training, file, source, signal } = options;
  requireGpu(gpu);
  requireObject("task", task, "Give what is trained: voxels.");
  requireObject("folder", folder, "Give a RunFolder: await RunFolder.open(path).");
  requireObject("config", training, "Give a configuration: { ...voxels.presets.tiny, steps: 500 }.");
  requireObject("file", file, "Give what readMoleculeFile or readChainFile resolves to.");
  if ("chains" in file !== (task.takes === "chain")) {
    const fix =
      task.takes === "chain" ? "Give what readChainFile resolves to." : "Give what readMoleculeFile resolves to.";
    throw new VoxtwirlError("bad-option", `the task ${task.name} takes ${task.takes}s`, fix);
  }
  requireString("source", source, 'Give the path that the file was read from, or "builtin".');
  if (options.keepCheckpoints !== undefined) checkKeptSteps(options.keepCheckpoints);
  const { stage, path } = folder;
  const before = stage === "none" ? undefined : await readRunConfig(path);
  if (before) checkSame(path, before, options);
  const data = await prepareRunData(task, file, training);
  const resume = before !== undefined && stage === "saved";
  if (resume) checkDivision(data, before);
  const keepCheckpoints = options.keepCheckpoints ?? before?.keepCheckpoints;
  const config = {
    ...(resume ? { ...before, training } : newRunConfig(options, data)),
    ...(keepCheckpoints && { keepCheckpoints }),
  };
  const notes = [
    ...dataReadingLines(file),
    ...skippedNotes(data, samplesOf(file).length, task.takes),
    ...(data.remarks ?? []),
    ...unreachedNote(keepCheckpoints, training),
  ];
  for (const text of notes) yield { type: "note", text };
  const nameOf = (index: number) => sampleName(samplesOf(file)[data.heldout.sourceIndex[index]!]!);
  yield* folderRun({ gpu, task, folder, config, data, nameOf, resume, notes, signal });
}

/** A run that goes on is the same one: its configuration but for the steps, and its data. */
function checkSame(path: string, before: RunConfig, { task, config, file, source }: TrainingRunOptions): void {
  if (before.task !== task.name) {
    const message = `cannot resume ${path}: the task is ${task.name}, but the run has ${before.task}`;
    throw new VoxtwirlError("bad-option", message, "Give the run's own, or start a new one in another folder.");
  }
  const [now, then] = [config, before.training] as unknown as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(config);
  const other = keys.find((key) => key !== "steps" && JSON.stringify(now[key]) !== JSON.stringify(then[key]));
  if (other !== undefined) {
    const [given, had] = [now, then].map((one) => JSON.stringify(one[other]));
    const message = `cannot resume ${path}: ${other} is ${given}, but the run has ${had}`;
    throw new VoxtwirlError("bad-option", message, "Give the run's own, or start a new one in another folder.");
  }
  if (before.data.sha256 === file.sha256) return;
  const given = absolute(source);
  const message =
    given === before.data.source
      ? `${source} has changed since the run began`
      : `the data are ${source}, but the run began with ${before.data.source}, and their contents differ`;
  const fix = "Give the run's file (--data), or start a new run in another folder.";
  throw new VoxtwirlError("bad-file", message, fix);
}

function newRunConfig(options: TrainingRunOptions, data: TaskData): RunConfig {
  const { gpu, task, config: training, file, source, labelUnits } = options;
  return {
    format: RUN_CONFIG_FORMAT,
    version: VOXTWIRL_VERSION,
    task: task.name,
    training,
    data: {
      source: absolute(source),
      sha256: file.sha256,
      splitSeed: training.seed,
      training: data.train.count,
      heldout: data.heldout.count,
      skipped: skippedCount(data),
      ...(labelUnits && { labelUnits }),
    },
    ...(data.fitted && { fitted: data.fitted }),
    adapter: `${gpu.info.vendor} ${gpu.info.device} ${gpu.info.description}`.trim(),
  };
}

/** So that a run resumes from any folder. */
function absolute(source: string): string {
  return isBuiltin(source) ? source : resolve(source);
}

/** Steps that the run may reach once it goes on with more of them. */
function unreachedNote(kept: KeptSteps | undefined, { steps }: TrainConfig): string[] {
  const beyond = typeof kept === "object" ? (kept.steps ?? []).filter((step) => step > steps) : [];
  if (beyond.length === 0) return [];
  return [`A model is to be kept at step ${beyond.join(", ")}, but the run ends at step ${steps}.`];
}

function skippedCount({ skipped: { unknownElement, doesNotFit, others = [] } }: TaskData): number {
  return others.reduce((sum, { count }) => sum + count, unknownElement + doesNotFit);
}

function skippedNotes(data: TaskData, total: number, what: Task["takes"]): string[] {
  const { skipped, train, heldout } = data;
  const { unknownElement, doesNotFit, unknownElements, others = [] } = skipped;
  const leftOut = (count: number, why: string) => (count > 0 ? [`${count} of ${total} ${what}s left out: ${why}`] : []);
  return [
    ...leftOut(unknownElement, `elements ${unknownElements.join(" ")} have no channel`),
    ...leftOut(doesNotFit, "too large for the grid"),
    ...others.flatMap(({ reason, count }) => leftOut(count, reason)),
    ...leftOut(total - skippedCount(data) - train.count - heldout.count, "copies of held-out ones"),
  ];
}
