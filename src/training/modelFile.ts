import { VoxtwirlError } from "../errors.ts";
import { parseRunConfig, type ConfigChecker, type RunConfig } from "./runConfig.ts";
import type { TrainConfig } from "./trainConfig.ts";
import type { SafeFile } from "../formats/safetensors.ts";

/** A model as `voxtwirl train` writes it: weights, and in the metadata what they were trained with. */
export interface ModelFile<C extends TrainConfig = TrainConfig> {
  /** Where it comes from, for messages. */
  readonly path: string;
  readonly file: SafeFile;
  readonly config: RunConfig<C>;
  /** Updates that the weights have seen; NaN where the file does not say. */
  readonly step: number;
}

export const OF_A_RUN =
  "Give a run's folder, its model.safetensors or a VoxMol checkpoint; measure other models with --predictions.";

/**
 * Takes a safetensors file for a model's.
 *
 * @param taskNamed as in `parseRunConfig`
 * @param name what messages call the file
 * @throws VoxtwirlError "bad-file" when it is no model, "bad-config" when its configuration cannot be used
 */
export function modelOf(
  file: SafeFile,
  taskNamed: (name: string | undefined) => ConfigChecker,
  name: string,
): ModelFile {
  const { config, step } = file.metadata;
  if (config === undefined) {
    throw new VoxtwirlError("bad-file", `${name} does not say how its model is built`, OF_A_RUN);
  }
  let value: unknown;
  try {
    value = JSON.parse(config);
  } catch (cause) {
    throw new VoxtwirlError("bad-file", `${name}: its configuration is not JSON`, "Copy the file again.", { cause });
  }
  const known = step !== undefined && /^\d{1,15}$/.test(step);
  return { path: name, file, config: parseRunConfig(value, taskNamed, name), step: known ? Number(step) : NaN };
}
