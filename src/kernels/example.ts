import type { KernelContext } from "../gpu/dispatch.ts";
import type { DType, Tensor } from "../gpu/tensor.ts";

/** What a tensor holds before the call: numbers around 0 or 1, rotations, or for what is only written, NaN. */
export type Contents = "around 0" | "around 1" | "positive" | "elements" | "matrices" | "written";

/** A tensor of an example. */
export interface ExampleTensor {
  readonly shape: readonly number[];
  /** Or the numbers themselves, where only certain ones make sense. */
  readonly contents: Contents | Float32Array | Uint32Array;
  /** Read back and compared. */
  readonly output?: boolean;
  /** Stored as the call's activations are; others are f32 or, rotations by number and whole numbers, u32. */
  readonly activation?: boolean;
  /** An output of whole numbers. */
  readonly whole?: boolean;
}

/** A call of a kernel on tensors of its own: to prove it, to time its variants and to compare their results. */
export interface Example {
  readonly tensors: Readonly<Record<string, ExampleTensor>>;
  /** Terms in a sum of the results: what rounding grows with; 0 where nothing is rounded. */
  readonly terms: number;
  /** Appends the call. */
  emit(this: void, ctx: KernelContext, tensors: Readonly<Record<string, Tensor>>): void;
}

/** An example whose `emit` knows its tensors by name. */
export function example<T extends Readonly<Record<string, ExampleTensor>>>(of: {
  readonly tensors: T;
  readonly terms: number;
  emit(this: void, ctx: KernelContext, tensors: { readonly [N in keyof T]: Tensor }): void;
}): Example {
  return of;
}

export const input = (shape: readonly number[], contents: ExampleTensor["contents"] = "around 0"): ExampleTensor => {
  return { shape, contents };
};

export const output = (shape: readonly number[]): ExampleTensor => ({ shape, contents: "written", output: true });

/** Written with whole numbers. */
export const wholeOutput = (shape: readonly number[]): ExampleTensor => ({ ...output(shape), whole: true });

/** Added to by the kernel. */
export const sum = (shape: readonly number[], contents: ExampleTensor["contents"] = "around 0"): ExampleTensor => {
  return { shape, contents, output: true };
};

/** An input or output that a network stores in its precision. */
export const activation = (tensor: ExampleTensor): ExampleTensor => ({ ...tensor, activation: true });

/** How a tensor is stored in a call whose activations are `dtype`. */
export function dtypeOf({ contents, activation, whole }: ExampleTensor, dtype: DType): DType {
  if (whole || contents === "elements" || contents instanceof Uint32Array) return "u32";
  return activation ? dtype : "f32";
}

/** The uniform `Step` of shaders/shared/step.wgsl: seed, step and sample as whole numbers, then rates. */
export function stepExample(): ExampleTensor {
  const words = Uint32Array.of(7, 0, 3, 1, 0, 0, 0, 0);
  // Learning rate, both bias corrections, decay of the average.
  new Float32Array(words.buffer).set([1e-2, 0.19, 0.002, 0.9], 4);
  return input([words.length], words);
}
