/** The models that a run keeps from its way: files in a folder of their own within the run's. */
import { requireString } from "../check.ts";
import { join } from "node:path";
import { isFolder, list } from "../node/folders.ts";

/** The folder within a run's. */
export const CHECKPOINTS = "checkpoints";

/** A model that a run kept on its way: a file such as model.safetensors. */
export interface KeptModel {
  /** Updates that its weights have seen. */
  readonly step: number;
  readonly path: string;
}

/** Name of the file for a step. */
export function keptName(step: number): string {
  return `model-${String(step).padStart(6, "0")}.safetensors`;
}

/**
 * The models that a run has kept so far (`train --keep-checkpoints`), by their steps; none where it keeps none.
 *
 * @param folder the run's
 * @throws VoxtwirlError "io" when the file system refuses
 */
export async function keptModels(folder: string): Promise<KeptModel[]> {
  requireString("folder", folder, "Give the path of a run's folder.");
  const within = join(folder, CHECKPOINTS);
  if (!(await isFolder(within))) return [];
  const models = (await list(within)).flatMap((name) => {
    const step = Number(/^model-(\d{6,15})\.safetensors$/.exec(name)?.[1]);
    return keptName(step) === name ? [{ step, path: join(within, name) }] : [];
  });
  return models.sort((a, b) => a.step - b.step);
}
