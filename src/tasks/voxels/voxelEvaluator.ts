import { VoxtwirlError } from "../../errors.ts";
import {
  decomposeSums,
  sampleSums,
  type Decomposition,
  type SampleSums,
  type Sampling,
} from "../../equivariance/estimators.ts";
import { OCTAHEDRAL_ORDER, octahedralInverses, rotateGridOctahedral } from "../../equivariance/octahedral.ts";
import { drawOctahedral } from "../../equivariance/rotations.ts";
import { BufferUsage, type BufferView, type Gpu } from "../../gpu/gpu.ts";
import { Plan } from "../../graph/plan.ts";
import type { AbortSignal, GPUBuffer } from "../../hostTypes.ts";
import { Random } from "../../random.ts";
import {
  evaluationGraph,
  requireEvaluation,
  type EvaluationGraph,
  type VoxelEvaluatorOptions,
  type VoxelModel,
} from "./evaluationGraph.ts";

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

/**
 * Measures L_total = L_mean + L_equiv on held-out molecules under the octahedral group: each is posed and
 * noised once, rotated, denoised, and the predictions are reduced on the GPU without storing their twisted forms.
 * The noise belongs to the input, so it rotates with it. One molecule is one replay; nothing is awaited in between.
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
   * @throws VoxtwirlError "bad-option" for a `twirl` outside 2 to 24, "no-data" without molecules, "too-large" or
   *   "out-of-memory" when not even one rotation at a time fits
   */
  static async create(gpu: Gpu, options: VoxelEvaluatorOptions, model: VoxelModel): Promise<VoxelEvaluator> {
    requireEvaluation(gpu, options, model, "twirl, streams");
    const { twirl, molecules } = options;
    if (!Number.isInteger(twirl) || twirl < 2 || twirl > OCTAHEDRAL_ORDER) {
      throw new VoxtwirlError(
        "bad-option",
        `twirl is ${twirl}`,
        "Give 24 to enumerate the rotations of the cube, or 2 to 23 to draw as many.",
      );
    }
    if (molecules.count < 1) {
      throw new VoxtwirlError("no-data", "there is no held-out molecule", "Hold out at least one.");
    }
    for (let chunk = Math.min(options.chunk ?? twirl, twirl); ; chunk = Math.ceil(chunk / 2)) {
      const owned: BufferView[] = [];
      try {
        const built = evaluationGraph(gpu, options, model, chunk, owned);
        const size = molecules.count * ROW_BYTES;
        const results = gpu.createBuffer("twirl results", size, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
        owned.push({ buffer: results, offset: 0, size });
        const plan = await Plan.create(gpu, built.graph, { label: "twirl" });
        return new VoxelEvaluator(gpu, options, built, plan, results);
      } catch (error) {
        for (const { buffer } of owned) gpu.destroyBuffer(buffer);
        const smaller =
          error instanceof VoxtwirlError && (error.code === "too-large" || error.code === "out-of-memory");
        if (!smaller || chunk === 1) throw error;
      }
    }
  }

  /**
   * @param onProgress called with how many molecules are known to be done, and of how many
   * @throws VoxtwirlError "aborted" when the signal is, once the GPU has done what it was given; nothing is returned of
   *   a part of the molecules
   */
  async evaluate(signal?: AbortSignal, onProgress?: (done: number, total: number) => void): Promise<Evaluation> {
    const { molecules, twirl, grid, channels } = this.#options;
    const { sums: summed, twisted } = this.#built;
    // A bounded queue: each replay holds the driver's memory for its commands, and an abort should take effect soon.
    let queue = 1;
    let queued = 0;
    let since = performance.now();
    for (let i = 0; i < molecules.count; i++) {
      if (signal?.aborted) {
        await this.#gpu.finish();
        throw new VoxtwirlError("aborted", "the evaluation was stopped", "Start it again.");
      }
      this.#submit(i, [
        { from: this.plan.view(summed), to: this.#results, toOffset: i * ROW_BYTES },
        ...(twisted ? [{ from: this.plan.view(twisted), to: this.#results, toOffset: i * ROW_BYTES + 16 }] : []),
      ]);
      if (++queued < queue) continue;
      await this.#gpu.finish();
      onProgress?.(i + 1, molecules.count);
      const ms = (performance.now() - since) / queued;
      queue = Math.min(Math.max(Math.floor(QUEUE_MS / ms), 1), MAX_QUEUE);
      queued = 0;
      since = performance.now();
    }
    await this.#gpu.map(this.#results);
    if (queued > 0) onProgress?.(molecules.count, molecules.count);
    const rows = new Float32Array(this.#results.getMappedRange().slice(0));
    this.#results.unmap();
    const four = Array.from({ length: molecules.count }, (_, i) => [...rows.subarray(i * 5, i * 5 + 4)]).flat();
    const elements = grid ** 3 * channels;
    const [sums, sampling] = [sampleSums(four), { rotations: twirl, elements }];
    const evaluation = { ...decomposeSums(sums, sampling), sums, sampling };
    if (!twisted) return evaluation;
    let total = 0;
    for (let i = 0; i < molecules.count; i++) total += rows[i * 5 + 4]!;
    return { ...evaluation, twistedTotal: total / (twirl * elements * molecules.count) };
  }

  /** The grids of one held-out molecule, for pictures. */
  async sample(index: number): Promise<TwirledSample> {
    const { grid, channels, twirl } = this.#options;
    const { clean, noisy, mean, predictions } = this.#built;
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
   * All twisted predictions of one molecule, in the order of their elements of the group, with its clean grid: for
   * analyses on the host. Elements that were not drawn are left out.
   */
  async twisted(index: number): Promise<{ predictions: Float32Array[]; elements: number[]; clean: Float32Array }> {
    const { grid, channels } = this.#options;
    const { clean, allPredictions } = this.#built;
    if (!allPredictions) {
      throw new VoxtwirlError(
        "unsupported",
        "the predictions are made in chunks and not kept",
        "Ask for keepPredictions.",
      );
    }
    const rotations = this.#submit(index, []);
    const [y, ...chunks] = (await this.plan.read(clean, ...allPredictions)) as [Float32Array, ...Float32Array[]];
    const raw = chunks.flatMap((values) =>
      Array.from({ length: values.length / y.length }, (_, i) => values.subarray(i * y.length, (i + 1) * y.length)),
    );
    const order = [...rotations.keys()].sort((a, b) => rotations[a]! - rotations[b]!);
    return {
      predictions: order.map((i) => rotateGridOctahedral(raw[i]!, grid, channels, octahedralInverses[rotations[i]!]!)),
      elements: order.map((i) => rotations[i]!),
      clean: y,
    };
  }

  #submit(index: number, copies: Parameters<Plan["run"]>[0], rotations = this.#rotationsOf(index)): Uint32Array {
    this.prepare(index, rotations);
    this.plan.run(copies);
    return rotations;
  }

  /** Writes what molecule `index` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(index: number, rotations = this.#rotationsOf(index)): void {
    const { seed, twirl } = this.#options;
    const { uniform, molecule, rotationViews, chunk } = this.#built;
    uniform.set({ seed, step: 0, sample: index, lr: 0, correction1: 1, correction2: 1, emaDecay: 0 });
    uniform.write();
    this.#gpu.write(molecule, Uint32Array.of(index));
    rotationViews.forEach((view, i) =>
      this.#gpu.write(view, rotations.subarray(i * chunk, Math.min((i + 1) * chunk, twirl))),
    );
  }

  #rotationsOf(index: number): Uint32Array {
    const { seed, twirl } = this.#options;
    return drawOctahedral(new Random(seed + (index + 1) * 2 ** 32), twirl);
  }

  /** Frees all that was made. */
  destroy(): void {
    this.plan.destroy();
    this.#built.uniform.destroy();
    for (const { buffer } of this.#built.owned) this.#gpu.destroyBuffer(buffer);
  }
}

/** Replays are submitted ahead for about this long, and at most so many. */
const QUEUE_MS = 500;
const MAX_QUEUE = 16;

/** Four sums of `twirlMerge` and the directly summed total. */
const ROW_BYTES = 20;
