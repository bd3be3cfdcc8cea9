import { requireBytes } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import { decodeSafetensors } from "../../formats/safetensors.ts";
import { modelOf, type ModelFile } from "../../training/modelFile.ts";
import type { ConfigChecker } from "../../training/runConfig.ts";
import { checkForceConfig, FORCES, type ForceConfig } from "./forceConfig.ts";
import { requireScales } from "./labels.ts";
import { presets } from "./presets.ts";

const configs = { name: FORCES, presets, check: checkForceConfig } as ConfigChecker;

/** @throws VoxtwirlError "bad-config" for a model of another task; models without one are of voxels */
function configsNamed(name = "voxels"): ConfigChecker {
  if (name === FORCES) return configs;
  throw new VoxtwirlError(
    "bad-config",
    `the model is of the task ${name}`,
    "Give a model of forces; openModel and VoxelDenoiser.load take those of voxels.",
  );
}

/**
 * A force field: the bytes of its file, or what `readModelFile` made of them.
 *
 * @throws VoxtwirlError "bad-file" when it is none, "bad-config" when it is one of another task or cannot be used
 */
export function forceModelFile(model: Uint8Array | ModelFile): ModelFile<ForceConfig> {
  const read = (model as Partial<ModelFile> | undefined)?.file !== undefined;
  if (!read) requireBytes("the model", model);
  const name = "the model file";
  const file = read ? (model as ModelFile) : modelOf(decodeSafetensors(model as Uint8Array, name), configsNamed, name);
  configsNamed(file.config.task);
  requireScales(file.config.fitted, file.path);
  return file as ModelFile<ForceConfig>;
}
