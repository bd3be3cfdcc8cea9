import { kindOf, requireObject, requireSizes, requireOneOf, requireTensor, requireView } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "../gpu/caps.ts";
import type { Dispatch, KernelContext } from "../gpu/dispatch.ts";
import type { DispatchGroup, GroupedCall } from "../gpu/dispatchGroup.ts";
import { byteLength, elementCount, formatShape, type DType, type Tensor } from "../gpu/tensor.ts";
import type { BufferView } from "../gpu/gpu.ts";
import { DispatchGroups, type GrowingTensor } from "./dispatchGroups.ts";
import { GradientTape, type GradWriter, type OutputGradient } from "./gradientTape.ts";

/**
 * How a graph stores activations and their gradients. Parameters, their gradients, statistics and sums are f32 in both.
 * All is computed in f32, but for products on subgroup matrices (`GpuCaps.subgroupMatrices`), whose weights are
 * rounded to f16.
 */
export type Precision = "f32" | "f16";

/** What a command is for: parts of a training step or an evaluation, told apart by the profiler. */
export type Phase = "data" | "forward" | "backward" | "optimiser" | "metric";

/** A dispatch, or zeros written to a tensor. */
export type GraphCommand = { readonly phase: Phase; /** See `Graph.optional`. */ readonly optional: boolean } & (
  { readonly kind: "dispatch"; readonly dispatch: Dispatch } | { readonly kind: "clear"; readonly tensor: Tensor }
);

/**
 * A program under construction: dispatches in order on tensors without a place. Nothing runs; `Plan.create` makes it
 * concrete. Operations (src/graph/operations.ts) also leave a closure each, which `backward` calls in reverse order to
 * append the dispatches of the gradients.
 */
export class Graph implements KernelContext {
  /** The device's abilities, by which kernels choose their variants. */
  readonly caps: GpuCaps;
  /** How activations are stored. */
  readonly precision: Precision;
  /** What there is to do, in order. */
  readonly commands: GraphCommand[] = [];
  readonly #externals = new Map<number, BufferView>();
  readonly #kept = new Set<number>();
  readonly #constants = new Map<number, readonly number[]>();
  readonly #storage = new Map<number, Tensor>();
  /** Of tensors that are parts of another: bytes from its beginning. */
  readonly #offsets = new Map<number, number>();
  readonly #parameters = new Set<number>();
  readonly #gradientIds = new Set<number>();
  readonly #dispatchGroups = new DispatchGroups(this);
  readonly #tape = new GradientTape(this);
  #inBackward = false;
  #nextId = 0;
  #phase: Phase = "forward";
  #optional = false;

  /** @throws VoxtwirlError "unsupported" for f16 on an adapter without "shader-f16" */
  constructor(caps: GpuCaps, options: { precision?: Precision | undefined } = {}) {
    requireCaps(caps);
    this.caps = caps;
    this.precision = options.precision ?? "f32";
    requirePrecision(caps, this.precision);
  }

  /** A tensor that lies in the caller's buffer: an input, a parameter, a state. */
  external(label: string, shape: readonly number[], view: BufferView, dtype: DType = "f32"): Tensor {
    const tensor = this.#tensor(label, shape, dtype);
    requireView(`the buffer of '${label}'`, view);
    this.#checkBinding(tensor);
    if (view.size < byteLength(tensor)) {
      throw new VoxtwirlError(
        "bad-shape",
        `'${label}' of shape ${formatShape(shape)} needs ${byteLength(tensor)} bytes, its buffer range has ` +
          `${view.size}`,
        "Give a buffer of the tensor's size.",
      );
    }
    this.#externals.set(tensor.id, view);
    return tensor;
  }

  /**
   * A trained parameter: its gradient is accumulated into `gradient`, which the caller clears once a step. Without
   * `gradient` the parameter is a constant. Dispatches only read it as this tensor: whatever changes it binds its
   * buffer as another tensor, as the optimiser does, for kernels keep what they make of it until then.
   */
  parameter(label: string, shape: readonly number[], value: BufferView, gradient?: BufferView): Tensor {
    const tensor = this.external(label, shape, value);
    this.#parameters.add(tensor.id);
    if (gradient) {
      const grad = this.external(`${label} grad`, shape, gradient);
      this.#tape.setParameterGrad(tensor, grad);
      this.#gradientIds.add(grad.id);
    }
    return tensor;
  }

  /** A tensor of the plan's own memory, alive from its first to its last use. */
  scratch(label: string, shape: readonly number[], dtype: DType = "f32"): Tensor {
    const tensor = this.#tensor(label, shape, dtype);
    this.#checkBinding(tensor);
    return tensor;
  }

  /** A scratch tensor for what an operation gives, stored as the graph's precision says. */
  activation(label: string, shape: readonly number[]): Tensor {
    return this.scratch(label, shape, this.precision);
  }

  /**
   * The numbers of a tensor that is uploaded once, when a plan is made.
   *
   * @internal
   */
  constantOf(tensor: Tensor): readonly number[] | undefined {
    return this.#constants.get(tensor.id);
  }

  #checkBinding(tensor: Tensor): void {
    if (byteLength(tensor) <= this.caps.maxBindingBytes) return;
    throw new VoxtwirlError(
      "too-large",
      `tensor '${tensor.label}' of shape ${formatShape(tensor.shape)} takes ${byteLength(tensor)} bytes, one ` +
        `binding of this adapter holds ${this.caps.maxBindingBytes}`,
      "Use a smaller batch (micro-batches keep the gradients of the full one), a smaller grid or fewer molecules.",
    );
  }

  /** The same memory under another shape of as many elements. */
  alias(tensor: Tensor, shape: readonly number[]): Tensor {
    requireSizes(`the shape of '${tensor.label}'`, shape);
    if (elementCount(shape) !== elementCount(tensor.shape)) {
      throw new VoxtwirlError(
        "bad-shape",
        `'${tensor.label}' of shape ${formatShape(tensor.shape)} cannot be seen as ${formatShape(shape)}`,
        "Give a shape with as many elements.",
      );
    }
    const alias = this.#tensor(tensor.label, shape, tensor.dtype);
    this.#storage.set(alias.id, this.storageOf(tensor));
    this.#offsets.set(alias.id, this.offsetOf(tensor));
    return alias;
  }

  /** The tensor whose memory this one is, or is a part of: itself unless it is an alias or a part. */
  storageOf(tensor: Tensor): Tensor {
    return this.#storage.get(tensor.id) ?? tensor;
  }

  /** Bytes from the beginning of `storageOf(tensor)`. */
  offsetOf(tensor: Tensor): number {
    return this.#offsets.get(tensor.id) ?? 0;
  }

  /** Keeps a tensor's memory for itself to the end of the plan, so that `plan.read` gives its last value. */
  keep(tensor: Tensor): Tensor {
    requireTensor("tensor", tensor);
    this.#kept.add(this.storageOf(tensor).id);
    return tensor;
  }

  /** Appends a dispatch, as kernels do. */
  dispatch(dispatch: Dispatch): void {
    for (const tensor of Object.values(dispatch.bindings)) this.#noteUse(tensor);
    this.commands.push({ kind: "dispatch", dispatch, phase: this.#phase, optional: this.#optional });
  }

  /** Appends zeros to be written to the tensor. */
  clear(tensor: Tensor): void {
    const view = this.externalView(tensor);
    if (view) this.#dispatchGroups.changed(view.buffer, tensor);
    this.commands.push({ kind: "clear", tensor, phase: this.#phase, optional: this.#optional });
  }

  /**
   * See `KernelContext`. Calls for the start work on parameters, those for the end on gradients during `backward`.
   *
   * @internal
   */
  join(group: DispatchGroup, call: GroupedCall): Tensor | undefined {
    const { id } = call.of;
    const fits = group.when === "start" ? this.#parameters.has(id) : this.#inBackward && this.#gradientIds.has(id);
    if (!fits) return undefined;
    // A dispatch of several calls stands where the first of them does, and others may come later.
    return this.#as(false, () => this.#dispatchGroups.join(group, call));
  }

  /**
   * A tensor of words whose length is known once the graph is complete. With `numbers` it holds those, as u32, uploaded
   * with a plan.
   *
   * @internal
   */
  growing(label: string, numbers?: readonly number[]): GrowingTensor {
    const shape = [1];
    const tensor: Tensor = { id: this.#nextId++, label, shape, dtype: "f32" };
    if (numbers) this.#constants.set(tensor.id, numbers);
    return { tensor, grow: (elements) => void (shape[0] = elements) };
  }

  /**
   * A tensor that is a part of another, from byte `offset` on: a multiple of BINDING_ALIGNMENT.
   *
   * @internal
   */
  part(whole: Tensor, label: string, shape: readonly number[], offset: number): Tensor {
    const part = this.#tensor(label, shape, "f32");
    this.#storage.set(part.id, whole);
    this.#offsets.set(part.id, offset);
    return part;
  }

  /** Commands that `emit` appends belong to this phase; others to "forward", those of `backward` to "backward". */
  inPhase<T>(phase: Phase, emit: () => T): T {
    const before = this.#phase;
    this.#phase = phase;
    try {
      return emit();
    } finally {
      this.#phase = before;
    }
  }

  /**
   * Commands that `emit` appends may be left out of a replay (`Plan.run`): what they write must then not matter to the
   * others. A plan has room for them all the same.
   */
  optional<T>(emit: () => T): T {
    return this.#as(true, emit);
  }

  #as<T>(optional: boolean, emit: () => T): T {
    const before = this.#optional;
    this.#optional = optional;
    try {
      return emit();
    } finally {
      this.#optional = before;
    }
  }

  /** The caller's buffer in which a tensor lies; undefined for one of the plan's. */
  externalView(tensor: Tensor): BufferView | undefined {
    return this.#externals.get(this.storageOf(tensor).id);
  }

  /** Whether `keep` was called on the tensor, or on one with the same memory. */
  isKept(tensor: Tensor): boolean {
    return this.#kept.has(this.storageOf(tensor).id);
  }

  // Gradients: see GradientTape.

  /** Whether a gradient flows into this tensor. */
  needsGrad(tensor: Tensor): boolean {
    return this.#tape.needsGrad(tensor);
  }

  /** Asks for the gradient of a tensor that is not a parameter; read it with `gradOf` after `backward`. */
  track(tensor: Tensor): Tensor {
    this.#tape.track(tensor);
    return tensor;
  }

  /** The accumulated gradient of a parameter, or undefined where none is wanted. */
  parameterGrad(parameter: Tensor): Tensor | undefined {
    return this.#tape.parameterGrad(parameter);
  }

  /** The gradient of an activation after `backward`; undefined where none flows into it. */
  gradOf(tensor: Tensor): Tensor | undefined {
    return this.#tape.gradOf(tensor);
  }

  /** Called by an operation after its forward dispatches. */
  record(output: Tensor, inputs: readonly (Tensor | undefined)[], backward: (gradOutput: Tensor) => void): Tensor {
    this.#tape.record(output, inputs, backward);
    return output;
  }

  /**
   * Adds a term to the gradient of `tensor`. `write` puts the term into a fresh tensor; writers that can add another
   * tensor on the way (`fusesAdd`) save a pass when there is a gradient already.
   */
  addGrad(tensor: Tensor, write: GradWriter, fusesAdd = false): void {
    this.#tape.addGrad(tensor, write, fusesAdd);
  }

  /** Adds an existing tensor to the gradient of `tensor`, without a copy when it is the first term. */
  addGradTensor(tensor: Tensor, term: Tensor): void {
    this.#tape.addGradTensor(tensor, term);
  }

  /**
   * Appends the backward pass from `output`, whose gradient is `gradOutput`, and empties the tape. A loss of several
   * outputs gives the others in `also`.
   */
  backward(output: Tensor, gradOutput: Tensor, also: readonly OutputGradient[] = []): void {
    requireTensor("output", output);
    requireTensor("gradOutput", gradOutput);
    this.#inBackward = true;
    this.inPhase("backward", () => {
      this.#tape.rewind([{ output, gradOutput }, ...also]);
      this.#dispatchGroups.end();
    });
    this.#inBackward = false;
  }

  /** Whatever binds a parameter's buffer, but not as a parameter, may change it. */
  #noteUse(tensor: Tensor): void {
    const view = this.externalView(tensor);
    if (view && !this.#parameters.has(tensor.id)) this.#dispatchGroups.changed(view.buffer, tensor);
  }

  #tensor(label: string, shape: readonly number[], dtype: DType): Tensor {
    requireSizes(`the shape of '${label}'`, shape);
    requireOneOf(`the dtype of '${label}'`, dtype, ["f32", "f16", "u32"]);
    if (shape.some((n) => !Number.isSafeInteger(n) || n < 1)) {
      throw new VoxtwirlError(
        "bad-shape",
        `tensor '${label}' has shape ${formatShape(shape)}; every size must be a positive integer`,
        "Check the shapes that lead to this tensor.",
      );
    }
    return { id: this.#nextId++, label, shape: [...shape], dtype };
  }
}

/** @throws VoxtwirlError "unsupported" for f16 on an adapter without "shader-f16" */
export function requirePrecision(caps: GpuCaps, precision: Precision): void {
  requireOneOf("precision", precision, ["f32", "f16"]);
  if (precision !== "f16" || caps.f16) return;
  throw new VoxtwirlError(
    "unsupported",
    "this adapter cannot store in half precision: it has no shader-f16",
    "Use f32 (--precision f32), or another adapter: voxtwirl doctor shows what one has.",
  );
}

function requireCaps(caps: unknown): void {
  requireObject("caps", caps, "Give gpu.caps.");
  if (!("adapterClass" in caps)) {
    throw new VoxtwirlError("bad-option", `caps is ${kindOf(caps)}`, "Give gpu.caps.");
  }
}
