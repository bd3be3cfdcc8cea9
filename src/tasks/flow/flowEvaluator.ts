import { requireObject } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { Plan } from "../../graph/plan.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import type { EvalRow } from "../../training/metrics.ts";
import type { TaskEvaluator } from "../../training/task.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { requireRotated, rotationsOf, type SampleRotations } from "../sampleRotations.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { FlowPass, type PosedChain } from "./flowPass.ts";
import { flowSamples, type FlowSample } from "./flowSamples.ts";
import { FlowTally, type PredictedSample, type TimePart } from "./flowTally.ts";
import type { PackedBackbones } from "./packFlow.ts";

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

/** Tokens of a replay: enough for all cores of a small machine. */
const REPLAY_TOKENS = 1536;

/** Predicts crops of chains under rotations, between noise and data. */
export class FlowEvaluator implements TaskEvaluator {
  readonly #passes: { readonly first: FlowPass; readonly twisted: FlowPass };
  readonly #options: FlowEvaluatorOptions;
  #last: FlowTally | undefined;

  private constructor(passes: { first: FlowPass; twisted: FlowPass }, options: FlowEvaluatorOptions) {
    this.#passes = passes;
    this.#options = options;
  }

  /** @throws VoxtwirlError "no-data", "bad-option", "too-large" or "out-of-memory" where not even one rotation fits */
  static async create(gpu: Gpu, options: FlowEvaluatorOptions): Promise<FlowEvaluator> {
    requireObject("options", options, "Give { config, chains, group, rotations, seed, precision, parameters }.");
    const { config, chains, rotations, chunk } = options;
    requireRotated(options, chains.count);
    const side = config.registers + config.crop;
    const filled = rotations * Math.max(1, Math.floor(REPLAY_TOKENS / (rotations * side)));
    return asManyAsFit(gpu, chunk ?? filled, async (most) => {
      const copies = Math.min(most, rotations);
      const sizes = { places: config.crop, chains: Math.max(1, Math.floor(most / copies)) };
      const twisted = await FlowPass.create(gpu, { ...options, ...sizes, copies });
      try {
        return new FlowEvaluator(
          { twisted, first: await FlowPass.create(gpu, { ...options, ...sizes, copies: 1 }) },
          options,
        );
      } catch (error) {
        twisted.destroy();
        throw error;
      }
    });
  }

  /** One replay: some samples under their rotations. */
  get plan(): Plan {
    return this.#passes.twisted.plan;
  }

  /** Writes what chain `index` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(index: number): void {
    const rotations = rotationsOf(this.#options, index).slice(0, this.#passes.twisted.copies);
    this.#passes.twisted.prepare([{ sample: this.#samplesOf(index)[0]!, rotations }]);
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
  async *results(places: Uint32Array, signal?: AbortSignal): AsyncGenerator<PredictedSample[]> {
    const { chains: together } = this.#passes.twisted;
    for (let from = 0; from < places.length; from += together) {
      const some = Array.from(places.subarray(from, from + together), (index) => {
        const rotations = rotationsOf(this.#options, index);
        return this.#samplesOf(index).map((sample) => ({ sample, rotations, endpoints: [] as Float64Array[] }));
      });
      const all = some.flat();
      for (const told of [false, true]) {
        const alike = all.filter(({ sample }) => sample.selfConditioned === told);
        for (let at = 0; at < alike.length; at += together) {
          if (signal?.aborted) throw new VoxtwirlError("aborted", "the evaluation was stopped", "Start it again.");
          const posed = alike.slice(at, at + together);
          const endpoints = await this.#twisted(posed, told);
          posed.forEach((one, i) => one.endpoints.push(...endpoints[i]!));
        }
      }
      yield* some;
    }
  }

  /** T^-1 x1_hat(T x) for all rotations of some samples: as many as a replay takes, alike in whether they are told. */
  async #twisted(posed: readonly PosedChain[], told: boolean): Promise<Float64Array[][]> {
    const { first, twisted } = this.#passes;
    const previous = told ? await first.predict(posed.map(({ sample }) => ({ sample, rotations: [IDENTITY] }))) : [];
    const endpoints = posed.map(() => [] as Float64Array[]);
    for (let from = 0; from < posed[0]!.rotations.length; from += twisted.copies) {
      const part = posed.map(({ sample, rotations }, i) => ({
        ...{ sample, rotations: rotations.slice(from, from + twisted.copies) },
        previous: previous[i]?.[0],
      }));
      (await twisted.predict(part)).forEach((own, i) => endpoints[i]!.push(...own));
    }
    return endpoints;
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#passes.first.destroy();
    this.#passes.twisted.destroy();
  }
}

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1] as const;
