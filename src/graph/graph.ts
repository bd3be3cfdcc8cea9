import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "../gpu/caps.ts";
import type { Dispatch, KernelContext } from "../gpu/dispatch.ts";
import type { DispatchGroup, GroupedCall } from "../gpu/dispatchGroup.ts";
import { byteLength, elementCount, formatShape, type DType, type Tensor } from "../gpu/tensor.ts";
import type { BufferView } from "../gpu/gpu.ts";
import { add } from "../kernels/add.ts";
import { DispatchGroups, type GrowingTensor } from "./dispatchGroups.ts";

/**
 * How a graph stores activations and their gradients. Parameters, their gradients, statistics and sums are f32 in both.
 * All is computed in f32, but for products on subgroup matrices (`GpuCaps.subgroupMatrices`), whose weights are rounded to f16.
 */
export type Precision = "f32" | "f16";

/** What a command is for: parts of a training step or an evaluation, told apart by the profiler. */
export type Phase = "data" | "forward" | "backward" | "optimiser" | "metric";

export type GraphCommand = { readonly phase: Phase } & (
  { readonly kind: "dispatch"; readonly dispatch: Dispatch } | { readonly kind: "clear"; readonly tensor: Tensor }
);

/** Writes a gradient; with `addend` given it writes the sum of the two. */
export type GradWriter = (target: Tensor, addend: Tensor | undefined) => void;

/**
 * A program under construction: dispatches in order on tensors without a place. Nothing runs; `Plan.create` makes it
 * concrete. Operations (src/graph/operations.ts) also leave a closure each, which `backward` calls in reverse order to
 * append the dispatches of the gradients.
 */
export class Graph implements KernelContext {
  readonly caps: GpuCaps;
  readonly precision: Precision;
  readonly commands: GraphCommand[] = [];
  readonly #externals = new Map<number, BufferView>();
  readonly #kept = new Set<number>();
  readonly #constants = new Map<number, readonly number[]>();
  readonly #storage = new Map<number, Tensor>();
  /** Of tensors that are parts of another: bytes from its beginning. */
  readonly #offsets = new Map<number, number>();
  readonly #parameters = new Set<number>();
  readonly #gradients = new Map<number, Tensor>();
  readonly #differentiable = new Set<number>();
  readonly #parameterGradients = new Map<number, Tensor>();
  readonly #gradientIds = new Set<number>();
  readonly #dispatchGroups = new DispatchGroups(this);
  #inBackward = false;
  #tape: { output: Tensor; backward: (gradOutput: Tensor) => void }[] = [];
  #nextId = 0;
  #phase: Phase = "forward";

  /** @throws VoxtwirlError "unsupported" for f16 on an adapter without "shader-f16" */
  constructor(caps: GpuCaps, options: { precision?: Precision | undefined } = {}) {
    this.caps = caps;
    this.precision = options.precision ?? "f32";
    if (this.precision === "f16" && !caps.f16) {
      throw new VoxtwirlError(
        "unsupported",
        "this adapter cannot store in half precision: it has no shader-f16",
        "Use f32 (--precision f32), or another adapter: voxtwirl doctor shows what one has.",
      );
    }
  }

  /** A tensor that lies in the caller's buffer: an input, a parameter, a state. */
  external(label: string, shape: readonly number[], view: BufferView, dtype: DType = "f32"): Tensor {
    const tensor = this.#tensor(label, shape, dtype);
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
      this.#parameterGradients.set(tensor.id, grad);
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

  /** The numbers of a tensor that is uploaded once, when a plan is made. */
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
    this.#kept.add(this.storageOf(tensor).id);
    return tensor;
  }

  dispatch(dispatch: Dispatch): void {
    for (const tensor of Object.values(dispatch.bindings)) this.#noteUse(tensor);
    this.commands.push({ kind: "dispatch", dispatch, phase: this.#phase });
  }

  clear(tensor: Tensor): void {
    const view = this.externalView(tensor);
    if (view) this.#dispatchGroups.changed(view.buffer, tensor);
    this.commands.push({ kind: "clear", tensor, phase: this.#phase });
  }

  /** See `KernelContext`. Calls for the start work on parameters, those for the end on gradients during `backward`. */
  join(group: DispatchGroup, call: GroupedCall): Tensor | undefined {
    const { id } = call.of;
    const fits = group.when === "start" ? this.#parameters.has(id) : this.#inBackward && this.#gradientIds.has(id);
    return fits ? this.#dispatchGroups.join(group, call) : undefined;
  }

  /**
   * A tensor of words whose length is known once the graph is complete. With `numbers` it holds those, as u32, uploaded
   * with a plan.
   */
  growing(label: string, numbers?: readonly number[]): GrowingTensor {
    const shape = [1];
    const tensor: Tensor = { id: this.#nextId++, label, shape, dtype: "f32" };
    if (numbers) this.#constants.set(tensor.id, numbers);
    return { tensor, grow: (elements) => void (shape[0] = elements) };
  }

  /** A tensor that is a part of another, from byte `offset` on: a multiple of BINDING_ALIGNMENT. */
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

  externalView(tensor: Tensor): BufferView | undefined {
    return this.#externals.get(this.storageOf(tensor).id);
  }

  isKept(tensor: Tensor): boolean {
    return this.#kept.has(this.storageOf(tensor).id);
  }

  // Gradients.

  /** Whether a gradient flows into this tensor. */
  needsGrad(tensor: Tensor): boolean {
    return this.#differentiable.has(tensor.id) || this.#parameterGradients.has(tensor.id);
  }

  /** Asks for the gradient of a tensor that is not a parameter; read it with `gradOf` after `backward`. */
  track(tensor: Tensor): Tensor {
    this.#differentiable.add(tensor.id);
    return tensor;
  }

  /** The accumulated gradient of a parameter, or undefined where none is wanted. */
  parameterGrad(parameter: Tensor): Tensor | undefined {
    return this.#parameterGradients.get(parameter.id);
  }

  gradOf(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor.id);
  }

  /** Called by an operation after its forward dispatches. */
  record(output: Tensor, inputs: readonly (Tensor | undefined)[], backward: (gradOutput: Tensor) => void): Tensor {
    if (inputs.some((input) => input && this.needsGrad(input))) {
      this.#differentiable.add(output.id);
      this.#tape.push({ output, backward });
    }
    return output;
  }

  /**
   * Adds a term to the gradient of `tensor`. `write` puts the term into a fresh tensor; writers that can add another
   * tensor on the way (`fusesAdd`) save a pass when there is a gradient already.
   */
  addGrad(tensor: Tensor, write: GradWriter, fusesAdd = false): void {
    if (!this.#isActivation(tensor)) return;
    const before = this.#gradients.get(tensor.id);
    const label = `${tensor.label} grad`;
    const term = this.scratch(label, tensor.shape, tensor.dtype);
    write(term, fusesAdd ? before : undefined);
    if (!before || fusesAdd) {
      this.#gradients.set(tensor.id, term);
      return;
    }
    const sum = this.scratch(label, tensor.shape, tensor.dtype);
    add(this, { label: `${label} sum`, a: before, b: term, y: sum });
    this.#gradients.set(tensor.id, sum);
  }

  /** Adds an existing tensor to the gradient of `tensor`, without a copy when it is the first term. */
  addGradTensor(tensor: Tensor, term: Tensor): void {
    if (!this.#isActivation(tensor)) return;
    if (term.dtype !== tensor.dtype) {
      throw new VoxtwirlError(
        "bad-shape",
        `'${tensor.label}' is ${tensor.dtype}, its gradient '${term.label}' ${term.dtype}`,
        "Give a gradient of the tensor's own dtype.",
      );
    }
    const before = this.#gradients.get(tensor.id);
    if (!before) {
      this.#gradients.set(tensor.id, term);
      return;
    }
    const sum = this.scratch(`${tensor.label} grad`, tensor.shape, tensor.dtype);
    add(this, { label: `${tensor.label} grad sum`, a: before, b: term, y: sum });
    this.#gradients.set(tensor.id, sum);
  }

  /** Whether a gradient may be added to this tensor; parameters get theirs from the kernels of weights only. */
  #isActivation(tensor: Tensor): boolean {
    if (this.#parameterGradients.has(tensor.id)) {
      throw new VoxtwirlError(
        "unsupported",
        `parameter '${tensor.label}' is used where an activation belongs, which gives it no gradient`,
        "Use it as a weight, bias, gamma or beta, or bind it without a gradient.",
      );
    }
    return this.#differentiable.has(tensor.id);
  }

  /** Appends the backward pass from `output`, whose gradient is `gradOutput`, and empties the tape. */
  backward(output: Tensor, gradOutput: Tensor): void {
    const tape = this.#tape;
    this.#tape = [];
    this.#inBackward = true;
    this.inPhase("backward", () => {
      this.addGradTensor(output, gradOutput);
      for (let i = tape.length - 1; i >= 0; i--) {
        const { output: y, backward } = tape[i]!;
        const gradient = this.#gradients.get(y.id);
        if (gradient) backward(gradient);
      }
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
