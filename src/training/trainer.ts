import { requireGpu, requireMethod, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { alignUp, BINDING_ALIGNMENT } from "../gpu/alignment.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { BufferView, Gpu } from "../gpu/gpu.ts";
import type { Copy } from "../gpu/recorder.ts";
import { Graph } from "../graph/graph.ts";
import type { ParameterStore } from "../graph/parameters.ts";
import { Plan } from "../graph/plan.ts";
import { StepUniform } from "../graph/stepUniform.ts";
import type { GPUBuffer } from "../hostTypes.ts";
import { adamw } from "../kernels/adamw.ts";
import { gradNorm } from "../kernels/gradNorm.ts";
import { Random } from "../random.ts";
import { LossScaling, SCALING_FIELDS } from "./lossScaling.ts";
import type { Packed, Task } from "./task.ts";
import { tieGradients } from "./tieGradients.ts";
import { learningRate, MAX_MICRO_BATCHES, type TrainConfig } from "./trainConfig.ts";

/**
 * Results of one step, as 32-bit words: loss and gradient norm as f32, then the sticky flag as u32; with loss scaling
 * (zeros without) u32 1 where the step was skipped, and the scale of the next one as f32.
 */
export const STATUS_BYTES = 20;

/** What `STATUS_BYTES` of one step say. */
export interface StepStatus {
  readonly loss: number;
  readonly gradNorm: number;
  /**
   * Number of the first update, from 1, that was not finite: it and all later ones changed nothing. 0: there is none.
   */
  readonly failed: number;
  /** The gradients overflowed, so that the step changed nothing but the scale; `lossScale` is 0 without scaling. */
  readonly skipped: boolean;
  readonly lossScale: number;
}

/** The status of each step whose words lie in `bytes`. */
export function readStatus(bytes: ArrayBuffer): StepStatus[] {
  requireObject("bytes", bytes, "Give an ArrayBuffer with the words of steps.");
  const words = new Uint32Array(bytes);
  const floats = new Float32Array(bytes);
  return Array.from({ length: bytes.byteLength / STATUS_BYTES }, (_, i) => {
    const at = (i * STATUS_BYTES) / 4;
    const [loss, gradNorm, lossScale] = [floats[at]!, floats[at + 1]!, floats[at + 4]!];
    return { loss, gradNorm, failed: words[at + 2]!, skipped: words[at + 3] !== 0, lossScale };
  });
}

/**
 * One training step as one replay: the task's samples, forward and backward pass, gradient norm, optimiser and average,
 * all on the GPU. The host writes which samples and the step's numbers before.
 */
export class Trainer {
  readonly gpu: Gpu;
  readonly config: TrainConfig;
  readonly plan: Plan;
  readonly store: ParameterStore;
  /** The state of loss scaling, in half precision. */
  readonly scaling: LossScaling | undefined;
  readonly #chosen: BufferView;
  readonly #sampleCount: number;
  readonly #uniform: StepUniform;
  readonly #status: Built["status"];
  readonly #isWhole: (step: number) => boolean;
  readonly #owned: readonly BufferView[];
  #epoch = -1;
  #order = new Uint32Array(0);

  private constructor(
    gpu: Gpu,
    config: TrainConfig,
    store: ParameterStore,
    built: Built,
    plan: Plan,
    sampleCount: number,
    isWhole: (step: number) => boolean,
  ) {
    this.gpu = gpu;
    this.config = config;
    this.store = store;
    this.plan = plan;
    this.#sampleCount = sampleCount;
    this.#chosen = built.chosen;
    this.#uniform = built.uniform;
    this.#status = built.status;
    this.#isWhole = isWhole;
    this.#owned = built.owned;
    this.scaling = built.scaling;
  }

  /**
   * @throws VoxtwirlError "out-of-memory" or "too-large" where a micro-batch does not fit, "unsupported" for half
   *   precision on an adapter without shader-f16; nothing stays allocated
   */
  static async create<C extends TrainConfig, P extends Packed>(
    gpu: Gpu,
    task: Task<C, P>,
    config: C,
    store: ParameterStore,
    data: P,
  ): Promise<Trainer> {
    requireGpu(gpu);
    requireObject("task", task, "Give what is trained: voxels.");
    requireObject("config", config, "Give a configuration: { ...voxels.presets.tiny, steps: 500 }.");
    requireMethod("store", store, "bind", "Give a ParameterStore.");
    requireObject("data", data, "Give packed molecules: the train of what task.open() returns.");
    const owned: BufferView[] = [];
    let uniform: StepUniform | undefined;
    let scaling: LossScaling | undefined;
    try {
      uniform = new StepUniform(gpu, "train step", config.batch / config.microBatch);
      if (config.precision === "f16") scaling = new LossScaling(gpu);
      const built = build({ gpu, task, config, store, data, uniform, scaling, owned });
      const plan = await Plan.create(gpu, built.graph, { label: "train" });
      const isWhole = (step: number) => task.isWhole?.(config, step) ?? true;
      return new Trainer(gpu, config, store, built, plan, data.count, isWhole);
    } catch (error) {
      for (const { buffer } of owned) gpu.destroyBuffer(buffer);
      uniform?.destroy();
      scaling?.destroy();
      throw error;
    }
  }

  /**
   * Submits step number `step` (from 0). `into` receives the status words (STATUS_BYTES); nothing is awaited. Once the
   * sticky flag is set no step changes anything, until `clearFlag`.
   */
  run(step: number, into: { buffer: GPUBuffer; offset: number }): void {
    requireObject("into", into, "Give { buffer, offset }.");
    this.prepare(step);
    const { loss, norm, flags, scale } = this.#status;
    const word = (view: BufferView, offset: number) => ({ ...view, offset: view.offset + offset, size: 4 });
    const words = [loss, norm, word(flags, 0), word(flags, 12), scale];
    const copies = words.map((from, i): Copy => ({ from, to: into.buffer, toOffset: into.offset + 4 * i }));
    this.plan.run(copies, this.#isWhole(step));
  }

  /** Writes what step number `step` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(step: number): void {
    const { batch, microBatch, seed, beta1, beta2, emaDecay, emaWarmup } = this.config;
    const t = step + 1;
    const values = {
      seed,
      step,
      lr: learningRate(this.config, step),
      correction1: 1 - beta1 ** t,
      correction2: 1 - beta2 ** t,
      emaDecay: emaWarmup ? Math.min(emaDecay, (1 + t) / (10 + t)) : emaDecay,
    };
    const stride = indexStride(microBatch);
    const indices = new Uint32Array((batch / microBatch) * (stride / 4));
    for (let part = 0; part < batch / microBatch; part++) {
      this.#uniform.set({ ...values, sample: part * microBatch }, part);
      for (let i = 0; i < microBatch; i++) {
        indices[(part * stride) / 4 + i] = this.#sampleAt(step * batch + part * microBatch + i);
      }
    }
    this.#uniform.write();
    this.gpu.write(this.#chosen, indices);
  }

  /** Lets steps update again after one that was not finite; the weights are still those before it. */
  clearFlag(): void {
    this.gpu.write(this.#status.flags, new Uint32Array(4));
  }

  /** The sample that comes n-th in the run: every epoch is a new order of all of them, a function of the seed. */
  #sampleAt(n: number): number {
    const epoch = Math.floor(n / this.#sampleCount);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = new Random(this.config.seed + (epoch + 1) * 2 ** 32).shuffle(
        Uint32Array.from({ length: this.#sampleCount }, (_, i) => i),
      );
    }
    return this.#order[n % this.#sampleCount]!;
  }

  /** Frees the plan and its buffers; the store stays. */
  destroy(): void {
    this.plan.destroy();
    this.#uniform.destroy();
    this.scaling?.destroy();
    for (const { buffer } of this.#owned) this.gpu.destroyBuffer(buffer);
  }
}

interface Built {
  readonly graph: Graph;
  readonly uniform: StepUniform;
  /** Indices of the samples of each micro-batch. */
  readonly chosen: BufferView;
  readonly scaling: LossScaling | undefined;
  readonly status: { loss: BufferView; norm: BufferView; flags: BufferView; scale: BufferView };
  readonly owned: readonly BufferView[];
}

function indexStride(microBatch: number): number {
  return alignUp(microBatch * 4, BINDING_ALIGNMENT);
}

interface BuildArgs<C extends TrainConfig, P extends Packed> {
  readonly gpu: Gpu;
  readonly task: Task<C, P>;
  readonly config: C;
  readonly store: ParameterStore;
  readonly data: P;
  readonly uniform: StepUniform;
  readonly scaling: LossScaling | undefined;
  /** Buffers that are made are added. */
  readonly owned: BufferView[];
}

function build<C extends TrainConfig, P extends Packed>(args: BuildArgs<C, P>): Built {
  const { gpu, task, config, store, data, uniform, scaling, owned } = args;
  const { batch, microBatch } = config;
  if (data.count < 1) {
    throw new VoxtwirlError("no-data", "there is no molecule to train on", "Give a file with more molecules.");
  }
  const parts = batch / microBatch;
  if (parts > MAX_MICRO_BATCHES) {
    throw new VoxtwirlError(
      "too-large",
      `a batch of ${batch} in parts of ${microBatch} is too many parts`,
      "Use a smaller batch.",
    );
  }
  const stride = indexStride(microBatch);
  const upload = (label: string, values: Float32Array | Uint32Array) => {
    const view = gpu.upload(label, values);
    owned.push(view);
    return view;
  };
  const chosen = upload("chosen samples", new Uint32Array((parts * stride) / 4));
  const lossView = upload("loss", new Float32Array(1));
  const normView = upload("gradient norm", new Float32Array(1));
  const flagsView = upload("flags", new Uint32Array(4));
  const scaleView = scaling ? { ...scaling.view, size: 4 } : upload("no scale", new Float32Array(1));

  const graph = new Graph(gpu.caps, { precision: config.precision });
  const scalingState = scaling && graph.external("scaling", [SCALING_FIELDS.length], scaling.view);
  const loss = graph.external("loss", [1], lossView);
  const norm = graph.external("norm", [1], normView);
  const flags = graph.external("flags", [4], flagsView, "u32");
  const pieces = (array: "weights" | "grads" | "m" | "v" | "ema"): Tensor[] =>
    store.pieces(array).map((view, i) => graph.external(`${array} ${i}`, [view.size / 4], view));
  const [weights, grads, m, v, ema] = (["weights", "grads", "m", "v", "ema"] as const).map(pieces) as [
    Tensor[],
    Tensor[],
    Tensor[],
    Tensor[],
    Tensor[],
  ];

  graph.clear(loss);
  graph.inPhase("backward", () => grads.forEach((piece) => graph.clear(piece)));
  const parameter = store.bind(graph, { train: true });
  const microBatches = Array.from({ length: parts }, (_, part) => {
    const places = { buffer: chosen.buffer, offset: part * stride, size: microBatch * 4 };
    return {
      chosen: graph.external("chosen samples", [microBatch], places, "u32"),
      step: graph.external("step", [8], uniform.view(part)),
    };
  });
  task.step(graph, { config, data, upload, parameter, loss, scaling: scalingState, parts: microBatches });
  const { step } = microBatches[0]!;
  const { beta1, beta2, eps, weightDecay, clip } = config;
  const decayed = store.pieces("weights").map((piece) => piece.decayed);
  graph.inPhase("optimiser", () => {
    tieGradients(graph, store, grads, upload);
    const gradScaling = scalingState && { state: scalingState, beta1, beta2 };
    gradNorm(graph, { label: "gradNorm", grads, loss, norm, flags, step, scaling: gradScaling });
    weights.forEach((w, i) => {
      const state = { weights: w, grads: grads[i]!, m: m[i]!, v: v[i]!, ema: ema[i]! };
      const rates = { beta1, beta2, eps, weightDecay: decayed[i]! ? weightDecay : 0 };
      const clipping = clip === undefined ? {} : { clip: { norm, max: clip } };
      adamw(graph, { label: `adamw ${i}`, ...state, flags, step, ...rates, ...clipping, scaling: scalingState });
    });
  });
  const status = { loss: lossView, norm: normView, flags: flagsView, scale: scaleView };
  return { graph, uniform, chosen, scaling, status, owned };
}
