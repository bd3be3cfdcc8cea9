import type { ModelFile } from "../../training/modelFile.ts";
import { ownModelFile } from "../ownModelFile.ts";
import { presets } from "./presets.ts";
import { checkVoxelConfig, VOXELS, type VoxelConfig } from "./voxelConfig.ts";

/** A model of voxels. @throws VoxtwirlError as `ownModelFile` */
export function voxelModelFile(model: Uint8Array | ModelFile): ModelFile<VoxelConfig> {
  const advice = "Give a model of voxels; openForceField takes those of forces, openFlowModel those of flow.";
  return ownModelFile({ name: VOXELS, presets, check: checkVoxelConfig }, model, advice);
}
