import { requireGpu, requireString } from "../check.ts";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { modelOf, OF_A_RUN, type ModelFile } from "../training/modelFile.ts";
import { sourceOf } from "../formats/byteSource.ts";
import { decodeSafetensors, type SafeFile } from "../formats/safetensors.ts";
import { isTorch, openTorch, TORCH_BYTES } from "../formats/torchFile.ts";
import { fileKind } from "../node/fileKind.ts";
import { readBytes, withFile } from "../node/files.ts";
import { FlowModel, ForceField, fromVoxmol, hasStem, taskNamed, VoxelDenoiser } from "../tasks/list.ts";
import type { TrainedModelOptions } from "../training/task.ts";
import { RUN_FILES } from "./runStage.ts";

/**
 * Loads a voxel denoiser that `voxtwirl train` wrote, to run it: from its file, or from its run's folder.
 *
 * @throws VoxtwirlError as `readModelFile` and `VoxelDenoiser.load`; "bad-config" for a model of another task
 */
export async function openModel(gpu: Gpu, path: string, options: TrainedModelOptions = {}): Promise<VoxelDenoiser> {
  requireGpu(gpu);
  return VoxelDenoiser.load(gpu, await readModelFile(path), options);
}

/**
 * The same of a force field.
 *
 * @throws VoxtwirlError as `readModelFile` and `ForceField.load`; "bad-config" for a model of another task
 */
export async function openForceField(gpu: Gpu, path: string, options: TrainedModelOptions = {}): Promise<ForceField> {
  requireGpu(gpu);
  return ForceField.load(gpu, await readModelFile(path), options);
}

/**
 * The same of a flow-matching model of protein backbones.
 *
 * @throws VoxtwirlError as `readModelFile` and `FlowModel.load`; "bad-config" for a model of another task
 */
export async function openFlowModel(gpu: Gpu, path: string, options: TrainedModelOptions = {}): Promise<FlowModel> {
  requireGpu(gpu);
  return FlowModel.load(gpu, await readModelFile(path), options);
}

/**
 * Reads a model file, or that of a run's folder; or a checkpoint of VoxMol's own code, as `fromVoxmol` takes it: what
 * torch.save wrote (.pth.tar, .pt), or its weights as safetensors.
 *
 * @throws VoxtwirlError "io" when there is none, "bad-file" when it is no model, "bad-config" when its configuration
 *   cannot be used
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  requireString("path", path, OF_A_RUN);
  const folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const name = folder ? join(path, RUN_FILES.model) : path;
  const torch = await withFile(name, async (file) => {
    // What comes through a pipe cannot be read twice.
    if (Number.isNaN(file.size) || !isTorch(await file.read(0, TORCH_BYTES))) return undefined;
    return fromVoxmol(await openTorch(file, name), name);
  });
  if (torch !== undefined) return torch;
  const bytes = await readBytes(name);
  if (isTorch(bytes)) return fromVoxmol(await openTorch(sourceOf(bytes), name), name);
  const file = decode(bytes, name);
  return file.metadata.config === undefined && hasStem(file) ? ofVoxmol(file, name) : modelOf(file, taskNamed, name);
}

/** Weights alone, which are VoxMol's or of a run whose configuration was lost. */
async function ofVoxmol(file: SafeFile, name: string): Promise<ModelFile> {
  try {
    return await fromVoxmol(file, name);
  } catch (cause) {
    if (!(cause instanceof VoxtwirlError) || cause.code !== "bad-config") throw cause;
    const message = `${name} says nothing of its network, and is not VoxMol's: ${cause.message}`;
    throw new VoxtwirlError("bad-file", message, OF_A_RUN, { cause });
  }
}

/** As `decodeSafetensors`; a file of another kind is called what it is. */
function decode(bytes: Uint8Array, name: string): SafeFile {
  try {
    return decodeSafetensors(bytes, name);
  } catch (cause) {
    // The first bytes of a sound file are a number, which may look like anything.
    const kind = fileKind(bytes);
    if (kind === undefined || kind.name === "a safetensors file") throw cause;
    const message = `${name} is not a valid safetensors file: it is ${kind.name}`;
    throw new VoxtwirlError("bad-file", message, kind.fix ?? OF_A_RUN, { cause });
  }
}
