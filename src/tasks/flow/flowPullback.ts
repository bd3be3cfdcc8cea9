import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { Graph } from "../../graph/graph.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import { Plan } from "../../graph/plan.ts";
import { flowNet } from "../../models/flowNet.ts";
import { chainSide } from "./chainSide.ts";
import { PosedChains, type PosedChain, type PosedChainsOptions } from "./posedChains.ts";

/** What gradients are taken of. */
export interface FlowPullbackOptions extends Omit<PosedChainsOptions, "copies"> {
  /** Its weights are where; its gradients are added to. */
  readonly store: ParameterStore;
}

/** Backward passes from endpoints to weights, in f32, on chains in rotations: each with pairs of its own. */
export class FlowPullback {
  readonly #gpu: Gpu;
  readonly #options: FlowPullbackOptions;
  readonly #inputs: PosedChains;
  readonly #cotangents: BufferView;
  readonly #plan: Plan;

  private constructor(
    gpu: Gpu,
    options: FlowPullbackOptions,
    made: { readonly inputs: PosedChains; readonly cotangents: BufferView; readonly plan: Plan },
  ) {
    this.#gpu = gpu;
    this.#options = options;
    this.#inputs = made.inputs;
    this.#cotangents = made.cotangents;
    this.#plan = made.plan;
  }

  /** @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit; nothing stays allocated */
  static async create(gpu: Gpu, options: FlowPullbackOptions): Promise<FlowPullback> {
    const { config, chains, places, store } = options;
    const graph = new Graph(gpu.caps);
    const inputs = new PosedChains(gpu, graph, { ...options, copies: 1 });
    const shape = [chains, chainSide(config, places), 3];
    const cotangents = gpu.upload("cotangents", new Float32Array(shape[0]! * shape[1]! * 3));
    try {
      const { endpoints } = flowNet(graph, config, inputs.tensors, { parameter: store.bind(graph, { train: true }) });
      graph.backward(endpoints, graph.external("cotangents", shape, cotangents));
      const plan = await Plan.create(gpu, graph, { label: "flow's gradient" });
      return new FlowPullback(gpu, options, { inputs, cotangents, plan });
    } catch (error) {
      inputs.destroy();
      gpu.destroyBuffer(cotangents.buffer);
      throw error;
    }
  }

  /** Chains of one replay at most. */
  get chains(): number {
    return this.#options.chains;
  }

  /**
   * Submits a replay that adds sum of J^T c to the gradients, J being the derivative of a chain's endpoints by the
   * weights.
   *
   * @param posed each in one rotation, all with a self-condition or all without
   * @param cotangents c of each, [n, 3], as the network gives endpoints: not rotated back
   */
  submit(posed: readonly PosedChain[], cotangents: readonly Float64Array[]): void {
    const { chains, config, places } = this.#options;
    const side = chainSide(config, places);
    const all = new Float32Array(3 * chains * side);
    cotangents.forEach((values, at) => all.set(values, 3 * (side * at + config.registers)));
    this.#inputs.write(posed);
    this.#gpu.write(this.#cotangents, all);
    this.#plan.run();
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#plan.destroy();
    this.#inputs.destroy();
    this.#gpu.destroyBuffer(this.#cotangents.buffer);
  }
}
