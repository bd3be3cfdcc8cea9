import { VoxtwirlError } from "../errors.ts";
import type { KernelContext } from "../gpu/dispatch.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { add } from "../kernels/add.ts";

/** Writes a gradient; with `addend` given it writes the sum of the two. */
export type GradWriter = (target: Tensor, addend: Tensor | undefined) => void;

/** An output that a loss is of, and the loss's gradient with respect to it. */
export interface OutputGradient {
  readonly output: Tensor;
  readonly gradOutput: Tensor;
}

/** Reverse-mode differentiation of a graph: which tensors have gradients, and what operations left to do backwards. */
export class GradientTape {
  readonly #ctx: KernelContext;
  readonly #gradients = new Map<number, Tensor>();
  readonly #differentiable = new Set<number>();
  readonly #parameterGradients = new Map<number, Tensor>();
  #records: { output: Tensor; backward: (gradOutput: Tensor) => void }[] = [];

  constructor(ctx: KernelContext) {
    this.#ctx = ctx;
  }

  setParameterGrad(parameter: Tensor, gradient: Tensor): void {
    this.#parameterGradients.set(parameter.id, gradient);
  }

  parameterGrad(parameter: Tensor): Tensor | undefined {
    return this.#parameterGradients.get(parameter.id);
  }

  needsGrad(tensor: Tensor): boolean {
    return this.#differentiable.has(tensor.id) || this.#parameterGradients.has(tensor.id);
  }

  track(tensor: Tensor): void {
    this.#differentiable.add(tensor.id);
  }

  gradOf(tensor: Tensor): Tensor | undefined {
    return this.#gradients.get(tensor.id);
  }

  record(output: Tensor, inputs: readonly (Tensor | undefined)[], backward: (gradOutput: Tensor) => void): void {
    if (!inputs.some((input) => input && this.needsGrad(input))) return;
    this.#differentiable.add(output.id);
    this.#records.push({ output, backward });
  }

  addGrad(tensor: Tensor, write: GradWriter, fusesAdd: boolean): void {
    if (!this.#isActivation(tensor)) return;
    const before = this.#gradients.get(tensor.id);
    const term = this.#ctx.scratch(`${tensor.label} grad`, tensor.shape, tensor.dtype);
    write(term, fusesAdd ? before : undefined);
    this.#gradients.set(tensor.id, !before || fusesAdd ? term : this.#sum(tensor, before, term));
  }

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
    this.#gradients.set(tensor.id, before ? this.#sum(tensor, before, term) : term);
  }

  #sum(tensor: Tensor, before: Tensor, term: Tensor): Tensor {
    const label = `${tensor.label} grad`;
    const sum = this.#ctx.scratch(label, tensor.shape, tensor.dtype);
    add(this.#ctx, { label: `${label} sum`, a: before, b: term, y: sum });
    return sum;
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

  /** Goes back from outputs to all that they came from; the tape is then empty. */
  rewind(ends: readonly OutputGradient[]): void {
    const records = this.#records;
    this.#records = [];
    for (const { output, gradOutput } of ends) this.addGradTensor(output, gradOutput);
    for (let i = records.length - 1; i >= 0; i--) {
      const { output: y, backward } = records[i]!;
      const gradient = this.#gradients.get(y.id);
      if (gradient) backward(gradient);
    }
  }
}
