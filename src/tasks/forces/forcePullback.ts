import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import { Plan } from "../../graph/plan.ts";
import { escaip } from "../../models/escaip.ts";
import { reverseEdges } from "./atomicGraph.ts";
import { PosedCopies, type PosedCopiesOptions, type PosedStructure } from "./posedCopies.ts";

/** What gradients are taken of. */
export interface ForcePullbackOptions extends PosedCopiesOptions {
  /** Its weights are where; its gradients are added to. */
  readonly store: ParameterStore;
}

/** Backward passes from forces to weights, on structures in poses. */
export class ForcePullback {
  readonly #gpu: Gpu;
  readonly #options: ForcePullbackOptions;
  readonly #inputs: PosedCopies;
  readonly #cotangents: BufferView;
  readonly #plan: Plan;
  readonly #owned: readonly BufferView[];

  private constructor(
    gpu: Gpu,
    options: ForcePullbackOptions,
    inputs: PosedCopies,
    made: { readonly cotangents: BufferView; readonly plan: Plan; readonly owned: readonly BufferView[] },
  ) {
    this.#gpu = gpu;
    this.#options = options;
    this.#inputs = inputs;
    this.#cotangents = made.cotangents;
    this.#plan = made.plan;
    this.#owned = made.owned;
  }

  /** @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit; nothing stays allocated */
  static async create(gpu: Gpu, options: ForcePullbackOptions): Promise<ForcePullback> {
    const { config, copies, structures, store } = options;
    const owned: BufferView[] = [];
    try {
      const inputs = new PosedCopies(gpu, options, owned);
      const { graph, atomic } = inputs;
      reverseEdges(graph, atomic);
      const { forces } = escaip(graph, config, atomic, { parameter: store.bind(graph, { train: true }) });
      const shape = [copies, structures.places, 3];
      const cotangents = gpu.upload("cotangents", new Float32Array(3 * copies * structures.places));
      owned.push(cotangents);
      graph.backward(forces, graph.external("cotangents", shape, cotangents));
      const plan = await Plan.create(gpu, graph, { label: "forces' gradient" });
      return new ForcePullback(gpu, options, inputs, { cotangents, plan, owned });
    } catch (error) {
      for (const { buffer } of owned) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  /** Structures of one replay at most. */
  get copies(): number {
    return this.#options.copies;
  }

  /**
   * Submits a replay that adds sum of J^T c to the gradients, J being the derivative of a copy's forces by the weights.
   *
   * @param cotangents c of each copy, [n, 3], as the network gives forces: not rotated back
   */
  submit(posed: readonly PosedStructure[], cotangents: readonly Float64Array[]): void {
    const { copies, structures } = this.#options;
    const all = new Float32Array(3 * copies * structures.places);
    cotangents.forEach((values, at) => all.set(values, 3 * structures.places * at));
    this.#inputs.prepare(posed);
    this.#gpu.write(this.#cotangents, all);
    this.#plan.run();
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#plan.destroy();
    for (const { buffer } of this.#owned) this.#gpu.destroyBuffer(buffer);
  }
}
