import type { ModelFile } from "../../training/modelFile.ts";
import { ownModelFile } from "../ownModelFile.ts";
import { checkFlowConfig, FLOW, type FlowConfig } from "./flowConfig.ts";
import { presets } from "./presets.ts";
import { requireMoments } from "./secondMoments.ts";

/** A flow-matching model. @throws VoxtwirlError as `ownModelFile`, "bad-config" too without its second moments */
export function flowModelFile(model: Uint8Array | ModelFile): ModelFile<FlowConfig> {
  const advice = "Give a model of flow; openModel takes those of voxels, openForceField those of forces.";
  const file = ownModelFile({ name: FLOW, presets, check: checkFlowConfig }, model, advice);
  requireMoments(file.config.fitted, file.config.training.crop, file.path);
  return file;
}
