import { requireGpu, requireMethod, requireObject, requireWhole } from "../../check.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { Plan } from "../../graph/plan.ts";
import { StepUniform } from "../../graph/stepUniform.ts";
import { flowStart, flowStep } from "../../kernels/flow/flowStep.ts";
import { requireEta, stepCoefficients } from "./samplingSchedule.ts";

/** b chains of S tokens on their way from noise to data. */
export interface FieldInputs {
  /** f32 [b, S, 3], centred; 0 for what is no residue. */
  readonly x: Tensor;
  /** f32 [b, S, 3], the endpoints of the step before; none in the first. */
  readonly previous?: Tensor;
  /** f32 [b, S]: 1 for a residue, else 0. */
  readonly residues: Tensor;
  /** f32 [b], all alike. */
  readonly times: Tensor;
}

/** What says where paths end: a network, or a distribution whose answer is known. */
export interface EndpointField {
  /** Appends to a graph where the paths through x are taken to end, f32 [b, S, 3]. */
  append(graph: Graph, inputs: FieldInputs): Tensor;
  /** Told the time of the next replay, to write what depends on it. */
  atTime?(t: number): void;
}

/** How chains are moved, and how many at once. */
export interface FlowPathsOptions {
  readonly chains: number;
  readonly side: number;
  readonly field: EndpointField;
  /** How the field's activations are stored. */
  readonly precision: Precision;
  readonly seed: number;
  /** 0: no noise. */
  readonly eta: number;
}

/** A step of all: its number, from 0, which its noise belongs to, and from when to when it goes. */
export interface PathStep {
  readonly index: number;
  readonly t: number;
  readonly next: number;
}

/** Where chains are, and the endpoints of the last step, f32 [b, S, 3] each. */
export interface PathState {
  readonly x: Float32Array;
  readonly previous: Float32Array;
}

/**
 * Streams of the counter-based generator. They are others than training has, so that a run's own seed does not give
 * chains the noise that it was trained with.
 */
const STREAMS = { start: 4096, step: 4097 } as const;

/** A plan, and what it leaves in its memory for the next step. */
interface Moves {
  readonly plan: Plan;
  readonly x: Tensor;
  readonly endpoints?: Tensor;
}

/** Buffers that the host writes or that go from one replay to the next. */
type Buffers = Readonly<Record<"x" | "previous" | "residues" | "times" | "coefficients" | "numbers", BufferView>>;

/**
 * Chains moved step by step from noise to where a field says that their paths end. Times and coefficients are made on
 * the host, in double precision, noise on the GPU, of the seed, the step and the chain's number: the same in whatever
 * batch it is.
 */
export class FlowPaths {
  readonly #gpu: Gpu;
  readonly #options: FlowPathsOptions;
  readonly #buffers: Buffers;
  readonly #uniform: StepUniform;
  readonly #plans: Moves[] = [];

  private constructor(gpu: Gpu, options: FlowPathsOptions) {
    const { chains, side } = options;
    const floats = (label: string, count: number) => gpu.upload(label, new Float32Array(count));
    this.#gpu = gpu;
    this.#options = options;
    gpu.assertFits("sampling", 4 * chains * (7 * side + 2) + 4 * 11);
    this.#uniform = new StepUniform(gpu, "sampling step");
    this.#buffers = {
      x: floats("x", 3 * chains * side),
      previous: floats("previous", 3 * chains * side),
      residues: floats("residues", chains * side),
      times: floats("times", chains),
      coefficients: floats("coefficients", 3),
      numbers: gpu.upload("numbers", new Uint32Array(chains)),
    };
  }

  /**
   * @throws VoxtwirlError "bad-option" for options that cannot work, "out-of-memory" or "too-large" where it does not
   *   fit; nothing stays allocated
   */
  static async create(gpu: Gpu, options: FlowPathsOptions): Promise<FlowPaths> {
    requireGpu(gpu);
    requireObject("options", options, "Give { chains, side, field, precision, seed, eta }.");
    requireWhole("chains", options.chains, 1);
    requireWhole("side", options.side, 1);
    requireMethod("field", options.field, "append", "Give an EndpointField: { append(graph, inputs) }.");
    requireWhole("seed", options.seed, 0);
    requireEta(options.eta);
    const paths = new FlowPaths(gpu, options);
    try {
      for (const part of ["start", "first", "later"] as const) await paths.#plan(part);
      return paths;
    } catch (error) {
      paths.destroy();
      throw error;
    }
  }

  /** In the first step there are no endpoints yet, which a field may have to know. */
  async #plan(part: "start" | "first" | "later"): Promise<void> {
    const { chains, side, precision, field } = this.#options;
    const graph = new Graph(this.#gpu.caps, { precision });
    const external = (name: keyof Buffers, shape: readonly number[]) =>
      graph.external(name, shape, this.#buffers[name], name === "numbers" ? "u32" : "f32");
    const places = [chains, side, 3];
    const residues = external("residues", [chains, side]);
    const step = graph.external("step", [8], this.#uniform.view());
    const next = graph.keep(graph.scratch("next x", places));
    const common = { residues, numbers: external("numbers", [chains]), step, y: next };
    if (part === "start") {
      flowStart(graph, { ...common, label: "start", stream: STREAMS.start });
      const plan = await Plan.create(this.#gpu, graph, { label: "sampling start" });
      this.#plans.push({ plan, x: next });
      return;
    }
    const x = external("x", places);
    const previous = part === "later" ? { previous: external("previous", places) } : {};
    const endpoints = graph.keep(field.append(graph, { x, ...previous, residues, times: external("times", [chains]) }));
    const coefficients = external("coefficients", [3]);
    flowStep(graph, { ...common, label: "step", stream: STREAMS.step, x, endpoints, coefficients });
    const plan = await Plan.create(this.#gpu, graph, { label: `sampling ${part}` });
    this.#plans.push({ plan, x: next, endpoints });
  }

  /**
   * Puts chains where their paths start.
   *
   * @param numbers whose noise each gets
   * @param residues [b, S], 1 or 0
   */
  start(numbers: ArrayLike<number>, residues: Float32Array): void {
    this.#place(numbers, residues);
    this.#write(0);
    this.#run(this.#plans[0]!);
  }

  /** Puts chains where they were. */
  resume(numbers: ArrayLike<number>, residues: Float32Array, { x, previous }: PathState): void {
    this.#place(numbers, residues);
    this.#gpu.write(this.#buffers.x, x);
    this.#gpu.write(this.#buffers.previous, previous);
  }

  /** Submits a step; nothing is awaited. */
  step({ index, t, next }: PathStep): void {
    const { chains, eta, field } = this.#options;
    this.#gpu.write(this.#buffers.times, new Float32Array(chains).fill(t));
    this.#gpu.write(this.#buffers.coefficients, Float32Array.from(stepCoefficients(t, next, eta)));
    field.atTime?.(t);
    this.#write(index);
    this.#run(this.#plans[index === 0 ? 1 : 2]!);
  }

  /** Where chains are once all steps submitted are done. */
  async read(): Promise<PathState> {
    const [x, previous] = await this.#gpu.read(this.#buffers.x, this.#buffers.previous);
    return { x: new Float32Array(x!), previous: new Float32Array(previous!) };
  }

  /** Frees all that was made. */
  destroy(): void {
    for (const { plan } of this.#plans) plan.destroy();
    for (const { buffer } of Object.values(this.#buffers)) this.#gpu.destroyBuffer(buffer);
    this.#uniform.destroy();
  }

  #place(numbers: ArrayLike<number>, residues: Float32Array): void {
    this.#gpu.write(this.#buffers.numbers, Uint32Array.from(numbers));
    this.#gpu.write(this.#buffers.residues, residues);
  }

  #write(step: number): void {
    const { seed } = this.#options;
    this.#uniform.set({ seed, step, sample: 0, lr: 0, correction1: 0, correction2: 0, emaDecay: 0 });
    this.#uniform.write();
  }

  #run({ plan, x, endpoints }: Moves): void {
    const copy = (tensor: Tensor, to: BufferView) => ({ from: plan.view(tensor), to: to.buffer, toOffset: to.offset });
    const { x: nextX, previous } = this.#buffers;
    plan.run([copy(x, nextX), ...(endpoints ? [copy(endpoints, previous)] : [])]);
  }
}
