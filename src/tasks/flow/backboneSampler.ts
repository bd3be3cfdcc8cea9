import { requireMethod } from "../../check.ts";
import { VoxtwirlError } from "../../errors.ts";
import { makeChain, type Chain } from "../../proteins/chain.ts";
import { ANGSTROM_PER_NM } from "../../proteins/packing.ts";
import { replayEach, type ReplayOptions } from "../replayEach.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { FlowModel } from "./flowModel.ts";
import { flowModelFile } from "./flowModelFile.ts";
import { FlowPaths, type PathState } from "./flowPaths.ts";
import { NetField } from "./netField.ts";
import {
  samplingBatches,
  samplingPlan,
  type SamplingBatch,
  type SamplingOptions,
  type SamplingPlan,
} from "./samplingPlan.ts";
import { samplingTimes } from "./samplingSchedule.ts";

/** Chains on their way: those of a batch, after some steps. */
export interface BatchState extends PathState {
  /** Their places in the plan. */
  readonly numbers: readonly number[];
  /** Steps done. */
  readonly step: number;
}

/** How far a sampling is: what it takes to go on later, to the same bits. */
export interface SamplingState {
  /** Of the chains that are done by their places in the plan, f32 [n, 3] in nanometres. */
  readonly done: ReadonlyMap<number, Float32Array>;
  readonly hand?: BatchState | undefined;
}

/** Who may stop a sampling, and who is told how far it is. */
export interface SamplingRunOptions extends ReplayOptions {
  /** Called when the chains of a batch are done. */
  readonly onBatch?: (() => Promise<void>) | undefined;
}

/**
 * Makes C-alpha backbones of noise with a flow-matching model, and can be stopped and gone on with in between.
 *
 * ```ts
 * const sampler = new BackboneSampler(model, { count: 8, lengths: [64] });
 * await sampler.run();
 * encodePdb(sampler.chains());
 * ```
 */
export class BackboneSampler {
  /** What is made. */
  readonly plan: SamplingPlan;
  readonly #model: FlowModel;
  readonly #batches: readonly SamplingBatch[];
  readonly #done: Map<number, Float32Array>;
  #hand: BatchState | undefined;

  /**
   * @param state of a sampling with the same options, to go on from
   * @throws VoxtwirlError "bad-option" naming the first option that cannot work
   */
  constructor(model: FlowModel, options: SamplingOptions = {}, state?: SamplingState) {
    requireMethod("model", model, "parameters", "Give a FlowModel: await FlowModel.load(gpu, bytes).");
    this.plan = samplingPlan(options, model.config.crop);
    this.#model = model;
    this.#batches = samplingBatches(this.plan);
    this.#done = new Map(state?.done);
    this.#hand = state?.hand;
  }

  /** How far it is. */
  get state(): SamplingState {
    return { done: this.#done, hand: this.#hand };
  }

  /**
   * Makes what is not done yet.
   *
   * @throws VoxtwirlError "aborted" when the signal is, with `state` to go on from; "not-finite" where chains blow up,
   *   "too-large" or "out-of-memory" where a batch does not fit, "destroyed"
   */
  async run({ signal, onProgress, onBatch }: SamplingRunOptions = {}): Promise<void> {
    const { steps } = this.plan;
    const total = steps * this.#batches.length;
    let ready: Ready | undefined;
    try {
      for (const [i, batch] of this.#batches.entries()) {
        if (batch.numbers.every((number) => this.#done.has(number))) continue;
        if (ready?.places !== batch.places) {
          ready?.destroy();
          ready = await this.#prepare(batch);
        }
        await this.#runBatch(ready, batch, {
          signal,
          onProgress: (done) => onProgress?.(i * steps + done, total),
        });
        await onBatch?.();
      }
    } finally {
      ready?.destroy();
    }
  }

  /** The chains that are done, in their order, in Angstrom; all residues are GLY. */
  chains(): Chain[] {
    const numbers = [...this.#done.keys()].sort((a, b) => a - b);
    return numbers.map((number) => {
      const positions = Float64Array.from(this.#done.get(number)!, (value) => value * ANGSTROM_PER_NM);
      return makeChain({ entry: `sample-${number + 1}`, positions });
    });
  }

  async #prepare({ places, chains }: SamplingBatch): Promise<Ready> {
    const { gpu, config, precision } = this.#model;
    const parameters = (graph: Parameters<FlowModel["parameters"]>[0]) => this.#model.parameters(graph);
    const field = new NetField(gpu, { config, parameters, chains, places });
    try {
      const { seed, eta } = this.plan;
      const paths = await FlowPaths.create(gpu, { chains, side: field.side, field, precision, seed, eta });
      return new Ready(places, field, paths);
    } catch (error) {
      field.destroy();
      throw error;
    }
  }

  async #runBatch({ field, paths }: Ready, { numbers, chains }: SamplingBatch, options: ReplayOptions): Promise<void> {
    const { lengths, steps } = this.plan;
    // Left-over places get the first chain again.
    const placed = Array.from({ length: chains }, (_, at) => numbers[at] ?? numbers[0]!);
    const residues = field.place(placed.map((number) => lengths[number]!));
    const hand = this.#hand?.numbers.join() === numbers.join() ? this.#hand : undefined;
    if (hand) paths.resume(placed, residues, hand);
    else paths.start(placed, residues);
    const times = samplingTimes(steps);
    const from = hand?.step ?? 0;
    let step = from;
    try {
      await replayEach(
        this.#model.gpu,
        steps - from,
        (i) => {
          step = from + i;
          paths.step({ index: step, t: times[step]!, next: times[step + 1]! });
          step++;
        },
        { signal: options.signal, onProgress: (done) => options.onProgress?.(from + done, steps) },
      );
    } catch (error) {
      if (!(options.signal?.aborted && error instanceof VoxtwirlError && error.code === "aborted")) throw error;
      this.#hand = { numbers, step, ...(await paths.read()) };
      const message = `sampling was stopped after ${step} of ${steps} steps`;
      throw new VoxtwirlError("aborted", message, "Start it again; a BackboneSampler goes on from its state.");
    }
    const { x } = await paths.read();
    numbers.forEach((number, at) => {
      const first = 3 * (at * field.side + this.#model.config.registers);
      const positions = x.slice(first, first + 3 * lengths[number]!);
      if (!positions.every((value) => Math.abs(value) < BLOWN_UP)) throw blownUp(number, this.plan);
      this.#done.set(number, positions);
    });
    this.#hand = undefined;
  }
}

/** No chain reaches so far from its middle, in nanometres. */
const BLOWN_UP = 99;

/**
 * What a model's file and options come to, before it is loaded.
 *
 * @throws VoxtwirlError "bad-config" for a model of another task, "bad-option" as `BackboneSampler`
 */
export function plannedSampling(model: ModelFile, options: SamplingOptions): SamplingPlan {
  return samplingPlan(options, flowModelFile(model).config.training.crop);
}

/** What a batch is made with, and others of as many places. */
class Ready {
  readonly places: number;
  readonly field: NetField;
  readonly paths: FlowPaths;

  constructor(places: number, field: NetField, paths: FlowPaths) {
    this.places = places;
    this.field = field;
    this.paths = paths;
  }

  destroy(): void {
    this.paths.destroy();
    this.field.destroy();
  }
}

function blownUp(number: number, { steps, eta }: SamplingPlan): VoxtwirlError {
  const message = `chain ${number + 1} blew up: after ${steps} steps with eta ${eta} it reaches beyond ${BLOWN_UP} nm`;
  const fix = eta > 0 ? "Take more steps, or eta 0." : "Use an earlier checkpoint.";
  return new VoxtwirlError("not-finite", message, fix);
}

/**
 * C-alpha backbones made of noise by a flow-matching model: chains in Angstrom, as `encodePdb` and `chainGeometry` take
 * them. A chain depends on the model, its length, steps, eta, the seed and its place in the list, but on no other
 * chain.
 *
 * ```ts
 * const model = await FlowModel.load(gpu, bytes);
 * const chains = await sampleBackbones(model, { count: 8, lengths: [64], seed: 1 });
 * ```
 *
 * @throws VoxtwirlError "bad-option" naming the first option that cannot work, "aborted" when the signal is,
 *   "not-finite" where chains blow up, "too-large" or "out-of-memory" where a batch does not fit
 */
export async function sampleBackbones(
  model: FlowModel,
  options: SamplingOptions & ReplayOptions = {},
): Promise<Chain[]> {
  const sampler = new BackboneSampler(model, options);
  await sampler.run({ signal: options.signal, onProgress: options.onProgress });
  return sampler.chains();
}
