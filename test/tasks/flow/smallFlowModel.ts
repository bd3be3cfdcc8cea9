import { encodeSafetensors } from "../../../src/formats/safetensors.ts";
import type { Gpu } from "../../../src/gpu/gpu.ts";
import { ParameterStore } from "../../../src/graph/parameters.ts";
import { flowNetParameters } from "../../../src/models/flowNetLayout.ts";
import { initialise } from "../../../src/models/initialise.ts";
import { modelTensors } from "../../../src/training/checkpoint.ts";
import { runMetadata } from "../../../src/training/runConfig.ts";
import { smallConfig } from "./smallFlow.ts";

/** The bytes of a small model with random weights. */
export async function smallFlowModel(gpu: Gpu, config = smallConfig): Promise<Uint8Array> {
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
