import { requireGpu } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import { flowNetParameters } from "../../models/flowNetLayout.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { TrainedModel, TrainedModelOptions } from "../../training/task.ts";
import { loadedStore } from "../loadedStore.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { flowModelFile } from "./flowModelFile.ts";
import type { SecondMoments } from "./secondMoments.ts";

/**
 * A trained flow-matching model of C-alpha backbones, ready to run.
 *
 * ```ts
 * const model = await FlowModel.load(gpu, bytes); // in Node: await openFlowModel(gpu, "runs/flow-tiny-1")
 * model.destroy();
 * ```
 */
export class FlowModel implements TrainedModel {
  /** What the model was trained with. */
  readonly config: FlowConfig;
  /** Of the chains that it was trained on. */
  readonly moments: SecondMoments;
  /** Updates that the weights have seen; NaN where the file does not say. */
  readonly step: number;
  /** How activations are stored. */
  readonly precision: Precision;
  readonly gpu: Gpu;
  readonly #store: ParameterStore;
  #destroyed = false;

  private constructor(gpu: Gpu, file: ModelFile<FlowConfig>, precision: Precision, store: ParameterStore) {
    this.config = file.config.training;
    this.moments = file.config.fitted as unknown as SecondMoments;
    this.step = file.step;
    this.precision = precision;
    this.gpu = gpu;
    this.#store = store;
  }

  /**
   * @param model the bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them
   * @throws VoxtwirlError "bad-file" when it is no model, "bad-config" when its configuration cannot be used,
   *   "unsupported" for f16 on an adapter without it, "out-of-memory" when the weights do not fit
   */
  static async load(
    this: void,
    gpu: Gpu,
    model: Uint8Array | ModelFile,
    options: TrainedModelOptions = {},
  ): Promise<FlowModel> {
    requireGpu(gpu);
    const file = flowModelFile(model);
    const { store, precision } = await loadedStore(gpu, file, flowNetParameters(file.config.training), options);
    return new FlowModel(gpu, file, precision, store);
  }

  /** The weights in a graph of the caller's, as `flowNet` takes them. */
  parameters(graph: Graph): ParameterOf {
    if (this.#destroyed) throw new VoxtwirlError("destroyed", "this model was destroyed", "Load it again.");
    return this.#store.bind(graph, { constants: "weights" });
  }

  /** Frees the weights; twice is harmless. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#store.destroy();
  }
}
