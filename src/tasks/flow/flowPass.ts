import { inverseRotation, rotatePoints } from "../../equivariance/groups.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { Plan } from "../../graph/plan.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import { flowNet, type FlowOutput } from "../../models/flowNet.ts";
import { chainSide } from "./chainSide.ts";
import { PosedChains, type PosedChain, type PosedChainsOptions } from "./posedChains.ts";

/** What is predicted, and by what. */
export interface FlowPassOptions extends PosedChainsOptions {
  readonly precision: Precision;
  /** Binds the weights to a graph. */
  readonly parameters: (graph: Graph) => ParameterOf;
  /** Called with hidden features, as in `FlowNetOptions`. */
  readonly feature?: ((graph: Graph, name: string, tensor: Tensor) => void) | undefined;
}

/** A forward pass on chains in rotations, replayed with others. What no rotation changes is computed once a chain. */
export class FlowPass {
  readonly plan: Plan;
  readonly #options: FlowPassOptions;
  readonly #inputs: PosedChains;
  readonly #output: FlowOutput;

  private constructor(options: FlowPassOptions, inputs: PosedChains, output: FlowOutput, plan: Plan) {
    this.plan = plan;
    this.#options = options;
    this.#inputs = inputs;
    this.#output = output;
  }

  /** @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit; nothing stays allocated */
  static async create(gpu: Gpu, options: FlowPassOptions): Promise<FlowPass> {
    const graph = new Graph(gpu.caps, { precision: options.precision });
    const inputs = new PosedChains(gpu, graph, options);
    try {
      const { config, parameters, feature } = options;
      const output = flowNet(graph, config, inputs.tensors, {
        parameter: parameters(graph),
        ...(feature && { feature: (name: string, tensor: Tensor) => feature(graph, name, tensor) }),
      });
      graph.keep(output.endpoints);
      return new FlowPass(options, inputs, output, await Plan.create(gpu, graph, { label: "flow" }));
    } catch (error) {
      inputs.destroy();
      throw error;
    }
  }

  /** Chains of one replay at most. */
  get chains(): number {
    return this.#options.chains;
  }

  /** Copies of each of them at most. */
  get copies(): number {
    return this.#options.copies;
  }

  /** Writes what the next replay predicts; left-over places get the first chain and rotation again. */
  prepare(posed: readonly PosedChain[]): void {
    this.#inputs.write(posed);
  }

  /**
   * Predicts up to `chains` of them, all with a self-condition or all without.
   *
   * @returns of each chain, for each of its rotations, T^-1 x1_hat(T x), [n, 3] in nm: rotated back
   */
  async predict(posed: readonly PosedChain[]): Promise<Float64Array[][]> {
    this.prepare(posed);
    this.plan.run();
    const [endpoints] = await this.plan.read(this.#output.endpoints);
    const { copies, places, config } = this.#options;
    const side = chainSide(config, places);
    return posed.map(({ sample: { residues }, rotations }, chain) =>
      rotations.map((rotation, copy) => {
        const from = 3 * ((chain * copies + copy) * side + config.registers);
        const own = Float64Array.from((endpoints as Float32Array).subarray(from, from + 3 * residues));
        return rotatePoints(inverseRotation(rotation), own);
      }),
    );
  }

  /** Frees all that was made. */
  destroy(): void {
    this.plan.destroy();
    this.#inputs.destroy();
  }
}
