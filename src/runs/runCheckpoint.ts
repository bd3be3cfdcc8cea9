/** A run's checkpoint in its folder: the state to go on from, and the model that others read. */
import { VoxtwirlError } from "../errors.ts";
import { loadStateFrom } from "../training/checkpoint.ts";
import { isKept } from "../training/keptSteps.ts";
import { runMetadata, type RunConfig } from "../training/runConfig.ts";
import type { CheckpointEvent, TrainStart } from "../training/loop.ts";
import type { SafeStream } from "../formats/safetensors.ts";
import type { Training } from "../training/training.ts";
import type { RunFolder } from "./runFolder.ts";

/** @throws VoxtwirlError "not-finite" where a weight is not; the last checkpoint is kept */
export async function saveCheckpoint(
  folder: RunFolder,
  training: Training,
  config: RunConfig,
  { step, seconds, keep }: CheckpointEvent,
): Promise<void> {
  const state = finiteStream(training.stateStream(), step);
  // The state is what a run resumes from, so it must not be there before the rows that lead to it.
  await folder.syncMetrics();
  await folder.writeState(state, { ...runMetadata(config), step: String(step), seconds: String(seconds) });
  await writeModel(folder, training, config, step, keep);
}

/**
 * Brings weights and folder back to the last checkpoint.
 *
 * @throws VoxtwirlError "bad-file" for a state that is damaged or of another model, "bad-option" where it has done more
 *   steps than are asked for; the folder is then as it was
 */
export async function loadCheckpoint(folder: RunFolder, training: Training, config: RunConfig): Promise<TrainStart> {
  const { store, parameters, trainer } = training;
  const { step, seconds } = await folder.withState(async (state) => {
    const step = Number(state.metadata.step || NaN);
    const seconds = Number(state.metadata.seconds || NaN);
    if (!Number.isSafeInteger(step) || step < 0 || !Number.isFinite(seconds)) {
      throw new VoxtwirlError(
        "bad-file",
        `${folder.file("state")} does not say its step`,
        "Start a new run, or copy the file again.",
      );
    }
    const { steps } = config.training;
    if (steps < step) {
      throw new VoxtwirlError(
        "bad-option",
        `the run has done ${step} steps, --steps asks for ${steps}`,
        `Give at least ${step}.`,
      );
    }
    await loadStateFrom(store, parameters, state, folder.file("state"), trainer.scaling);
    return { step, seconds };
  });
  await folder.truncateMetricsAfter(step);
  // The process may have been killed between the files of a checkpoint.
  await writeModel(folder, training, config, step, isKept(config.keepCheckpoints, step, config.training));
  const rows = await folder.readMetrics();
  const { every, steps } = config.training;
  const isEvaluated = step % every === 0 || step === steps;
  const evaluationDue = isEvaluated && !rows.some((row) => row.type === "eval" && row.step === step);
  return { step, seconds, resumed: true, evaluationDue };
}

async function writeModel(
  folder: RunFolder,
  training: Training,
  config: RunConfig,
  step: number,
  keep: boolean,
): Promise<void> {
  const metadata = { ...runMetadata(config), step: String(step) };
  await folder.writeModel(training.modelStream(), metadata);
  if (keep) await folder.keepModel(step, training.modelStream(), metadata);
}

/** Weights that are not finite never replace a checkpoint: the file they are written to is dropped. */
function finiteStream(stream: SafeStream, step: number): SafeStream {
  const { specs } = stream;
  return {
    specs,
    async *data() {
      let i = 0;
      for await (const values of stream.data()) {
        const { name } = specs[i++]!;
        if (!(values as Float32Array).every(Number.isFinite)) {
          throw new VoxtwirlError(
            "not-finite",
            `'${name}' is not finite at step ${step}; the last checkpoint is kept`,
            "Start again with a smaller learning rate (--lr), or look for broken geometries in the data.",
          );
        }
        yield values;
      }
    },
  };
}
