import { throwIfAborted } from "../../analysis/abort.ts";
import { requireGpu, requireObject } from "../../check.ts";
import { rotatePoints } from "../../equivariance/groups.ts";
import { squaredError, type Loss } from "../../equivariance/losses.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import { escaipParameters, type EscaipConfig } from "../../models/escaipLayout.ts";
import type { ModelFile } from "../../training/modelFile.ts";
import type { ModelTerms } from "../../training/task.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { hostTerms, type TwirledNetwork } from "../hostTerms.ts";
import { requirePlaces } from "../places.ts";
import { replayEach } from "../replayEach.ts";
import { requireRotated, rotationsOf, type SampleRotations } from "../sampleRotations.ts";
import { requireTermLoss } from "../termLoss.ts";
import { REPLAY_ATOMS, targetOf } from "./forceEvaluator.ts";
import { forceModelFile } from "./forceModelFile.ts";
import { ForcePass, rotatedBack } from "./forcePass.ts";
import { ForcePullback } from "./forcePullback.ts";
import type { PackedStructures } from "./packStructures.ts";
import type { PosedStructure } from "./posedCopies.ts";

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
  const config = model.config.training;
  const atoms = chosen.reduce((sum, place) => sum + data.offsets[place + 1]! - data.offsets[place]!, 0);
  return hostTerms(gpu, {
    ...{ model, chosen, loss, parameters: escaipParameters(config) },
    sampling: { rotations, elements: (3 * atoms) / chosen.length, groupOrder: OCTAHEDRAL_ORDER },
    network: (store) => {
      return TwirledForces.create(gpu, { config, data, store, under, samples: chosen.length, chunk: options.chunk });
    },
  });
}

/** What is predicted, and by what. */
interface TwirledForcesOptions {
  readonly config: EscaipConfig;
  readonly data: PackedStructures;
  readonly store: ParameterStore;
  readonly under: SampleRotations;
  /** Structures at most. */
  readonly samples: number;
  readonly chunk: number | undefined;
}

/** Forces under rotations, in eV/Angstrom. */
class TwirledForces implements TwirledNetwork {
  readonly #gpu: Gpu;
  readonly #options: TwirledForcesOptions;
  readonly #forward: ForcePass;
  #pullback: Promise<ForcePullback> | undefined;

  private constructor(gpu: Gpu, options: TwirledForcesOptions, forward: ForcePass) {
    this.#gpu = gpu;
    this.#options = options;
    this.#forward = forward;
  }

  static async create(gpu: Gpu, options: TwirledForcesOptions): Promise<TwirledForces> {
    const parameters: Parameters<typeof ForcePass.create>[1]["parameters"] = (graph) =>
      options.store.bind(graph, { constants: "weights" });
    const forward = await manyCopies(gpu, options, (given) => ForcePass.create(gpu, { ...given, parameters }));
    return new TwirledForces(gpu, options, forward);
  }

  target(place: number): Float64Array {
    return targetOf(this.#options.data, place);
  }

  async twisted(places: Uint32Array, signal?: AbortSignal): Promise<Float64Array[]> {
    const { data, under } = this.#options;
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

  async pullBack(places: Uint32Array, cotangents: readonly Float64Array[], signal?: AbortSignal): Promise<void> {
    const { data, under } = this.#options;
    const { forceScale } = data.scales;
    const posed = this.#posed(places);
    const pullback = await this.#pullbackPlan();
    const { copies } = pullback;
    const cotangent = ({ rotation }: PosedStructure, at: number) => {
      const all = cotangents[Math.floor(at / under.rotations)]!;
      const size = all.length / under.rotations;
      const from = (at % under.rotations) * size;
      return rotatePoints(
        rotation,
        all.subarray(from, from + size).map((value) => value * forceScale),
      );
    };
    const submit = (replay: number) => {
      const at = replay * copies;
      const part = posed.slice(at, at + copies);
      pullback.submit(
        part,
        part.map((one, i) => cotangent(one, at + i)),
      );
    };
    await replayEach(this.#gpu, Math.ceil(posed.length / copies), submit, { signal });
  }

  destroy(): void {
    this.#forward.destroy();
    void this.#pullback?.then(
      (made) => made.destroy(),
      () => undefined,
    );
  }

  #posed(places: Uint32Array): PosedStructure[] {
    return Array.from(places).flatMap((index) =>
      rotationsOf(this.#options.under, index).map((rotation) => ({ index, rotation })),
    );
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
  { config, data: structures, samples, under, chunk }: TwirledForcesOptions,
  make: (given: Omit<Parameters<typeof ForcePullback.create>[1], "store">) => Promise<T>,
): Promise<T> {
  const wanted = chunk ?? Math.max(1, Math.floor(REPLAY_ATOMS / structures.places));
  return asManyAsFit(gpu, Math.min(wanted, samples * under.rotations), (copies) =>
    make({ config, precision: "f32", structures, copies }),
  );
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const each = parts[0]!.length;
  const all = new Float64Array(parts.length * each);
  parts.forEach((part, i) => all.set(part, i * each));
  return all;
}
