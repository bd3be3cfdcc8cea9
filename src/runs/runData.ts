import { VoxtwirlError } from "../errors.ts";
import type { Skipped } from "../molecules/dataset.ts";
import type { RunConfig } from "../training/runConfig.ts";
import type { Packed, Task, TaskData } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { samplesOf, type DataFile } from "../node/dataFile.ts";
import { openChemLibKey } from "../node/moleculeKey.ts";

/** A run's molecules or chains, divided: a function of these and of the configuration's split seed alone. */
export async function prepareRunData<C extends TrainConfig, P extends Packed>(
  task: Task<C, P>,
  file: DataFile,
  training: C,
): Promise<TaskData<P>> {
  // Canonical codes tell copies apart where bonds are known; without any there is no need for the library.
  const samples = samplesOf(file);
  const bonded = samples.some((sample) => "bonds" in sample && sample.bonds !== undefined);
  return task.open(samples, training, bonded ? await openChemLibKey() : undefined);
}

/**
 * Checks that a run's data divide as they did when it began.
 *
 * @throws VoxtwirlError "bad-file" where they do not
 */
export function checkDivision({ train, heldout }: TaskData, { data, version }: RunConfig): void {
  if (heldout.count === data.heldout && train.count === data.training) return;
  throw new VoxtwirlError(
    "bad-file",
    `the data divide into ${train.count} and ${heldout.count} samples, the run had ` +
      `${data.training} and ${data.heldout}`,
    `Use the version of voxtwirl that trained the model (${version}), or other data for a new run or measurement.`,
  );
}

/** What a model may be measured on. */
export interface MeasurableSamples<P extends Packed = Packed> {
  readonly packed: P;
  readonly skipped: Skipped;
  /** Whether these are the held-out part of the file that the model was trained on. */
  readonly heldoutOnly: boolean;
}

/**
 * The molecules or chains of a file that a model may be measured on: of the file that it was trained on (by SHA-256)
 * only those that were held out; of another file all that it takes.
 *
 * @throws VoxtwirlError "bad-file" when the file no longer divides as it did; as `prepareDataset`
 */
export async function measurableSamples<C extends TrainConfig, P extends Packed>(
  task: Task<C, P>,
  file: DataFile,
  config: RunConfig<C>,
): Promise<MeasurableSamples<P>> {
  const { training, data } = config;
  if (file.sha256 !== data.sha256) {
    const { packed, skipped } = task.pack(samplesOf(file), training, config.fitted);
    return { packed, skipped, heldoutOnly: false };
  }
  const prepared = await prepareRunData(task, file, { ...training, seed: data.splitSeed });
  checkDivision(prepared, config);
  return { packed: prepared.heldout, skipped: prepared.skipped, heldoutOnly: true };
}
