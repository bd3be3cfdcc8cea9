import { throwIfAborted } from "../../analysis/abort.ts";
import { parameterScales, RELATIVE_STEP, relativeLength } from "../../analysis/differenceStep.ts";
import type { Term, TermsOptions, WeightSlot } from "../../analysis/lossTerms.ts";
import { requireCurvature } from "../../analysis/requireTerms.ts";
import { plus } from "../../analysis/vectors.ts";
import { requireGpu, requireObject } from "../../check.ts";
import type { SampleSums, Sampling } from "../../equivariance/estimators.ts";
import { rotatePoints } from "../../equivariance/groups.ts";
import { squaredError, type Loss } from "../../equivariance/losses.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import { exactSums, sampleTerms, squaredSums } from "../../equivariance/sampleTerms.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import { ParameterStore } from "../../graph/parameters.ts";
import type { Plan } from "../../graph/plan.ts";
import { escaipParameters } from "../../models/escaipLayout.ts";
import { loadModel } from "../../training/checkpoint.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { ModelTerms } from "../../training/task.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { placesOf, requirePlaces } from "../places.ts";
import { replayEach } from "../replayEach.ts";
import { isSquared, requireTermLoss, termWeights } from "../termLoss.ts";
import { Turns } from "../turns.ts";
import { clearGradients, readVector, weightSlots, writeVector } from "../weightVector.ts";
import { requireRotated, rotationsOf, type SampleRotations } from "../sampleRotations.ts";
import { REPLAY_ATOMS, targetOf } from "./forceEvaluator.ts";
import { forceModelFile } from "./forceModelFile.ts";
import { ForcePass, rotatedBack } from "./forcePass.ts";
import { ForcePullback } from "./forcePullback.ts";
import type { PackedStructures } from "./packStructures.ts";
import type { PosedStructure } from "./posedCopies.ts";
import { twirlSlopes } from "./twirlSlopes.ts";

/** Whose terms are taken, and on what. */
export interface ForceTermsOptions {
  /** The bytes of a model.safetensors that `voxtwirl train` wrote, or what `readModelFile` made of them. */
  readonly model: Uint8Array | ModelFile;
  /** Structures: `forces.open(...).heldout`, or `packed` of `forces.pack(...)`. */
  readonly data: PackedStructures;
  /** Places of the structures that the losses are means over; all by default. */
  readonly chosen?: Uint32Array;
  /** Rotations of the cube of each structure; all 24 by default. */
  readonly rotations?: number;
  /** Of the forces' components in eV/Angstrom: the squared error by default; others need all rotations. */
  readonly loss?: Loss;
  /** Drawn rotations follow from it and the structure's place; the run's by default. */
  readonly seed?: number;
  /** Copies of structures predicted at once at most; as many as fill a replay by default. */
  readonly chunk?: number;
}

/**
 * The loss of a force field's forces and its terms as functions of the weights, in (eV/Angstrom)^2 per component, on
 * structures under rotations as in the evaluations of a run with this seed: for `termGradients` and `landscape`.
 *
 * @throws VoxtwirlError "bad-file" when the model is none, "bad-option" for places, rotations or a loss that cannot be,
 *   "too-large" or "out-of-memory" where not even one copy fits
 */
export async function forceTerms(gpu: Gpu, options: ForceTermsOptions): Promise<ModelTerms> {
  requireGpu(gpu);
  requireObject("options", options, "Give { model, data }.");
  const { data, rotations = OCTAHEDRAL_ORDER, loss = squaredError } = options;
  requireObject("data", data, "Give packed structures: forces.open(frames, config).heldout.");
  const model = forceModelFile(options.model);
  const under = { group: "octahedral", rotations, seed: options.seed ?? model.config.training.seed } as const;
  requireRotated(under, data.count);
  requireTermLoss(loss, rotations);
  const chosen = options.chosen ?? Uint32Array.from({ length: data.count }, (_, i) => i);
  requirePlaces("chosen", chosen, data.count);
  const parameters = escaipParameters(model.config.training);
  const store = new ParameterStore(gpu, parameters, ["weights", "grads"]);
  try {
    loadModel(store, parameters, model.file, model.path);
    return await ForceTerms.create(gpu, { ...options, model, chosen, under, loss, store });
  } catch (error) {
    store.destroy();
    throw error;
  }
}

/** Options that are checked and complete. */
interface Checked extends Omit<ForceTermsOptions, "rotations" | "seed"> {
  readonly model: ReturnType<typeof forceModelFile>;
  readonly chosen: Uint32Array;
  readonly under: SampleRotations;
  readonly loss: Loss;
  /** With the model's weights; destroyed with the terms. */
  readonly store: ParameterStore;
}

/**
 * Predictions of all rotations come first, because their mean is in the gradient of each; they are rotated back,
 * averaged and compared on the host in float64, and what follows for each copy goes backwards through the network.
 */
class ForceTerms implements ModelTerms {
  readonly layout: readonly WeightSlot[];
  readonly weights: Float64Array;
  readonly samples: number;
  readonly sampling: Sampling;
  readonly loss: Loss;
  readonly #gpu: Gpu;
  readonly #options: Checked;
  readonly #forward: ForcePass;
  readonly #clear: Plan;
  readonly #turns = new Turns();
  #pullback: Promise<ForcePullback> | undefined;

  private constructor(
    gpu: Gpu,
    options: Checked,
    made: Pick<ForceTerms, "layout" | "weights"> & { readonly forward: ForcePass; readonly clear: Plan },
  ) {
    const { chosen, data, under, loss } = options;
    const atoms = chosen.reduce((sum, place) => sum + data.offsets[place + 1]! - data.offsets[place]!, 0);
    this.#gpu = gpu;
    this.#options = options;
    this.samples = chosen.length;
    this.sampling = {
      rotations: under.rotations,
      elements: (3 * atoms) / chosen.length,
      groupOrder: OCTAHEDRAL_ORDER,
    };
    this.loss = loss;
    this.layout = made.layout;
    this.weights = made.weights;
    this.#forward = made.forward;
    this.#clear = made.clear;
  }

  static async create(gpu: Gpu, options: Checked): Promise<ForceTerms> {
    const { model, store } = options;
    const layout = weightSlots(escaipParameters(model.config.training));
    const weights = await readVector(store, layout, "weights");
    const forward = await manyCopies(gpu, options, (given) =>
      ForcePass.create(gpu, { ...given, parameters: (graph) => store.bind(graph, { constants: "weights" }) }),
    );
    try {
      const clear = await clearGradients(gpu, store);
      return new ForceTerms(gpu, options, { layout, weights, forward, clear });
    } catch (error) {
      forward.destroy();
      throw error;
    }
  }

  sums(weights: Float64Array, options: TermsOptions = {}): Promise<SampleSums[]> {
    return this.#turns.take(async () => {
      const places = placesOf(this.#options.chosen, options);
      const twisted = await this.#twisted(weights, places, options);
      const { rotations } = this.sampling;
      return twisted.map((predictions, i) => {
        const sample = { predictions, target: targetOf(this.#options.data, places[i]!), rotations };
        if (isSquared(this.loss)) return squaredSums(sample);
        return exactSums(sampleTerms(this.loss, { ...sample, groupOrder: rotations }, places[i]!), rotations);
      });
    });
  }

  gradient(term: Term, weights: Float64Array, options: TermsOptions = {}): Promise<Float64Array> {
    return this.#turns.take(async () => {
      const places = placesOf(this.#options.chosen, options);
      const twisted = await this.#twisted(weights, places, options);
      const factors = termWeights(term, this.sampling, this.loss);
      const slopes = twisted.map((predictions, i) =>
        twirlSlopes({ predictions, target: targetOf(this.#options.data, places[i]!), loss: this.loss, factors }),
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
      const places = placesOf(this.#options.chosen, options);
      const ahead = await this.#twisted(plus(weights, h, direction), places, options);
      const behind = await this.#twisted(plus(weights, -h, direction), places, options);
      const factors = termWeights(term, this.sampling, this.loss);
      const slopes = ahead.map((one, i) => {
        const predictions = one.map((value, at) => value - behind[i]![at]!);
        const target = new Float64Array(predictions.length / this.sampling.rotations);
        return twirlSlopes({ predictions, target, loss: this.loss, factors });
      });
      writeVector(this.#options.store, this.layout, weights);
      return this.#pulledBack(places, slopes, 1 / (2 * h), options);
    });
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#forward.destroy();
    void this.#pullback?.then(
      (made) => made.destroy(),
      () => undefined,
    );
    this.#clear.destroy();
    this.#options.store.destroy();
  }

  #posed(places: Uint32Array): PosedStructure[] {
    return Array.from(places).flatMap((index) =>
      rotationsOf(this.#options.under, index).map((rotation) => ({ index, rotation })),
    );
  }

  /** T^-1 f(T x) of each structure, [N, n, 3], in eV/Angstrom, at weights that stay in the store. */
  async #twisted(weights: Float64Array, places: Uint32Array, { signal }: TermsOptions): Promise<Float64Array[]> {
    const { store, data, under } = this.#options;
    writeVector(store, this.layout, weights);
    const posed = this.#posed(places);
    const { copies } = this.#forward;
    const { forceScale } = data.scales;
    const back: Float64Array[] = [];
    for (let at = 0; at < posed.length; at += copies) {
      throwIfAborted(signal);
      const part = posed.slice(at, at + copies);
      const predicted = await this.#forward.predict(part);
      predicted.forEach(({ forces }, i) => {
        back.push(Float64Array.from(rotatedBack(part[i]!.rotation, forces), (value) => value * forceScale));
      });
    }
    return Array.from(places, (_, i) => joined(back.slice(i * under.rotations, (i + 1) * under.rotations)));
  }

  /** The gradient whose slopes by twisted predictions are these, as a mean over places and components. */
  async #pulledBack(places: Uint32Array, slopes: readonly Float64Array[], factor: number, { signal }: TermsOptions) {
    const { data, store, under } = this.#options;
    const scale = (factor * data.scales.forceScale) / (places.length * this.sampling.elements);
    const posed = this.#posed(places);
    const pullback = await this.#pullbackPlan();
    const { copies } = pullback;
    const cotangent = ({ rotation }: PosedStructure, at: number) => {
      const all = slopes[Math.floor(at / under.rotations)]!;
      const size = all.length / under.rotations;
      const from = (at % under.rotations) * size;
      return rotatePoints(
        rotation,
        all.subarray(from, from + size).map((value) => value * scale),
      );
    };
    this.#clear.run();
    const submit = (replay: number) => {
      const at = replay * copies;
      const part = posed.slice(at, at + copies);
      pullback.submit(
        part,
        part.map((one, i) => cotangent(one, at + i)),
      );
    };
    await replayEach(this.#gpu, Math.ceil(posed.length / copies), submit, { signal });
    return readVector(store, this.layout, "grads");
  }

  #pullbackPlan(): Promise<ForcePullback> {
    const { store } = this.#options;
    this.#pullback ??= manyCopies(this.#gpu, this.#options, (given) =>
      ForcePullback.create(this.#gpu, { ...given, store }),
    );
    return this.#pullback;
  }
}

/** With as many copies at once as fill a replay, or as fit. */
function manyCopies<T>(
  gpu: Gpu,
  { model, data: structures, chosen, under, chunk }: Checked,
  make: (given: Omit<Parameters<typeof ForcePullback.create>[1], "store">) => Promise<T>,
): Promise<T> {
  const config = model.config.training;
  const wanted = chunk ?? Math.max(1, Math.floor(REPLAY_ATOMS / structures.places));
  return asManyAsFit(gpu, Math.min(wanted, chosen.length * under.rotations), (copies) =>
    make({ config, precision: "f32", structures, copies }),
  );
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const each = parts[0]!.length;
  const all = new Float64Array(parts.length * each);
  parts.forEach((part, i) => all.set(part, i * each));
  return all;
}
