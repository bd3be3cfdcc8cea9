import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import { chainArrays, timeFeatures, type ChainArrays } from "../../models/flowInputs.ts";
import { flowNet } from "../../models/flowNet.ts";
import type { FlowNetConfig } from "../../models/flowNetLayout.ts";
import { chainSide } from "./chainSide.ts";
import type { EndpointField, FieldInputs } from "./flowPaths.ts";

/** Which network, and how many chains at once. */
export interface NetFieldOptions {
  readonly config: FlowNetConfig;
  /** Binds the weights to a graph. */
  readonly parameters: (graph: Graph) => ParameterOf;
  readonly chains: number;
  /** Residues that every chain has room for. */
  readonly places: number;
}

/** Endpoints as a flow-matching network says them. */
export class NetField implements EndpointField {
  readonly #gpu: Gpu;
  readonly #options: NetFieldOptions;
  readonly #tokens: BufferView;
  readonly #chains: BufferView;
  readonly #registerRows: BufferView;
  readonly #placeFeatures: BufferView;
  readonly #timeFeatures: BufferView;

  /** @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit; nothing stays allocated */
  constructor(gpu: Gpu, options: NetFieldOptions) {
    const { config, chains } = options;
    this.#gpu = gpu;
    this.#options = options;
    const arrays = this.#arrays(new Array<number>(chains).fill(1));
    const time = new Float32Array((chains + 1) * config.timeEmbedding);
    const { tokens, chains: present, registerRows, placeFeatures } = arrays;
    const all = [tokens, present, registerRows, placeFeatures, time];
    gpu.assertFits(
      "sampling",
      all.reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
    this.#tokens = gpu.upload("tokens", tokens);
    this.#chains = gpu.upload("chains", present);
    this.#registerRows = gpu.upload("registers", registerRows);
    this.#placeFeatures = gpu.upload("places", placeFeatures);
    this.#timeFeatures = gpu.upload("time", time);
  }

  /** Tokens of a chain: registers, residues and padding. */
  get side(): number {
    return chainSide(this.#options.config, this.#options.places);
  }

  append(graph: Graph, inputs: FieldInputs): Tensor {
    const { config, chains, parameters } = this.#options;
    const tokens = [chains, this.side];
    const { endpoints } = flowNet(
      graph,
      config,
      {
        ...inputs,
        tokens: graph.external("tokens", tokens, this.#tokens),
        chains: graph.external("chains", [chains + 1], this.#chains),
        registerRows: graph.external("registers", tokens, this.#registerRows, "u32"),
        placeFeatures: graph.external("places", [...tokens, config.indexEmbedding + 1], this.#placeFeatures),
        timeFeatures: graph.external("time", [chains + 1, config.timeEmbedding], this.#timeFeatures),
      },
      { parameter: parameters(graph) },
    );
    return endpoints;
  }

  atTime(t: number): void {
    const { config, chains } = this.#options;
    this.#gpu.write(this.#timeFeatures, timeFeatures(config, new Array<number>(chains).fill(t)));
  }

  /**
   * Takes chains of these lengths from the next replay on.
   *
   * @returns residues, [b, S]: 1 or 0
   */
  place(lengths: readonly number[]): Float32Array {
    const { residues, tokens, placeFeatures } = this.#arrays(lengths);
    this.#gpu.write(this.#tokens, tokens);
    this.#gpu.write(this.#placeFeatures, placeFeatures);
    return residues;
  }

  /** Frees all that was made. */
  destroy(): void {
    for (const view of [this.#tokens, this.#chains, this.#registerRows, this.#placeFeatures, this.#timeFeatures]) {
      this.#gpu.destroyBuffer(view.buffer);
    }
  }

  #arrays(lengths: readonly number[]): ChainArrays {
    const { config } = this.#options;
    return chainArrays(config, { lengths, places: this.side - config.registers });
  }
}
