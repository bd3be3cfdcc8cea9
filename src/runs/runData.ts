import { VoxtwirlError } from "../errors.ts";
import type { Skipped } from "../molecules/dataset.ts";
import type { Molecule } from "../molecules/molecule.ts";
import type { RunConfig } from "../training/runConfig.ts";
import type { Packed, Task, TaskData } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { openChemLibKey } from "../node/moleculeKey.ts";
import type { MoleculeFile } from "../node/moleculeFile.ts";

/** A run's molecules, divided: a function of the molecules and of the configuration's split seed alone. */
export async function prepareRunData<C extends TrainConfig, P extends Packed>(
  task: Task<C, P>,
  molecules: readonly Molecule[],
  training: C,
): Promise<TaskData<P>> {
  // Canonical codes tell copies apart where bonds are known; without any there is no need for the library.
  const keyOf = molecules.some(({ bonds }) => bonds !== undefined) ? await openChemLibKey() : undefined;
  return task.open(molecules, training, keyOf);
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
    `the data divide into ${train.count} and ${heldout.count} molecules, the run had ` +
      `${data.training} and ${data.heldout}`,
    `Use the version of voxtwirl that trained the model (${version}), or other data for a new run or measurement.`,
  );
}

/** What a model may be measured on. */
export interface MeasurableMolecules<P extends Packed = Packed> {
  readonly packed: P;
  readonly skipped: Skipped;
  /** Whether these are the held-out part of the file that the model was trained on. */
  readonly heldoutOnly: boolean;
}

/**
 * The molecules of a file that a model may be measured on: of the file that it was trained on (by SHA-256) only those
 * that were held out; of another file all that fit its grid.
 *
 * @throws VoxtwirlError "bad-file" when the file no longer divides as it did; as `prepareDataset`
 */
export async function measurableMolecules<C extends TrainConfig, P extends Packed>(
  task: Task<C, P>,
  file: Pick<MoleculeFile, "molecules" | "sha256">,
  config: RunConfig<C>,
): Promise<MeasurableMolecules<P>> {
  const { training, data } = config;
  if (file.sha256 !== data.sha256) {
    const { packed, skipped } = task.pack(file.molecules, training, config.fitted);
    return { packed, skipped, heldoutOnly: false };
  }
  const prepared = await prepareRunData(task, file.molecules, { ...training, seed: data.splitSeed });
  checkDivision(prepared, config);
  return { packed: prepared.heldout, skipped: prepared.skipped, heldoutOnly: true };
}
