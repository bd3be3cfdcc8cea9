import { VoxtwirlError } from "../errors.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import { Graph, type Precision } from "../graph/graph.ts";
import { Plan } from "../graph/plan.ts";
import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { rotateOctahedral } from "../kernels/rotation/rotateOctahedral.ts";
import { twirlError, twirlMerge } from "../kernels/twirl/twirl.ts";
import type { PackedMolecules } from "../molecules/dataset.ts";
import { moleculeTensors, sampleVoxels, uploadMolecules } from "./noisyVoxels.ts";
import { Random } from "../random.ts";
import { StepUniform } from "../graph/stepUniform.ts";
import { decomposeSums, sampleSums, type Decomposition } from "./estimators.ts";
import { OCTAHEDRAL_ORDER, rotateGridOctahedral, octahedralInverses } from "./octahedral.ts";
import { drawOctahedral } from "./rotations.ts";

/** Appends a model's forward pass: [N, D, D, D, E] to a prediction of the same shape. */
export type VoxelModel = (graph: Graph, noisy: Tensor) => Tensor;

export interface VoxelEvaluatorOptions {
  readonly molecules: PackedMolecules;
  readonly grid: number;
  /** Channels of the grid: elements. */
  readonly channels: number;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
  /** Standard deviation of the noise. */
  readonly sigma: number;
  /** Poses are shifted uniformly in +-shift Angstrom along each axis. */
  readonly shift: number;
  /** Rotations of each molecule: 24 enumerates the octahedral group, 2 to 23 are drawn without replacement. */
  readonly twirl: number;
  /** Poses, shifts, noise and drawn rotations follow from the seed and the molecule's place alone. */
  readonly seed: number;
  readonly streams: { readonly pose: number; readonly noise: number };
  /** Rotations predicted in one batch at most; without it as many as fit. */
  readonly chunk?: number;
  /** Keeps all predictions of a molecule on the GPU, for `twisted`, where they are made in chunks. */
  readonly keepPredictions?: boolean;
  /** How the model's activations are stored (default "f32"); grids, predictions and sums are f32. */
  readonly precision?: Precision;
  /** Also sums |f_T - y|^2 from the twisted predictions themselves: a check of the decomposition. */
  readonly checkTotal?: boolean;
}

export interface Evaluation extends Decomposition {
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
 * Measures the decomposition of spec "twirl" on held-out molecules under the octahedral group: each is posed and
 * noised once, rotated, denoised, and the predictions are reduced on the GPU without storing their twisted forms.
 * The noise belongs to the input, so it rotates with it. One molecule is one replay; nothing is awaited in between.
 */
export class VoxelEvaluator {
  readonly plan: Plan;
  readonly #gpu: Gpu;
  readonly #options: VoxelEvaluatorOptions;
  readonly #built: Built;
  readonly #results: GPUBuffer;

  private constructor(gpu: Gpu, options: VoxelEvaluatorOptions, built: Built, plan: Plan, results: GPUBuffer) {
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
        const built = build(gpu, options, model, chunk, owned);
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
    const { sums, twisted } = this.#built;
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
        { from: this.plan.view(sums), to: this.#results, toOffset: i * ROW_BYTES },
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
    const decomposition = decomposeSums(sampleSums(four), { rotations: twirl, elements });
    if (!twisted) return decomposition;
    let total = 0;
    for (let i = 0; i < molecules.count; i++) total += rows[i * 5 + 4]!;
    return { ...decomposition, twistedTotal: total / (twirl * elements * molecules.count) };
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

interface Built {
  readonly graph: Graph;
  readonly uniform: StepUniform;
  readonly molecule: BufferView;
  readonly rotationViews: readonly BufferView[];
  readonly chunk: number;
  readonly sums: Tensor;
  readonly twisted: Tensor | undefined;
  readonly clean: Tensor;
  readonly noisy: Tensor;
  readonly mean: Tensor;
  /** Raw predictions of the last chunk. */
  readonly predictions: Tensor;
  /** Those of every chunk, where they are kept. */
  readonly allPredictions: readonly Tensor[] | undefined;
  readonly owned: BufferView[];
}

function build(gpu: Gpu, options: VoxelEvaluatorOptions, model: VoxelModel, chunk: number, owned: BufferView[]): Built {
  const { molecules, grid, channels, resolution, sigma, shift, twirl, streams, checkTotal, keepPredictions } = options;
  const upload = (label: string, values: Float32Array | Uint32Array) => {
    const view = gpu.upload(label, values);
    owned.push(view);
    return view;
  };
  const chunks = Math.ceil(twirl / chunk);
  const stride = alignUp(chunk * 4, BINDING_ALIGNMENT);
  const rotationBuffer = upload("rotations", new Uint32Array((chunks * stride) / 4)).buffer;
  const molecule = upload("molecule", new Uint32Array(1));
  const uniform = new StepUniform(gpu, "twirl step");
  owned.push(uniform.view());

  const graph = new Graph(gpu.caps, { precision: options.precision });
  const step = graph.external("step", [8], uniform.view());
  const moleculeBuffers = uploadMolecules(upload, "held-out", molecules);
  const { clean, noisy } = sampleVoxels(graph, {
    ...{ molecules: moleculeTensors(graph, moleculeBuffers), grid, channels, resolution },
    chosen: graph.external("molecule", [1], molecule, "u32"),
    pose: { shift, rotate: "so3", stream: streams.pose },
    noise: { sigma, stream: streams.noise, step },
  });
  for (const tensor of [clean, noisy]) graph.keep(tensor);
  const shape = (samples: number) => [samples, grid, grid, grid, channels];

  const mean = graph.keep(graph.scratch("twirled", shape(1)));
  const m2 = graph.scratch("twirl m2", shape(1));
  const sums = graph.keep(graph.scratch("twirl sums", [1, 4]));
  const twisted = checkTotal ? graph.keep(graph.scratch("twisted total", [1])) : undefined;
  if (twisted) graph.clear(twisted);
  const rotationViews: BufferView[] = [];
  const made: Tensor[] = [];
  for (let done = 0; done < twirl; done += chunk) {
    const count = Math.min(chunk, twirl - done);
    const view = { buffer: rotationBuffer, offset: rotationViews.length * stride, size: count * 4 };
    rotationViews.push(view);
    const rotations = graph.external("rotations", [count], view, "u32");
    const rotated = graph.scratch("rotated", shape(count));
    graph.inPhase("metric", () => rotateOctahedral(graph, { label: "rotate", x: noisy, rotations, y: rotated }));
    const predictions = model(graph, rotated);
    made.push(predictions);
    graph.inPhase("metric", () => {
      const last = done + count === twirl;
      twirlMerge(graph, {
        label: "twirl merge",
        predictions,
        rotations,
        mean,
        m2,
        count: done,
        ...(last && { reduce: { target: clean, sums } }),
      });
      if (twisted) twirlError(graph, { label: "twisted total", predictions, rotations, target: clean, out: twisted });
    });
  }
  const predictions = made.at(-1)!;
  const allPredictions = keepPredictions || made.length === 1 ? made : undefined;
  for (const tensor of allPredictions ?? [predictions]) graph.keep(tensor);
  return {
    graph,
    uniform,
    molecule,
    rotationViews,
    chunk,
    sums,
    twisted,
    clean,
    noisy,
    mean,
    predictions,
    allPredictions,
    owned,
  };
}
