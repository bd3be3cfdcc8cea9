import { requireObject } from "../../check.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { Plan } from "../../graph/plan.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import type { EvalRow } from "../../training/metrics.ts";
import type { TaskEvaluator } from "../../training/task.ts";
import { requireRotated, rotationsOf, type SampleRotations } from "../sampleRotations.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { flowSamples, type FlowSample } from "./flowSamples.ts";
import { FlowTally, type SampleEndpoints, type TimePart } from "./flowTally.ts";
import type { PackedBackbones } from "./packFlow.ts";
import { TwirledChains } from "./twirledChains.ts";

/** What is evaluated, and how. */
export interface FlowEvaluatorOptions extends SampleRotations {
  readonly config: FlowConfig;
  readonly chains: PackedBackbones;
  readonly precision: Precision;
  /** Binds the weights to a graph. */
  readonly parameters: (graph: Graph) => ParameterOf;
  /** Rotations predicted at once at most; as many as fill a replay by default. */
  readonly chunk?: number | undefined;
}

/** Predicts crops of chains under rotations, between noise and data. */
export class FlowEvaluator implements TaskEvaluator {
  readonly #twirled: TwirledChains;
  readonly #options: FlowEvaluatorOptions;
  #last: FlowTally | undefined;

  private constructor(twirled: TwirledChains, options: FlowEvaluatorOptions) {
    this.#twirled = twirled;
    this.#options = options;
  }

  /** @throws VoxtwirlError "no-data", "bad-option", "too-large" or "out-of-memory" where not even one rotation fits */
  static async create(gpu: Gpu, options: FlowEvaluatorOptions): Promise<FlowEvaluator> {
    requireObject("options", options, "Give { config, chains, group, rotations, seed, precision, parameters }.");
    requireRotated(options, options.chains.count);
    return new FlowEvaluator(await TwirledChains.create(gpu, { ...options, places: options.config.crop }), options);
  }

  /** One replay: some samples under their rotations. */
  get plan(): Plan {
    return this.#twirled.plan;
  }

  /** Writes what chain `index` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(index: number): void {
    this.#twirled.prepare({ sample: this.#samplesOf(index)[0]!, rotations: rotationsOf(this.#options, index) });
  }

  /**
   * @throws VoxtwirlError "aborted" when the signal is; "not-finite" where a prediction is not
   */
  async evaluate(signal?: AbortSignal): Promise<Omit<EvalRow, "type" | "step" | "seconds">> {
    const { config, chains } = this.#options;
    const tally = new FlowTally(this.#options, config.crop, chains.moments);
    const places = Uint32Array.from({ length: chains.count }, (_, i) => i);
    for await (const predicted of this.results(places, signal)) tally.add(predicted);
    this.#last = tally;
    const { measured, lossWiener } = tally.whole();
    const { lossTotal, lossMean, lossEquiv, lossZero, percentEquiv, percentEquivStdErr } = measured;
    return { lossTotal, lossMean, lossEquiv, lossZero, percentEquiv, percentEquivStdErr, lossWiener };
  }

  /** Of the last evaluation that came to its end, by quarters of the time; evaluates where there was none. */
  async byTime(): Promise<TimePart[]> {
    if (!this.#last) await this.evaluate();
    return this.#last!.byTime();
  }

  #samplesOf(index: number): FlowSample[] {
    const { chains, config, seed } = this.#options;
    return flowSamples(chains, config, seed, index);
  }

  /** What is predicted of chains, in the order of their places: of each its samples. */
  async *results(places: Uint32Array, signal?: AbortSignal): AsyncGenerator<SampleEndpoints[]> {
    const { together } = this.#twirled;
    for (let from = 0; from < places.length; from += together) {
      const chains = Array.from(places.subarray(from, from + together), (index) => {
        const rotations = rotationsOf(this.#options, index);
        return this.#samplesOf(index).map((sample) => ({ sample, rotations }));
      });
      const all = chains.flat();
      const conditions = await this.#twirled.selfConditions(
        all.map(({ sample }) => sample),
        signal,
      );
      const endpoints = await this.#twirled.predict(
        all.map((one, i) => ({ ...one, previous: conditions[i] })),
        signal,
      );
      for (const chain of chains) yield chain.map(({ sample }) => ({ sample, endpoints: endpoints.shift()! }));
    }
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#twirled.destroy();
  }
}
