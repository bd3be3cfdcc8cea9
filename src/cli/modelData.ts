import type { LabelUnits } from "../formats/labels.ts";
import { dataReadingLines, readDataFile, type DataFile } from "../node/dataFile.ts";
import { Random } from "../random.ts";
import { formatCount } from "../report/format.ts";
import { readModelFile } from "../runs/modelFile.ts";
import { measurableSamples } from "../runs/runData.ts";
import { taskNamed, type AnyTask } from "../tasks/list.ts";
import type { ModelFile } from "../training/modelFile.ts";
import type { Packed } from "../training/task.ts";

/** Which model, on which data. */
export interface ModelDataOptions {
  readonly model: string;
  readonly data: string;
  /** Whether a record that cannot be used is an error. */
  readonly strict: boolean;
  /** Unit of the file's energies; that of the model's training by default. */
  readonly labelUnits?: LabelUnits | undefined;
  /** The run's by default: then samples have the poses and noise of its evaluations. */
  readonly seed: number | undefined;
  /** Samples at most. */
  readonly limit: number;
}

/** A model, and what it is measured on. */
export interface ModelData {
  readonly model: ModelFile;
  readonly task: AnyTask;
  readonly file: DataFile;
  readonly packed: Packed;
  readonly heldoutOnly: boolean;
  /** Places in `packed`, in a random order. */
  readonly chosen: Uint32Array;
  readonly seed: number;
  /** Samples that the model does not take. */
  readonly left: number;
}

/** @throws VoxtwirlError as `readModelFile`, `readDataFile` and `measurableSamples` */
export async function openModelData(options: ModelDataOptions): Promise<ModelData> {
  const model = await readModelFile(options.model);
  const { config } = model;
  const task = taskNamed(config.task);
  const seed = options.seed ?? config.training.seed;
  const file = await readDataFile(task, options.data, {
    strict: options.strict,
    labelUnits: options.labelUnits ?? config.data.labelUnits,
  });
  const { packed, skipped, heldoutOnly } = await measurableSamples(task, file, config);
  const order = new Random(seed).shuffle(Uint32Array.from({ length: packed.count }, (_, i) => i));
  const chosen = order.slice(0, options.limit);
  const others = (skipped.others ?? []).reduce((sum, { count }) => sum + count, 0);
  const left = skipped.unknownElement + skipped.doesNotFit + others;
  return { model, task, file, packed, heldoutOnly, chosen, seed, left };
}

/** What the JSON of a command says of its model and data. */
export function shownData({ model, file, packed, heldoutOnly, seed }: ModelData, data: string) {
  return {
    model: model.path,
    step: model.step,
    data,
    dataSha256: file.sha256,
    records: file.records,
    recordsLeftOut: Object.fromEntries(file.leftOut.map(({ reason, count }) => [reason, count])),
    heldoutOnly,
    candidates: packed.count,
    seed,
  };
}

/**
 * The lines before the figures: which model, which samples, what was left out.
 *
 * @param half whether the model runs in half precision
 * @param rotations of each sample: "24 rotations each"
 */
export function dataLines(of: ModelData, data: string, half: boolean, rotations: string): string[] {
  const { model, task, file, packed, heldoutOnly, chosen, left } = of;
  const { config } = model;
  const what = heldoutOnly ? `held-out ${task.takes}s of ${data}` : `${task.takes}s of ${data}`;
  const step = `step ${formatCount(model.step)}${half ? ", in f16" : ""}`;
  return [
    `${model.path}, preset ${config.training.preset}, ${step}`,
    `${chosen.length} of ${formatCount(packed.count)} ${what}, ${rotations}`,
    trainedOn(config.data.sha256, heldoutOnly, task.takes),
    ...dataReadingLines(file),
    ...(left > 0 ? [leftOutLine(left, task.takes)] : []),
    "",
  ];
}

function leftOutLine(count: number, what: AnyTask["takes"]): string {
  const why =
    what === "chain"
      ? "too short, with breaks or unknown residues, or like a held-out one"
      : "too large, without labels, or of other elements";
  return `${formatCount(count)} ${what}s left out: ${why}`;
}

/** What there is to say of what the model was trained on. */
function trainedOn(sha256: string, heldoutOnly: boolean, what: AnyTask["takes"]): string {
  if (heldoutOnly) return "The model was trained on this file: only its held-out part is used.";
  if (sha256 === "") return "What the model was trained on is not known: its own may be among these.";
  return `The model was trained on another file: ${what}s that both hold are not left out.`;
}
