import { parameterScales, RELATIVE_STEP, relativeLength } from "../analysis/differenceStep.ts";
import type { Term, TermsOptions, WeightSlot } from "../analysis/lossTerms.ts";
import { requireCurvature } from "../analysis/requireTerms.ts";
import { plus } from "../analysis/vectors.ts";
import type { SampleSums, Sampling } from "../equivariance/estimators.ts";
import type { Loss } from "../equivariance/losses.ts";
import { exactSums, sampleTerms, squaredSums } from "../equivariance/sampleTerms.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { ParameterStore } from "../graph/parameters.ts";
import type { Plan } from "../graph/plan.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { ModelParameter } from "../models/parameter.ts";
import { loadModel } from "../training/checkpoint.ts";
import type { ModelFile } from "../training/modelFile.ts";
import type { ModelTerms } from "../training/task.ts";
import { placesOf } from "./places.ts";
import { isSquared, termWeights } from "./termLoss.ts";
import { Turns } from "./turns.ts";
import { twirlSlopes } from "./twirlSlopes.ts";
import { clearGradients, readVector, weightSlots, writeVector } from "./weightVector.ts";

/** A network whose predictions under rotations go to the host, and slopes of them back. */
export interface TwirledNetwork {
  /** What twisted predictions of the sample at a place are compared with. */
  target(place: number): Float64Array;
  /** T^-1 f(T x) of each sample, [N, ...], at the weights that are in the store. */
  twisted(places: Uint32Array, signal?: AbortSignal): Promise<Float64Array[]>;
  /**
   * Adds sum of J^T c to the store's gradients, J being the derivative of the twisted predictions by the weights.
   *
   * @param cotangents c of each sample, [N, ...]
   */
  pullBack(places: Uint32Array, cotangents: readonly Float64Array[], signal?: AbortSignal): Promise<void>;
  destroy(): void;
}

/** Whose terms are taken, and on what. */
export interface HostTermsOptions {
  readonly model: ModelFile;
  readonly parameters: readonly ModelParameter[];
  /** Places of the samples that the losses are means over. */
  readonly chosen: Uint32Array;
  readonly sampling: Sampling;
  readonly loss: Loss;
  /** Made once the store has the model's weights. */
  readonly network: (store: ParameterStore) => Promise<TwirledNetwork>;
}

/** @throws VoxtwirlError "bad-file" for other weights, and as `network`; nothing stays allocated */
export async function hostTerms(gpu: Gpu, options: HostTermsOptions): Promise<ModelTerms> {
  const { model, parameters } = options;
  const store = new ParameterStore(gpu, parameters, ["weights", "grads"]);
  let network: TwirledNetwork | undefined;
  try {
    loadModel(store, parameters, model.file, model.path);
    network = await options.network(store);
    const layout = weightSlots(parameters);
    const weights = await readVector(store, layout, "weights");
    return new HostTerms(options, { layout, weights, store, network, clear: await clearGradients(gpu, store) });
  } catch (error) {
    network?.destroy();
    store.destroy();
    throw error;
  }
}

/** What terms are made of; all is freed with them. */
interface Parts {
  readonly layout: readonly WeightSlot[];
  readonly weights: Float64Array;
  readonly store: ParameterStore;
  readonly network: TwirledNetwork;
  /** Clears the gradients. */
  readonly clear: Plan;
}

/**
 * Predictions of all rotations come first, because their mean is in the gradient of each; they are averaged and
 * compared on the host in float64, and what follows for each goes backwards through the network.
 */
class HostTerms implements ModelTerms {
  readonly layout: readonly WeightSlot[];
  readonly weights: Float64Array;
  readonly samples: number;
  readonly sampling: Sampling;
  readonly loss: Loss;
  readonly #chosen: Uint32Array;
  readonly #parts: Parts;
  readonly #turns = new Turns();

  constructor({ chosen, sampling, loss }: HostTermsOptions, parts: Parts) {
    this.layout = parts.layout;
    this.weights = parts.weights;
    this.samples = chosen.length;
    this.sampling = sampling;
    this.loss = loss;
    this.#chosen = chosen;
    this.#parts = parts;
  }

  sums(weights: Float64Array, options: TermsOptions = {}): Promise<SampleSums[]> {
    return this.#turns.take(async () => {
      const places = placesOf(this.#chosen, options);
      const twisted = await this.#twisted(weights, places, options);
      const { rotations } = this.sampling;
      return twisted.map((predictions, i) => {
        const sample = { predictions, target: this.#parts.network.target(places[i]!), rotations };
        if (isSquared(this.loss)) return squaredSums(sample);
        return exactSums(sampleTerms(this.loss, { ...sample, groupOrder: rotations }, places[i]!), rotations);
      });
    });
  }

  gradient(term: Term, weights: Float64Array, options: TermsOptions = {}): Promise<Float64Array> {
    return this.#turns.take(async () => {
      const places = placesOf(this.#chosen, options);
      const twisted = await this.#twisted(weights, places, options);
      const factors = termWeights(term, this.sampling, this.loss);
      const slopes = twisted.map((predictions, i) =>
        twirlSlopes({ predictions, target: this.#parts.network.target(places[i]!), loss: this.loss, factors }),
      );
      return this.#pulledBack(places, slopes, 1, options);
    });
  }

  /** The outputs' derivative along the direction is taken by a central difference, with the step of `hessian`. */
  gaussNewtonProduct(
    term: Term,
    weights: Float64Array,
    direction: Float64Array,
    options: TermsOptions = {},
  ): Promise<Float64Array> {
    return this.#turns.take(async () => {
      requireCurvature("gaussNewton", this);
      const length = relativeLength(this.layout, parameterScales(this.layout, weights), direction);
      if (length === 0) return new Float64Array(weights.length);
      const h = RELATIVE_STEP / length;
      const places = placesOf(this.#chosen, options);
      const ahead = await this.#twisted(plus(weights, h, direction), places, options);
      const behind = await this.#twisted(plus(weights, -h, direction), places, options);
      const factors = termWeights(term, this.sampling, this.loss);
      const slopes = ahead.map((one, i) => {
        const predictions = one.map((value, at) => value - behind[i]![at]!);
        const target = new Float64Array(predictions.length / this.sampling.rotations);
        return twirlSlopes({ predictions, target, loss: this.loss, factors });
      });
      writeVector(this.#parts.store, this.layout, weights);
      return this.#pulledBack(places, slopes, 1 / (2 * h), options);
    });
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#parts.network.destroy();
    this.#parts.clear.destroy();
    this.#parts.store.destroy();
  }

  /** At weights that stay in the store. */
  #twisted(weights: Float64Array, places: Uint32Array, { signal }: TermsOptions): Promise<Float64Array[]> {
    writeVector(this.#parts.store, this.layout, weights);
    return this.#parts.network.twisted(places, signal);
  }

  /** The gradient whose slopes by twisted predictions are these, as a mean over places and numbers. */
  async #pulledBack(places: Uint32Array, slopes: readonly Float64Array[], factor: number, { signal }: TermsOptions) {
    const { clear, network, store } = this.#parts;
    const scale = factor / (places.length * this.sampling.elements);
    clear.run();
    const cotangents = slopes.map((own) => own.map((value) => value * scale));
    await network.pullBack(places, cotangents, signal);
    return readVector(store, this.layout, "grads");
  }
}
