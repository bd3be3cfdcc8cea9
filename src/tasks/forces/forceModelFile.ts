import type { ModelFile } from "../../training/modelFile.ts";
import { ownModelFile } from "../ownModelFile.ts";
import { checkForceConfig, FORCES, type ForceConfig } from "./forceConfig.ts";
import { requireScales } from "./labels.ts";
import { presets } from "./presets.ts";

/** A force field. @throws VoxtwirlError as `ownModelFile`, "bad-config" too without the scales of its labels */
export function forceModelFile(model: Uint8Array | ModelFile): ModelFile<ForceConfig> {
  const advice = "Give a model of forces; openModel takes those of voxels, openFlowModel those of flow.";
  const file = ownModelFile({ name: FORCES, presets, check: checkForceConfig }, model, advice);
  requireScales(file.config.fitted, file.path);
  return file;
}
