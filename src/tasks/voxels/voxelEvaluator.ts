import { VoxtwirlError } from "../../errors.ts";
import {
  decomposeSums,
  sampleSums,
  type Decomposition,
  type SampleSums,
  type Sampling,
} from "../../equivariance/estimators.ts";
import { OCTAHEDRAL_ORDER, octahedralInverses, rotateGridOctahedral } from "../../equivariance/octahedral.ts";
import { BufferUsage, type Gpu } from "../../gpu/gpu.ts";
import { Plan } from "../../graph/plan.ts";
import type { AbortSignal, GPUBuffer } from "../../hostTypes.ts";
import { asManyAsFit } from "../asManyAsFit.ts";
import { requirePlaces } from "../places.ts";
import {
  evaluationGraph,
  requireEvaluation,
  type EvaluationGraph,
  type VoxelEvaluatorOptions,
  type VoxelModel,
} from "./evaluationGraph.ts";
import { replayEach, type ReplayOptions } from "../replayEach.ts";
import { sampleCount } from "./twirledSamples.ts";

/** What the held-out loss is made of. */
export interface Evaluation extends Decomposition {
  /** Of each molecule, in order: those of several parts give the whole, `decomposeSums(sums, sampling)`. */
  readonly sums: readonly SampleSums[];
  readonly sampling: Sampling;
  /** Mean of |f_T - y|^2 per voxel and channel summed directly; with `checkTotal` only. */
  readonly twistedTotal?: number;
}

/** One molecule's grids, each [D, D, D, E]. */
export interface TwirledSample {
  readonly clean: Float32Array;
  readonly noisy: Float32Array;
  /** The prediction for the unrotated input. */
  readonly denoised: Float32Array;
  /** f_T - mu for one rotation T. */
  readonly twistedDifference: Float32Array;
  /** Which element of the group T is. */
  readonly rotation: number;
}

/** What the model predicts for the rotated copies of one molecule; grids are [D, D, D, E]. */
export interface TwistedPredictions {
  /** Rotated back. */
  readonly predictions: Float32Array[];
  /** Of the group, one for each prediction. */
  readonly elements: number[];
  readonly clean: Float32Array;
  readonly noisy: Float32Array;
}

/**
 * Measures L_total = L_mean + L_equiv on held-out molecules or grids under the octahedral group: each sample is posed
 * and noised once if it is a molecule, rotated and denoised, and the predictions are reduced on the GPU without storing
 * their twisted forms. The noise belongs to the input, so it rotates with it. One sample is one replay; nothing is
 * awaited in between.
 */
export class VoxelEvaluator {
  readonly plan: Plan;
  readonly #gpu: Gpu;
  readonly #options: VoxelEvaluatorOptions;
  readonly #built: EvaluationGraph;
  readonly #results: GPUBuffer;

  private constructor(
    gpu: Gpu,
    options: VoxelEvaluatorOptions,
    built: EvaluationGraph,
    plan: Plan,
    results: GPUBuffer,
  ) {
    this.#gpu = gpu;
    this.#options = options;
    this.#built = built;
    this.plan = plan;
    this.#results = results;
  }

  /**
   * Predicts all rotations of a molecule in one batch where that fits, else in chunks.
   *
   * @throws VoxtwirlError "bad-option" for a `twirl` outside 2 to 24, "no-data" without samples, "bad-shape" for grids
   *   that are not whole and equally many, "too-large" or "out-of-memory" when not even one rotation at a time fits
   */
  static async create(gpu: Gpu, options: VoxelEvaluatorOptions, model: VoxelModel): Promise<VoxelEvaluator> {
    requireEvaluation(gpu, options, model, "twirl, streams");
    const { twirl } = options;
    if (!Number.isInteger(twirl) || twirl < 2 || twirl > OCTAHEDRAL_ORDER) {
      throw new VoxtwirlError(
        "bad-option",
        `twirl is ${twirl}`,
        "Give 24 to enumerate the rotations of the cube, or 2 to 23 to draw as many.",
      );
    }
    const count = sampleCount(options);
    if (count < 1) {
      throw new VoxtwirlError("no-data", "there is no held-out sample", "Hold out at least one.");
    }
    return asManyAsFit(gpu, Math.min(options.chunk ?? twirl, twirl), async (chunk, { owned }) => {
      const built = evaluationGraph(gpu, options, model, chunk, owned);
      const size = count * ROW_BYTES;
      const results = gpu.createBuffer("twirl results", size, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
      owned.push({ buffer: results, offset: 0, size });
      const plan = await Plan.create(gpu, built.graph, { label: "twirl" });
      return new VoxelEvaluator(gpu, options, built, plan, results);
    });
  }

  /**
   * @param onProgress called with how many samples are known to be done, and of how many
   * @throws VoxtwirlError "aborted" when the signal is, once the GPU has done what it was given; nothing is returned of
   *   a part of the samples
   */
  async evaluate(signal?: AbortSignal, onProgress?: (done: number, total: number) => void): Promise<Evaluation> {
    const { twirl, grid, channels, checkTotal } = this.#options;
    const count = sampleCount(this.#options);
    const all = Uint32Array.from({ length: count }, (_, i) => i);
    const rows = await this.#rows(all, { signal, onProgress });
    const sampling = { rotations: twirl, elements: grid ** 3 * channels };
    const sums = rows.map(({ sums }) => sums);
    const evaluation = { ...decomposeSums(sums, sampling), sums, sampling };
    if (!checkTotal) return evaluation;
    const total = rows.reduce((total, { twisted }) => total + twisted, 0);
    return { ...evaluation, twistedTotal: total / (twirl * sampling.elements * count) };
  }

  /**
   * The sums of some samples, by their places.
   *
   * @param places at most as many as there are samples
   * @throws VoxtwirlError "bad-option" for places that there are not, and as `evaluate`
   */
  async sums(places: Uint32Array, options: ReplayOptions = {}): Promise<SampleSums[]> {
    requirePlaces("places", places, sampleCount(this.#options));
    return (await this.#rows(places, options)).map(({ sums }) => sums);
  }

  /** Rows may be as many as there are samples. */
  async #rows(places: Uint32Array, options: ReplayOptions): Promise<{ sums: SampleSums; twisted: number }[]> {
    const { sums, twisted } = this.#built;
    const from = [sums, ...(twisted ? [twisted] : [])].map((tensor) => this.plan.view(tensor));
    const submit = (i: number) => {
      const copies = from.map((view, at) => ({ from: view, to: this.#results, toOffset: i * ROW_BYTES + 16 * at }));
      this.#submit(places[i]!, copies);
    };
    await replayEach(this.#gpu, places.length, submit, options);
    await this.#gpu.map(this.#results);
    const rows = new Float32Array(this.#results.getMappedRange().slice(0));
    this.#results.unmap();
    return Array.from(places, (_, i) => {
      const [first] = sampleSums(rows.subarray(i * 5, i * 5 + 4));
      return { sums: first!, twisted: rows[i * 5 + 4]! };
    });
  }

  /** The grids of one held-out molecule, for pictures. */
  async sample(index: number): Promise<TwirledSample> {
    const { grid, channels, twirl } = this.#options;
    const { mean, predictions, samples } = this.#built;
    const { clean, noisy } = samples;
    const rotations = this.#submit(index, []);
    const read = (await this.plan.read(clean, noisy, mean, predictions)) as Float32Array[];
    const [y, x, mu, last] = read as [Float32Array, Float32Array, Float32Array, Float32Array];
    const size = y.length;
    // Only the last chunk's predictions remain: its last rotation is shown, and the identity takes another run.
    const rotation = rotations[twirl - 1]!;
    const raw = last.subarray(last.length - size);
    const twisted = rotateGridOctahedral(raw.slice(), grid, channels, octahedralInverses[rotation]!);
    this.#submit(index, [], new Uint32Array(twirl));
    const [plain] = (await this.plan.read(predictions)) as [Float32Array];
    return {
      clean: y,
      noisy: x,
      denoised: plain.slice(0, size),
      twistedDifference: twisted.map((value, i) => value - mu[i]!),
      rotation,
    };
  }

  /**
   * All twisted predictions of one molecule, in the order of their elements of the group, with its clean and noisy
   * grid: for analyses on the host. Elements that were not drawn are left out.
   */
  async twisted(index: number): Promise<TwistedPredictions> {
    const { grid, channels } = this.#options;
    const { samples, allPredictions } = this.#built;
    const { clean, noisy } = samples;
    if (!allPredictions) {
      throw new VoxtwirlError(
        "unsupported",
        "the predictions are made in chunks and not kept",
        "Ask for keepPredictions.",
      );
    }
    const rotations = this.#submit(index, []);
    const read = await this.plan.read(clean, noisy, ...allPredictions);
    const [y, x, ...chunks] = read as [Float32Array, Float32Array, ...Float32Array[]];
    const raw = chunks.flatMap((values) =>
      Array.from({ length: values.length / y.length }, (_, i) => values.subarray(i * y.length, (i + 1) * y.length)),
    );
    const order = [...rotations.keys()].sort((a, b) => rotations[a]! - rotations[b]!);
    return {
      predictions: order.map((i) => rotateGridOctahedral(raw[i]!, grid, channels, octahedralInverses[rotations[i]!]!)),
      elements: order.map((i) => rotations[i]!),
      clean: y,
      noisy: x,
    };
  }

  #submit(
    index: number,
    copies: Parameters<Plan["run"]>[0],
    rotations = this.#built.samples.rotationsOf(index),
  ): Uint32Array {
    this.prepare(index, rotations);
    this.plan.run(copies);
    return rotations;
  }

  /** Writes what molecule `index` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(index: number, rotations?: Uint32Array): void {
    this.#built.samples.prepare(index, rotations);
  }

  /** Frees all that was made. */
  destroy(): void {
    this.plan.destroy();
    for (const { buffer } of this.#built.owned) this.#gpu.destroyBuffer(buffer);
  }
}

/** Four sums of `twirlMerge` and the directly summed total. */
const ROW_BYTES = 20;
