import { requireFunction, requireGpu, requireObject } from "../../check.ts";
import { parameterScales, RELATIVE_STEP, relativeLength } from "../../analysis/differenceStep.ts";
import type { LossTerms, Term, TermsOptions, WeightSlot } from "../../analysis/lossTerms.ts";
import { plus } from "../../analysis/vectors.ts";
import { throwIfAborted } from "../../analysis/abort.ts";
import { requireCurvature } from "../../analysis/requireTerms.ts";
import { squaredError, type Loss } from "../../equivariance/losses.ts";
import { exactSums, sampleTerms } from "../../equivariance/sampleTerms.ts";
import type { SampleSums, Sampling } from "../../equivariance/estimators.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import { ParameterStore } from "../../graph/parameters.ts";
import { Plan } from "../../graph/plan.ts";
import type { ModelParameter } from "../../models/parameter.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { placesOf, requirePlaces } from "../places.ts";
import { replayEach } from "../replayEach.ts";
import { gaussNewtonGraph, gradientGraph, type TermsGraph, type VoxelNetwork } from "./termsGraph.ts";
import { isSquared, requireTermLoss, termWeights } from "../termLoss.ts";
import { Turns } from "../turns.ts";
import { clearGradients, readVector, weightSlots, writeVector } from "../weightVector.ts";
import { sampleCount, type GridSamples, type MoleculeSamples, type TwirlOptions } from "./twirledSamples.ts";
import { VoxelEvaluator } from "./voxelEvaluator.ts";

/** Samples, rotations and network whose terms are taken. */
export type VoxelTermsOptions = Omit<TwirlOptions, "precision"> &
  (MoleculeSamples | GridSamples) & {
    /** Places of the samples among those given, in the order in which they are counted here; all by default. */
    readonly chosen?: Uint32Array;
    readonly parameters: readonly ModelParameter[];
    readonly network: VoxelNetwork;
    /** Writes the model's weights. */
    readonly load: (store: ParameterStore) => void;
    /** The squared error by default; the absolute error and Huber's need all rotations. */
    readonly loss?: Loss;
    /** Rotations predicted in one batch at most; without it as many as fit. */
    readonly chunk?: number;
  };

/** A plan that adds to the gradients, and what it is given before a replay. */
interface Ready extends TermsGraph {
  readonly plan: Plan;
}

/**
 * The terms of a voxel denoiser's loss under the rotations of the cube as functions of its weights, in f32 on the GPU:
 * samples, poses and noise are those of `VoxelEvaluator`. Calls take their turn.
 */
export class VoxelTerms implements LossTerms {
  readonly layout: readonly WeightSlot[];
  readonly weights: Float64Array;
  readonly samples: number;
  readonly sampling: Sampling;
  readonly loss: Loss;
  readonly #gpu: Gpu;
  readonly #options: VoxelTermsOptions;
  readonly #chosen: Uint32Array;
  readonly #store: ParameterStore;
  readonly #evaluator: VoxelEvaluator;
  /** f32 [2], which term. */
  readonly #term: BufferView;
  readonly #clear: Plan;
  readonly #stores: ParameterStore[];
  readonly #owned: BufferView[];
  readonly #plans: Plan[];
  readonly #turns = new Turns();
  #gradient: Promise<Ready> | undefined;
  #gaussNewton: Promise<Ready> | undefined;

  private constructor(
    gpu: Gpu,
    options: VoxelTermsOptions,
    made: Pick<VoxelTerms, "layout" | "weights"> & {
      readonly store: ParameterStore;
      readonly evaluator: VoxelEvaluator;
      readonly term: BufferView;
      readonly clear: Plan;
    },
  ) {
    const { chosen, twirl, grid, channels, loss = squaredError } = options;
    this.#gpu = gpu;
    this.#options = options;
    this.#chosen = chosen ?? Uint32Array.from({ length: sampleCount(options) }, (_, i) => i);
    this.samples = this.#chosen.length;
    this.sampling = { rotations: twirl, elements: grid ** 3 * channels, groupOrder: OCTAHEDRAL_ORDER };
    this.loss = loss;
    this.layout = made.layout;
    this.weights = made.weights;
    this.#store = made.store;
    this.#evaluator = made.evaluator;
    this.#clear = made.clear;
    this.#term = made.term;
    this.#stores = [made.store];
    this.#owned = [this.#term];
    this.#plans = [made.clear];
  }

  /**
   * Plans for gradients are made when they are first asked for, and may then find that they do not fit.
   *
   * @throws VoxtwirlError "bad-option", and as `VoxelEvaluator.create`, and what `load` throws
   */
  static async create(gpu: Gpu, options: VoxelTermsOptions): Promise<VoxelTerms> {
    requireGpu(gpu);
    requireObject("options", options, "Give samples, grid, channels, twirl, seed, parameters, network and load.");
    const { parameters, load, network, loss = squaredError } = options;
    requireTermLoss(loss, options.twirl);
    for (const [name, value] of Object.entries({ load, network })) requireFunction(name, value, "Give a function.");
    const store = new ParameterStore(gpu, parameters, ["weights", "grads"]);
    let evaluator: VoxelEvaluator | undefined;
    let term: BufferView | undefined;
    try {
      if (options.chosen) requirePlaces("chosen", options.chosen, sampleCount(options));
      load(store);
      // The loss of the mean prediction and of each one is taken on the host, but for the squared error.
      const evaluated = isSquared(loss) ? options : { ...options, keepPredictions: true };
      evaluator = await VoxelEvaluator.create(gpu, evaluated, (graph, x) =>
        network(graph, x, store.bind(graph, { constants: "weights" })),
      );
      const layout = weightSlots(parameters);
      const weights = await readVector(store, layout, "weights");
      term = gpu.upload("term", new Float32Array(2));
      const clear = await clearGradients(gpu, store);
      return new VoxelTerms(gpu, options, { layout, weights, store, evaluator, term, clear });
    } catch (error) {
      if (term) gpu.destroyBuffer(term.buffer);
      evaluator?.destroy();
      store.destroy();
      throw error;
    }
  }

  sums(weights: Float64Array, options: TermsOptions = {}): Promise<SampleSums[]> {
    return this.#turns.take(() => {
      writeVector(this.#store, this.layout, weights);
      const places = placesOf(this.#chosen, options);
      return isSquared(this.loss) ? this.#evaluator.sums(places, options) : this.#lossSums(places, options);
    });
  }

  async #lossSums(places: Uint32Array, { signal }: TermsOptions): Promise<SampleSums[]> {
    const rotations = OCTAHEDRAL_ORDER;
    const sums: SampleSums[] = [];
    for (const place of places) {
      throwIfAborted(signal);
      const { predictions: each, clean: target } = await this.#evaluator.twisted(place);
      const predictions = new Float32Array(rotations * target.length);
      each.forEach((values, i) => predictions.set(values, i * target.length));
      const sample = { predictions, target, rotations, groupOrder: rotations };
      sums.push(exactSums(sampleTerms(this.loss, sample, place), rotations));
    }
    return sums;
  }

  gradient(term: Term, weights: Float64Array, options: TermsOptions = {}): Promise<Float64Array> {
    return this.#turns.take(async () => {
      const ready = await this.#gradientPlan();
      writeVector(this.#store, this.layout, weights);
      return this.#accumulate(ready, term, options, 1);
    });
  }

  /** The outputs' derivative along the direction is taken by a central difference, with the step of `hessian`. */
  gaussNewtonProduct(
    term: Term,
    weights: Float64Array,
    direction: Float64Array,
    options: TermsOptions = {},
  ): Promise<Float64Array> {
    return this.#turns.take(() => this.#gaussNewtonProduct(term, weights, direction, options));
  }

  async #gaussNewtonProduct(
    term: Term,
    weights: Float64Array,
    direction: Float64Array,
    options: TermsOptions,
  ): Promise<Float64Array> {
    requireCurvature("gaussNewton", this);
    const length = relativeLength(this.layout, parameterScales(this.layout, weights), direction);
    if (length === 0) return new Float64Array(weights.length);
    const ready = await this.#gaussNewtonPlan();
    const h = RELATIVE_STEP / length;
    const [store, ahead, behind] = this.#stores as [ParameterStore, ParameterStore, ParameterStore];
    writeVector(store, this.layout, weights);
    writeVector(ahead, this.layout, plus(weights, h, direction));
    writeVector(behind, this.layout, plus(weights, -h, direction));
    return this.#accumulate(ready, term, options, 1 / (2 * h));
  }

  /** Frees all that was made. */
  destroy(): void {
    for (const plan of this.#plans) plan.destroy();
    this.#evaluator.destroy();
    for (const store of this.#stores) store.destroy();
    for (const { buffer } of this.#owned) this.#gpu.destroyBuffer(buffer);
  }

  /** Adds up the samples' gradients and reads the sum, which is their mean by its scale. */
  async #accumulate(ready: Ready, term: Term, options: TermsOptions, factor: number): Promise<Float64Array> {
    const places = placesOf(this.#chosen, options);
    const scale = factor / (places.length * this.sampling.elements);
    this.#gpu.write(
      this.#term,
      Float32Array.from(termWeights(term, this.sampling, this.loss), (value) => value * scale),
    );
    this.#clear.run();
    const submit = (i: number) => {
      ready.samples.prepare(places[i]!);
      ready.plan.run();
    };
    await replayEach(this.#gpu, places.length, submit, options);
    return readVector(this.#store, this.layout, "grads");
  }

  #gradientPlan(): Promise<Ready> {
    this.#gradient ??= this.#plan("gradient", (of) => gradientGraph(of));
    return this.#gradient;
  }

  #gaussNewtonPlan(): Promise<Ready> {
    this.#gaussNewton ??= (async () => {
      const beside = [0, 1].map(() => {
        const store = new ParameterStore(this.#gpu, this.#options.parameters, ["weights"]);
        this.#stores.push(store);
        this.#options.load(store);
        return store;
      });
      return this.#plan("Gauss-Newton", (of) => gaussNewtonGraph(of, beside[0]!, beside[1]!));
    })();
    return this.#gaussNewton;
  }

  #plan(label: string, graphOf: (of: Parameters<typeof gradientGraph>[0]) => TermsGraph): Promise<Ready> {
    const { twirl, network, chunk: most = twirl } = this.#options;
    return asManyAsFit(this.#gpu, Math.min(most, twirl), async (chunk, made) => {
      const [gpu, options, store, weights] = [this.#gpu, this.#options, this.#store, this.#term];
      const loss = requireTermLoss(this.loss, twirl);
      const built = graphOf({ ...{ gpu, options, network, store, weights, loss, chunk }, owned: made.owned });
      const plan = await Plan.create(gpu, built.graph, { label });
      this.#plans.push(plan);
      this.#owned.push(...made.owned);
      return { ...built, plan };
    });
  }
}
