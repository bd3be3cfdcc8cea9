import { requireBytes } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import { decodeSafetensors } from "../../formats/safetensors.ts";
import { modelOf, type ModelFile } from "../../training/modelFile.ts";
import type { ConfigChecker } from "../../training/runConfig.ts";
import { presets } from "./presets.ts";
import { checkVoxelConfig, VOXELS, type VoxelConfig } from "./voxelConfig.ts";

const configs: ConfigChecker = { name: VOXELS, presets, check: checkVoxelConfig };

/** @throws VoxtwirlError "bad-config" for a model of another task */
function configsNamed(name = VOXELS): ConfigChecker {
  if (name === VOXELS) return configs;
  throw new VoxtwirlError(
    "bad-config",
    `the model is of the task ${name}`,
    "Give a model of voxels; openForceField and ForceField.load take those of forces.",
  );
}

/**
 * A model of voxels: the bytes of its file, or what `readModelFile` made of them.
 *
 * @throws VoxtwirlError "bad-file" when it is none, "bad-config" when it is one of another task or cannot be used
 */
export function voxelModelFile(model: Uint8Array | ModelFile): ModelFile<VoxelConfig> {
  const read = (model as Partial<ModelFile> | undefined)?.file !== undefined;
  if (!read) requireBytes("the model", model);
  const name = "the model file";
  const file = read ? (model as ModelFile) : modelOf(decodeSafetensors(model as Uint8Array, name), configsNamed, name);
  // By name, as `configs` has checked the rest.
  configsNamed(file.config.task);
  return file as ModelFile<VoxelConfig>;
}
