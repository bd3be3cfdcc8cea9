import { rotatePoints } from "../../equivariance/groups.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import type { TwirledNetwork } from "../hostTerms.ts";
import { replayEach } from "../replayEach.ts";
import { rotationsOf, type SampleRotations } from "../sampleRotations.ts";
import { chainSide } from "./chainSide.ts";
import type { FlowConfig } from "./flowConfig.ts";
import { FlowPullback } from "./flowPullback.ts";
import { flowSamples, type FlowSample } from "./flowSamples.ts";
import { lossScale } from "./flowTally.ts";
import type { PackedBackbones } from "./packFlow.ts";
import type { PosedChain } from "./posedChains.ts";
import { REPLAY_TOKENS, TwirledChains } from "./twirledChains.ts";

/** What is predicted, and by what. */
export interface TwirledFlowOptions {
  readonly config: FlowConfig;
  readonly data: PackedBackbones;
  readonly store: ParameterStore;
  readonly under: SampleRotations;
  /** The chains' places. */
  readonly chosen: Uint32Array;
  readonly chunk: number | undefined;
}

/** A sample of a chain, with its self-condition where it has one. */
interface ToldSample {
  readonly sample: FlowSample;
  readonly previous: Float64Array | undefined;
  /** Factor of coordinates whose sum of squares is then what the sample adds to the chain's loss. */
  readonly scale: number;
}

/**
 * The samples of chains under rotations, as numbers whose squared errors add up to a chain's loss: what endpoints are
 * beyond x_t, scaled, one sample after another.
 */
export class TwirledFlow implements TwirledNetwork {
  readonly #gpu: Gpu;
  readonly #options: TwirledFlowOptions;
  readonly #twirled: TwirledChains;
  readonly #samples: ReadonlyMap<number, readonly ToldSample[]>;
  #pullback: Promise<FlowPullback> | undefined;

  private constructor(
    gpu: Gpu,
    options: TwirledFlowOptions,
    twirled: TwirledChains,
    samples: ReadonlyMap<number, readonly ToldSample[]>,
  ) {
    this.#gpu = gpu;
    this.#options = options;
    this.#twirled = twirled;
    this.#samples = samples;
  }

  /** @throws VoxtwirlError "too-large" or "out-of-memory" where not even one rotation fits; nothing stays allocated */
  static async create(gpu: Gpu, options: TwirledFlowOptions): Promise<TwirledFlow> {
    const { config, data, store, under, chosen, chunk } = options;
    const twirled = await TwirledChains.create(gpu, {
      ...{ config, chunk, precision: "f32", places: config.crop, rotations: under.rotations },
      parameters: (graph) => store.bind(graph, { constants: "weights" }),
    });
    try {
      const samples = new Map<number, ToldSample[]>();
      for (const place of chosen) {
        const own = flowSamples(data, config, under.seed, place);
        const conditions = await twirled.selfConditions(own);
        const told = own.map((sample, i) => {
          return { sample, previous: conditions[i], scale: lossScale(sample) * Math.sqrt(sample.weight) };
        });
        samples.set(place, told);
      }
      return new TwirledFlow(gpu, options, twirled, samples);
    } catch (error) {
      twirled.destroy();
      throw error;
    }
  }

  target(place: number): Float64Array {
    return joined(this.#samples.get(place)!.map((own) => beyond(own, own.sample.target)));
  }

  async twisted(places: Uint32Array, signal?: AbortSignal): Promise<Float64Array[]> {
    const posed = Array.from(places).flatMap((place) => {
      const rotations = rotationsOf(this.#options.under, place);
      return this.#samples.get(place)!.map((own) => ({ ...own, rotations }));
    });
    const endpoints = await this.#twirled.predict(posed, signal);
    return Array.from(places, (place) => {
      const samples = this.#samples.get(place)!;
      const own = endpoints.splice(0, samples.length);
      const rotations = Array.from({ length: this.#options.under.rotations }, (_, k) => k);
      return joined(rotations.flatMap((k) => samples.map((sample, i) => beyond(sample, own[i]![k]!))));
    });
  }

  async pullBack(places: Uint32Array, cotangents: readonly Float64Array[], signal?: AbortSignal): Promise<void> {
    const pullback = await this.#pullbackPlan();
    const posed = Array.from(places).flatMap((place, i) => this.#posed(place, cotangents[i]!));
    for (const told of [false, true]) {
      const alike = posed.filter(({ previous }) => (previous !== undefined) === told);
      const submit = (replay: number) => {
        const some = alike.slice(replay * pullback.chains, (replay + 1) * pullback.chains);
        pullback.submit(
          some,
          some.map(({ cotangent }) => cotangent),
        );
      };
      await replayEach(this.#gpu, Math.ceil(alike.length / pullback.chains), submit, { signal });
    }
  }

  destroy(): void {
    this.#twirled.destroy();
    void this.#pullback?.then(
      (made) => made.destroy(),
      () => undefined,
    );
  }

  /** The copies of a chain's samples, with what follows for their endpoints from slopes by its twisted predictions. */
  #posed(place: number, slopes: Float64Array): (PosedChain & { readonly cotangent: Float64Array })[] {
    let from = 0;
    return rotationsOf(this.#options.under, place).flatMap((rotation) =>
      this.#samples.get(place)!.map(({ sample, previous, scale }) => {
        const own = slopes.subarray(from, (from += 3 * sample.residues));
        const cotangent = rotatePoints(
          rotation,
          own.map((value) => value * scale),
        );
        return { sample, previous, rotations: [rotation], cotangent };
      }),
    );
  }

  /** With as many chains at once as fill a replay, or as fit. */
  #pullbackPlan(): Promise<FlowPullback> {
    const { config, store, chunk, chosen, under } = this.#options;
    const side = chainSide(config, config.crop);
    const wanted = chunk ?? Math.max(1, Math.floor(REPLAY_TOKENS / side));
    this.#pullback ??= asManyAsFit(this.#gpu, Math.min(wanted, chosen.length * under.rotations), (chains) =>
      FlowPullback.create(this.#gpu, { config, store, chains, places: config.crop }),
    );
    return this.#pullback;
  }
}

function beyond({ sample: { x }, scale }: ToldSample, endpoints: Float64Array): Float64Array {
  return endpoints.map((value, at) => scale * (value - x[at]!));
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
