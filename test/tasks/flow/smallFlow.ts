/** A flow-matching model as small as can be, with random weights. */
import { encodeSafetensors } from "../../../src/formats/safetensors.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { flowNetParameters } from "../../../src/models/flowNetLayout.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { checkFlowConfig, type FlowConfig } from "../../../src/tasks/flow/flowConfig.ts";
import { presets } from "../../../src/tasks/flow/presets.ts";
import { modelTensors } from "../../../src/training/checkpoint.ts";
import { runMetadata } from "../../../src/training/runConfig.ts";

export const smallFlow: FlowConfig = checkFlowConfig({
  ...presets["flow-tiny"]!,
  ...{ hidden: 16, layers: 1, heads: 2, conditioning: 8, pair: 4, timeEmbedding: 8, indexEmbedding: 4, registers: 2 },
  crop: 20,
});

/** The bytes of its file. */
export async function smallFlowModel(gpu: Gpu, config = smallFlow): Promise<Uint8Array> {
  const parameters = flowNetParameters(config);
  const store = new ParameterStore(gpu, parameters, ["weights", "ema"]);
  initialise(store, parameters, 3);
  const metadata = runMetadata({
    ...{ format: 1, version: "0.0.0", task: "flow", training: config, adapter: "none" },
    data: { source: "builtin-backbones", sha256: "", splitSeed: 1, training: 3, heldout: 1, skipped: 0 },
    fitted: { separations: Array.from({ length: config.crop }, (_, s) => 0.05 * s) },
  });
  const tensors = await modelTensors(store, parameters);
  store.destroy();
  return encodeSafetensors(tensors, { ...metadata, step: "7" });
}
