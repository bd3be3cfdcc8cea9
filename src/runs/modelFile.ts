import { stat } from "node:fs/promises";
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { ModelFile } from "../training/modelFile.ts";
import { parseRunConfig } from "../training/runConfig.ts";
import { decodeSafetensors, type SafeFile } from "../formats/safetensors.ts";
import { taskNamed } from "../tasks/list.ts";
import { fileKind } from "../node/fileKind.ts";
import { readBytes } from "../node/files.ts";
import { RUN_FILES } from "./runStage.ts";

/**
 * Reads a model file, or that of a run's folder.
 *
 * @throws VoxtwirlError "io" when there is none, "bad-file" when it is no model, "bad-config" when its configuration
 *   cannot be used
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const name = folder ? join(path, RUN_FILES.model) : path;
  const file = decodeModel(await readBytes(name), name);
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

const OF_A_RUN = "Give a run's folder or its model.safetensors; measure other models with --predictions.";

/** As `decodeSafetensors`; a file of another kind is called what it is. */
function decodeModel(bytes: Uint8Array, name: string): SafeFile {
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
