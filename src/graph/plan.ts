import { requireGpu, requireGraph, requireTensor } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Dispatch, KernelCall } from "../gpu/dispatch.ts";
import { byteLength, elementCount, type Tensor } from "../gpu/tensor.ts";
import { BufferUsage, type BufferView, type Gpu } from "../gpu/gpu.ts";
import { decodeHalf } from "../gpu/half.ts";
import type { CompiledPipeline, ShaderVariant } from "../gpu/pipelines.ts";
import { replay, type Command, type Copy } from "../gpu/recorder.ts";
import { warmUp } from "../gpu/warmUp.ts";
import type { ReplayTimer } from "../gpu/replayTimer.ts";
import type { GPUBuffer } from "../hostTypes.ts";
import { checkDispatch } from "./checkDispatch.ts";
import type { Graph } from "./graph.ts";
import { profilePlan, type PlanProfile } from "./profile.ts";
import type { ProfileOptions } from "./profileReplays.ts";
import { lifetimes, planMemory, type MemoryPlan } from "./planner.ts";
import { uploadConstants, uploadParams } from "./uploads.ts";

/** How a plan is made. */
export interface PlanOptions {
  /** What messages, captures and profiles call it; "plan" by default. */
  label?: string;
  /** Free bytes left behind every transient tensor (tests fill them and look at them afterwards). */
  guard?: number;
}

/**
 * A graph made concrete for one device: memory planned, pipelines compiled, bind groups made. `run` replays it in one
 * encoder and one submit.
 */
export class Plan {
  /** The name given. */
  readonly label: string;
  /** Where tensors lie. */
  readonly memory: MemoryPlan;
  /** Useful floating-point operations of a replay. */
  readonly flops: number;
  /** Compulsory traffic of a replay, in bytes. */
  readonly bytes: number;
  /** Dispatches of a replay. */
  readonly dispatchCount: number;
  /** By the number of their dispatch, the calls of kernels that have variants. */
  readonly calls: ReadonlyMap<number, KernelCall>;
  readonly #gpu: Gpu;
  readonly #graph: Graph;
  readonly #arenas: readonly GPUBuffer[];
  /** Uniforms and constants. */
  readonly #inputs: readonly GPUBuffer[];
  readonly #commands: readonly Command[];
  /** Those that no replay may leave out. */
  readonly #required: readonly Command[];
  #destroyed = false;
  readonly #variants: ReadonlyMap<Dispatch, ShaderVariant>;

  private constructor(
    gpu: Gpu,
    graph: Graph,
    label: string,
    memory: MemoryPlan,
    arenas: GPUBuffer[],
    inputs: readonly GPUBuffer[],
    commands: Command[],
    variants: ReadonlyMap<Dispatch, ShaderVariant>,
  ) {
    this.label = label;
    this.memory = memory;
    this.#gpu = gpu;
    this.#graph = graph;
    this.#arenas = arenas;
    this.#inputs = inputs;
    this.#commands = commands;
    this.#required = commands.filter((_, i) => !graph.commands[i]!.optional);
    this.#variants = variants;
    const dispatches = graph.commands.flatMap((c) => (c.kind === "dispatch" ? [c.dispatch] : []));
    this.flops = dispatches.reduce((sum, d) => sum + d.flops, 0);
    this.bytes = dispatches.reduce((sum, d) => sum + d.bytes, 0);
    this.dispatchCount = dispatches.length;
    this.calls = new Map(dispatches.flatMap(({ call }, i) => (call ? [[i, call] as const] : [])));
  }

  /**
   * @throws VoxtwirlError "out-of-memory" or "too-large" before anything is allocated, "shader-compile" with the
   *   numbered source, "internal" when a kernel's bindings do not match its shader.
   */
  static async create(gpu: Gpu, graph: Graph, options: PlanOptions = {}): Promise<Plan> {
    requireGpu(gpu);
    requireGraph("graph", graph);
    const { label = "plan", guard = 0 } = options;
    gpu.check();
    const dispatches = graph.commands.flatMap((c) => (c.kind === "dispatch" ? [c.dispatch] : []));
    const variants = new Map<Dispatch, ShaderVariant>();
    for (const d of dispatches) {
      const variant = gpu.pipelines.variant(d.shader, d.constants);
      checkDispatch(graph, d, variant);
      variants.set(d, variant);
    }
    const memory = planMemory(lifetimes(graph), arenaLimit(gpu), guard);
    gpu.assertFits(
      `plan '${label}'`,
      memory.arenas.reduce((sum, bytes) => sum + bytes, 0),
    );

    const made: GPUBuffer[] = [];
    const compiled = new Map<ShaderVariant, CompiledPipeline>();
    try {
      for (const [i, bytes] of memory.arenas.entries()) {
        made.push(
          gpu.createBuffer(
            `${label} arena ${i}`,
            bytes,
            BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST,
          ),
        );
      }
      const arenas = [...made];
      const { buffer: uniforms, offsets } = uploadParams(gpu, label, dispatches, variants);
      made.push(uniforms);
      const constants = uploadConstants(gpu, graph, dispatches, made);
      await gpu.settle();
      // All at once: Dawn compiles in parallel.
      const distinct = [...new Set(variants.values())];
      await gpu.wait(Promise.all(distinct.map(async (v) => compiled.set(v, await gpu.pipelines.get(v)))));
      await warmUp(gpu, distinct);

      const viewOf = (tensor: Tensor): BufferView => {
        const external = graph.externalView(tensor);
        if (external) return { ...external, size: byteLength(tensor) };
        const constant = constants.get(tensor.id);
        if (constant) return constant;
        const { arena, offset } = memory.placements.get(graph.storageOf(tensor).id)!;
        return { buffer: arenas[arena]!, offset: offset + graph.offsetOf(tensor), size: byteLength(tensor) };
      };
      const commands = graph.commands.map((command): Command => {
        if (command.kind === "clear") {
          return { kind: "clear", label: command.tensor.label, view: viewOf(command.tensor) };
        }
        const d = command.dispatch;
        const { pipeline, layout, reflection } = compiled.get(variants.get(d)!)!;
        const entries = reflection.bindings.map(({ binding, name }): GPUBindGroupEntry => {
          if (name === "params") {
            const size = reflection.structs.get("Params")!.size;
            return { binding, resource: { buffer: uniforms, offset: offsets.get(d)!, size } };
          }
          return { binding, resource: viewOf(d.bindings[name]!) };
        });
        const bindGroup = gpu.device.createBindGroup({ label: d.label, layout, entries });
        return { kind: "dispatch", label: d.label, pipeline, bindGroup, workgroups: d.workgroups };
      });
      gpu.check();
      const inputs = [uniforms, ...[...constants.values()].map(({ buffer }) => buffer)];
      return new Plan(gpu, graph, label, memory, arenas, inputs, commands, variants);
    } catch (error) {
      for (const buffer of made) gpu.destroyBuffer(buffer);
      throw error;
    }
  }

  /**
   * Submits one replay; results are read later (`read`, or `copies` into staging buffers of the caller's).
   *
   * @param whole false leaves out what the graph has as optional
   */
  run(copies: readonly Copy[] = [], whole = true): void {
    this.#check();
    replay(this.#gpu.device, this.label, whole ? this.#commands : this.#required, copies);
  }

  /**
   * The same with timestamps: `timer.read()` gives them.
   *
   * @internal
   */
  runTimed(timer: ReplayTimer, copies: readonly Copy[] = []): void {
    this.#check();
    timer.replay(this.label, this.#commands, copies);
  }

  /**
   * Replays the plan 1 + 2 * repeats times and tells where time and memory go. The replays are real: those of a
   * training step, made ready by `prepare`, train.
   *
   * @throws VoxtwirlError "bad-option" for repeats that are no count, "aborted" when the signal is
   */
  async profile(options: ProfileOptions = {}): Promise<PlanProfile> {
    this.#check();
    return profilePlan(
      {
        gpu: this.#gpu,
        label: this.label,
        graph: this.#graph,
        commands: this.#commands,
        memory: this.memory,
        variantOf: (dispatch) => this.#variants.get(dispatch)!.label,
      },
      options,
    );
  }

  /** Where a tensor lies: an external one, or one that was kept. */
  view(tensor: Tensor): BufferView {
    requireTensor("tensor", tensor);
    this.#check();
    const external = this.#graph.externalView(tensor);
    if (external) return { ...external, size: byteLength(tensor) };
    const placement = this.memory.placements.get(this.#graph.storageOf(tensor).id);
    if (!placement || !this.#graph.isKept(tensor)) {
      throw new VoxtwirlError(
        "internal",
        `tensor '${tensor.label}' is not kept by plan '${this.label}'`,
        "Call graph.keep(tensor).",
      );
    }
    const offset = placement.offset + this.#graph.offsetOf(tensor);
    return { buffer: this.#arenas[placement.arena]!, offset, size: byteLength(tensor) };
  }

  /** Values of tensors after the work submitted so far; those of f16 tensors as f32. */
  async read(...tensors: Tensor[]): Promise<(Float32Array | Uint32Array)[]> {
    const buffers = await this.#gpu.read(...tensors.map((tensor) => this.view(tensor)));
    return buffers.map((bytes, i) => {
      const { dtype, shape } = tensors[i]!;
      if (dtype === "f16") return decodeHalf(new Uint16Array(bytes), elementCount(shape));
      return dtype === "u32" ? new Uint32Array(bytes) : new Float32Array(bytes);
    });
  }

  #check(): void {
    this.#gpu.check();
    if (this.#destroyed) throw new VoxtwirlError("destroyed", `plan '${this.label}' was destroyed`, "Make it again.");
  }

  /** The plan's own buffers, for tests that poison and inspect them. */
  get arenaBuffers(): readonly GPUBuffer[] {
    return this.#arenas;
  }

  /** Frees the plan's memory; buffers of the caller's stay. */
  destroy(): void {
    this.#destroyed = true;
    for (const buffer of [...this.#arenas, ...this.#inputs]) this.#gpu.destroyBuffer(buffer);
  }
}

/** Arenas stay below 1 GiB: some drivers claim larger buffers and fail to make them. */
function arenaLimit(gpu: Gpu): number {
  return Math.min(gpu.device.limits.maxBufferSize, (1 << 30) - (1 << 20));
}
