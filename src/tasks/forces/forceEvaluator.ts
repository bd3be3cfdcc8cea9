import { requireObject } from "../../check.ts";
import type { Rotation } from "../../equivariance/groups.ts";
import { VoxtwirlError } from "../../errors.ts";
import type { Gpu } from "../../gpu/gpu.ts";
import type { Graph, Precision } from "../../graph/graph.ts";
import type { Plan } from "../../graph/plan.ts";
import type { AbortSignal } from "../../hostTypes.ts";
import type { ParameterOf } from "../../models/escaip.ts";
import type { EscaipConfig } from "../../models/escaipLayout.ts";
import type { EvalRow } from "../../training/metrics.ts";
import type { TaskEvaluator } from "../../training/task.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { requireRotated, rotationsOf, type SampleRotations } from "../sampleRotations.ts";
import { ForcePass, rotatedBack, type PosedPrediction } from "./forcePass.ts";
import { ForceTally, type ElementResult, type StructureResult } from "./forceTally.ts";
import type { PackedStructures } from "./packStructures.ts";
import type { PosedStructure } from "./posedCopies.ts";

/** What is evaluated, and how. */
export interface ForceEvaluatorOptions extends SampleRotations {
  readonly config: EscaipConfig;
  readonly structures: PackedStructures;
  readonly precision: Precision;
  /** Binds the weights to a graph. */
  readonly parameters: (graph: Graph) => ParameterOf;
  /** Rotations predicted at once at most; as many as fill a replay by default. */
  readonly chunk?: number | undefined;
}

/** Atoms of a replay: enough for all cores of a small machine. */
export const REPLAY_ATOMS = 448;

/** Forces of the structure at a place, [n, 3], in eV/Angstrom. */
export function targetOf({ offsets, forces, scales }: PackedStructures, index: number): Float64Array {
  const from = offsets[index]!;
  return Float64Array.from({ length: 3 * (offsets[index + 1]! - from) }, (_, at) => {
    return forces[4 * (from + Math.floor(at / 3)) + (at % 3)]! * scales.forceScale;
  });
}

/** Predicts structures under rotations. */
export class ForceEvaluator implements TaskEvaluator {
  readonly #pass: ForcePass;
  readonly #options: ForceEvaluatorOptions;
  #last: ForceTally | undefined;

  private constructor(pass: ForcePass, options: ForceEvaluatorOptions) {
    this.#pass = pass;
    this.#options = options;
  }

  /** @throws VoxtwirlError "no-data", "bad-option", "too-large" or "out-of-memory" where not even one rotation fits */
  static async create(gpu: Gpu, options: ForceEvaluatorOptions): Promise<ForceEvaluator> {
    requireObject("options", options, "Give { config, structures, group, rotations, seed, precision, parameters }.");
    const { structures, rotations, chunk } = options;
    requireRotated(options, structures.count);
    const each = rotations + 1;
    const wanted = each * Math.max(1, Math.floor(REPLAY_ATOMS / (each * structures.places)));
    return asManyAsFit(gpu, Math.min(chunk ?? wanted, each * structures.count), async (copies) => {
      return new ForceEvaluator(await ForcePass.create(gpu, { ...options, copies }), options);
    });
  }

  /** One replay: some structures under their rotations. */
  get plan(): Plan {
    return this.#pass.plan;
  }

  /** Writes what structure `index` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(index: number): void {
    this.#pass.prepare(this.#posed(index).slice(0, this.#pass.copies));
  }

  /**
   * @throws VoxtwirlError "aborted" when the signal is; "not-finite" where a prediction is not
   */
  async evaluate(signal?: AbortSignal): Promise<Omit<EvalRow, "type" | "step" | "seconds">> {
    const { structures } = this.#options;
    const tally = new ForceTally(this.#options);
    for await (const result of this.results(
      Uint32Array.from({ length: structures.count }, (_, i) => i),
      signal,
    )) {
      tally.add(result);
    }
    this.#last = tally;
    return tally.row();
  }

  /** Of the last evaluation that came to its end, by element; evaluates where there was none. */
  async byElement(): Promise<ElementResult[]> {
    if (!this.#last) await this.evaluate();
    return this.#last!.byElement();
  }

  /** Structures one after another, by their places. */
  async *results(places: Uint32Array, signal?: AbortSignal): AsyncGenerator<StructureResult> {
    const { copies } = this.#pass;
    const waiting: { index: number; posed: PosedStructure[] }[] = [];
    const each = this.#options.rotations + 1;
    for (let from = 0; from < places.length;) {
      if (signal?.aborted) throw new VoxtwirlError("aborted", "the evaluation was stopped", "Start it again.");
      const some = Array.from(places.subarray(from, from + Math.max(1, Math.floor(copies / each))));
      waiting.length = 0;
      waiting.push(...some.map((index) => ({ index, posed: this.#posed(index) })));
      const all = waiting.flatMap(({ posed }) => posed);
      const predicted: PosedPrediction[] = [];
      const closed: StructureResult["closed"][] = [];
      for (let at = 0; at < all.length; at += copies) {
        const part = all.slice(at, at + copies);
        predicted.push(...(await this.#pass.predict(part)));
        // The first copy of each structure stands as it lies.
        const first = part.flatMap((_, i) => ((at + i) % each === 0 ? [i] : []));
        closed.push(...(await this.#pass.closedForms(part, first)));
      }
      for (const [i, { index, posed }] of waiting.entries()) {
        yield this.#result(index, posed, predicted.slice(i * each, (i + 1) * each), closed[i]!);
      }
      from += some.length;
    }
  }

  /** As it lies first, then under its rotations. */
  #posed(index: number): PosedStructure[] {
    return [IDENTITY, ...rotationsOf(this.#options, index)].map((rotation) => ({ index, rotation }));
  }

  #result(
    index: number,
    posed: readonly PosedStructure[],
    predicted: readonly PosedPrediction[],
    { mean, equiv }: StructureResult["closed"],
  ): StructureResult {
    const { structures } = this.#options;
    const { offsets, energies, scales } = structures;
    const atoms = offsets[index + 1]! - offsets[index]!;
    const { forceScale, energyScale } = scales;
    const twisted = predicted.slice(1);
    const predictions = new Float64Array(twisted.length * 3 * atoms);
    twisted.forEach((one, k) => {
      const back = rotatedBack(posed[k + 1]!.rotation, one.forces);
      for (let at = 0; at < 3 * atoms; at++) predictions[k * 3 * atoms + at] = back[at]! * forceScale;
    });
    return {
      atoms,
      elements: Uint8Array.from({ length: atoms }, (_, i) => structures.atoms[4 * (offsets[index]! + i) + 3]!),
      rotations: posed.slice(1).map(({ rotation }) => rotation),
      predictions,
      target: targetOf(structures, index),
      energies: Float64Array.from(twisted, ({ energy }) => energy * energyScale),
      energyTarget: energies[index]! * energyScale,
      closed: { mean: mean.map((value) => value * forceScale), equiv: equiv * forceScale ** 2 },
    };
  }

  /** Frees all that was made. */
  destroy(): void {
    this.#pass.destroy();
  }
}

const IDENTITY: Rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
