import type { Gpu } from "../gpu/gpu.ts";
import { requirePrecision, type Precision } from "../graph/graph.ts";
import { ParameterStore } from "../graph/parameters.ts";
import type { ModelParameter } from "../models/parameter.ts";
import { loadModel } from "../training/checkpoint.ts";
import type { ModelFile } from "../training/modelFile.ts";
import type { TrainedModelOptions } from "../training/task.ts";

/**
 * The weights of a model's file on the GPU, and how its activations are to be stored.
 *
 * @throws VoxtwirlError "bad-file" for other weights, "unsupported" for f16 on an adapter without it, "out-of-memory"
 *   when the weights do not fit; nothing stays allocated
 */
export async function loadedStore(
  gpu: Gpu,
  { file, path, config }: ModelFile,
  parameters: readonly ModelParameter[],
  { precision = config.training.precision }: TrainedModelOptions,
): Promise<{ readonly store: ParameterStore; readonly precision: Precision }> {
  requirePrecision(gpu.caps, precision);
  const store = new ParameterStore(gpu, parameters, ["weights"]);
  try {
    loadModel(store, parameters, file, path);
    await gpu.settle();
  } catch (error) {
    store.destroy();
    throw error;
  }
  return { store, precision };
}
