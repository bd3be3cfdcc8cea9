import { throwIfAborted } from "../../analysis/abort.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Plan } from "../../graph/plan.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { chainSide } from "./chainSide.ts";
import { FlowPass, type FlowPassOptions } from "./flowPass.ts";
import type { FlowSample } from "./flowSamples.ts";
import type { PosedChain } from "./posedChains.ts";

/** What is predicted, by what, and how much of it at once. */
export interface TwirledChainsOptions extends Omit<FlowPassOptions, "chains" | "copies" | "feature"> {
  /** Of each sample. */
  readonly rotations: number;
  /** Rotations predicted at once at most; as many as fill a replay by default. */
  readonly chunk?: number | undefined;
}

/** Tokens of a replay: enough for all cores of a small machine. */
export const REPLAY_TOKENS = 1536;

/** The rotation of a chain that is not turned. */
export const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1] as const;

/** Predicts samples under rotations, as many at once as go into a replay. */
export class TwirledChains {
  readonly #first: FlowPass;
  readonly #twisted: FlowPass;

  private constructor(first: FlowPass, twisted: FlowPass) {
    this.#first = first;
    this.#twisted = twisted;
  }

  /** @throws VoxtwirlError "too-large" or "out-of-memory" where not even one rotation fits */
  static create(gpu: Gpu, options: TwirledChainsOptions): Promise<TwirledChains> {
    const { config, places, rotations, chunk } = options;
    const side = chainSide(config, places);
    const filled = rotations * Math.max(1, Math.floor(REPLAY_TOKENS / (rotations * side)));
    return asManyAsFit(gpu, chunk ?? filled, async (most) => {
      const copies = Math.min(most, rotations);
      const chains = Math.max(1, Math.floor(most / copies));
      const twisted = await FlowPass.create(gpu, { ...options, chains, copies });
      try {
        return new TwirledChains(await FlowPass.create(gpu, { ...options, chains, copies: 1 }), twisted);
      } catch (error) {
        twisted.destroy();
        throw error;
      }
    });
  }

  /** One replay: some samples under their rotations. */
  get plan(): Plan {
    return this.#twisted.plan;
  }

  /** Samples of a replay. */
  get together(): number {
    return this.#twisted.chains;
  }

  /** Writes a sample, for a replay of `plan` that the caller submits. */
  prepare({ rotations, ...rest }: PosedChain): void {
    this.#twisted.prepare([{ ...rest, rotations: rotations.slice(0, this.#twisted.copies) }]);
  }

  /**
   * The self-conditions of samples, [n, 3] in nm: what the network says of them as they lie; undefined for those that
   * have none.
   *
   * @throws VoxtwirlError "aborted" when the signal is
   */
  async selfConditions(
    samples: readonly FlowSample[],
    signal?: AbortSignal,
  ): Promise<readonly (Float64Array | undefined)[]> {
    const found = new Map<FlowSample, Float64Array>();
    const told = samples.filter(({ selfConditioned }) => selfConditioned);
    for (let at = 0; at < told.length; at += this.together) {
      throwIfAborted(signal);
      const some = told.slice(at, at + this.together);
      const endpoints = await this.#first.predict(some.map((sample) => ({ sample, rotations: [IDENTITY] })));
      some.forEach((sample, i) => found.set(sample, endpoints[i]![0]!));
    }
    return samples.map((sample) => found.get(sample));
  }

  /**
   * Of each sample, for each of its rotations, T^-1 x1_hat(T x), [n, 3] in nm. All have as many rotations.
   *
   * @throws VoxtwirlError "aborted" when the signal is
   */
  async predict(posed: readonly PosedChain[], signal?: AbortSignal): Promise<Float64Array[][]> {
    const endpoints = posed.map(() => [] as Float64Array[]);
    const { copies } = this.#twisted;
    for (const told of [false, true]) {
      const alike = [...posed.keys()].filter((i) => (posed[i]!.previous !== undefined) === told);
      for (let at = 0; at < alike.length; at += this.together) {
        const some = alike.slice(at, at + this.together);
        for (let from = 0; from < posed[some[0]!]!.rotations.length; from += copies) {
          throwIfAborted(signal);
          const turned = some.map((i) => ({ ...posed[i]!, rotations: posed[i]!.rotations.slice(from, from + copies) }));
          (await this.#twisted.predict(turned)).forEach((own, i) => endpoints[some[i]!]!.push(...own));
        }
      }
    }
    return endpoints;
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#first.destroy();
    this.#twisted.destroy();
  }
}
