import { requireBytes } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { modelOf, type ModelFile } from "../training/modelFile.ts";
import { FIRST_TASK, type ConfigChecker } from "../training/runConfig.ts";
import type { TrainConfig } from "../training/trainConfig.ts";

/**
 * A task's model: the bytes of its file, or what `readModelFile` made of them. Models that name no task are of voxels.
 *
 * @param advice for who gives a model of another task
 * @throws VoxtwirlError "bad-file" when it is none, "bad-config" when it is one of another task or cannot be used
 */
export function ownModelFile<C extends TrainConfig>(
  task: Omit<ConfigChecker, "check"> & { check(this: void, config: C): C },
  model: Uint8Array | ModelFile,
  advice: string,
): ModelFile<C> {
  const named = (name = FIRST_TASK): ConfigChecker => {
    if (name === task.name) return task;
    throw new VoxtwirlError("bad-config", `the model is of the task ${name}`, advice);
  };
  const read = (model as Partial<ModelFile> | undefined)?.file !== undefined;
  if (!read) requireBytes("the model", model);
  const name = "the model file";
  const file = read ? (model as ModelFile) : modelOf(decodeSafetensors(model as Uint8Array, name), named, name);
  // By name, as what read it has checked the rest.
  named(file.config.task);
  return file as ModelFile<C>;
}
