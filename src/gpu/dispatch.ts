import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "./caps.ts";

/** f16 is for storage: kernels convert what they load, and compute in f32. Subgroup matrices take f16, sum in f32. */
export type DType = "f32" | "f16" | "u32";

/** A shape, a type and a name; where its data lies is decided when a plan is made. Channels-last (N, D, H, W, C). */
export interface Tensor {
  /** Unique in its graph. */
  readonly id: number;
  /** What messages and profiles call it. */
  readonly label: string;
  /** Sizes, the fastest axis last. */
  readonly shape: readonly number[];
  /** The type of its elements in memory. */
  readonly dtype: DType;
}

/** The text of one `.wgsl` file and its base name (used in labels and error messages). */
export interface Shader {
  readonly name: string;
  readonly code: string;
}

/** A call of a kernel that has variants to choose from: what it chose by, and what it chose. Plain data. */
export interface KernelCall {
  /** `conv3d`, `groupNormGrad` ... */
  readonly kernel: string;
  /** The kernel and all that a choice depends on, as one line: `conv3d 8x16x16x16x5 -> 16x16x16x8, k3 s1 p1`. */
  readonly key: string;
  readonly shape: Readonly<Record<string, number>>;
  /** How its activations are stored. */
  readonly dtype: DType;
  /** The name of the variant that runs. */
  readonly variant: string;
  /** The one of the table. */
  readonly fallback: string;
}

/** One `dispatchWorkgroups` of one shader, described on tensors; see `KernelContext`. */
export interface Dispatch {
  /** Reads well in a capture: `unet/down1/res0/conv1 gradWeight`. */
  label: string;
  shader: Shader;
  /** Specialisation constants: each distinct set is a pipeline of its own. */
  constants?: Record<string, number | boolean>;
  /** Fields of the shader's `struct Params`; all of them. */
  params?: Record<string, number | readonly number[]>;
  /** Tensors by the shader's variable names; all of them. */
  bindings: Record<string, Tensor>;
  workgroups: readonly [number, number, number];
  /** Useful floating-point operations (a multiply-add counts two). */
  flops: number;
  /** Compulsory traffic: each input read once, each output written once. */
  bytes: number;
  /** Given with one of the dispatches of a kernel that has variants. */
  call?: KernelCall;
}

/** Where kernels put their dispatches, in order. Implemented by `Graph`. */
export interface KernelContext {
  readonly caps: GpuCaps;
  /** Appends a dispatch. */
  dispatch(d: Dispatch): void;
  /** Fills the tensor with zero bytes. */
  clear(tensor: Tensor): void;
  /** A transient tensor whose contents are undefined until written. */
  scratch(label: string, shape: readonly number[], dtype?: DType): Tensor;
  /**
   * Makes the call in one dispatch with others of its kind: gives the tensor that it reads or writes, or nothing where
   * it cannot wait or stand at the beginning, and the caller has to dispatch it.
   *
   * @internal
   */
  join?(batch: Batch, call: BatchCall): Tensor | undefined;
}

/**
 * Small calls of one kernel on parameters, or on their gradients, that lie together in a flat buffer. Each as a
 * dispatch of its own takes longer to start than to run: on a processor that wakes threads, on a GPU it drains the
 * machine.
 */
export interface Batch {
  readonly name: string;
  readonly shader: Shader;
  /** With shaders/shared/batch.wgsl: bindings `table`, and the two below; in `struct Params` only `calls`. */
  readonly constants: Record<string, number | boolean>;
  /** "start": before the first that reads what a call writes. "end": at the end of the backward pass. */
  readonly when: "start" | "end";
  /** The binding of the flat buffer. */
  readonly flat: string;
  /** The binding of the other side: all calls' tensors in one. */
  readonly own: string;
}

export interface BatchCall {
  label: string;
  /** The parameter, or the gradient of one. */
  of: Tensor;
  /** The shape of what else the call reads or writes, or what a call before was given, from element `first` on. */
  own: { readonly shape: readonly number[] } | { readonly part: Tensor; readonly first: number };
  /** The row of the table after the first workgroup and the two tensors' first elements. */
  values: readonly number[];
  workgroups: number;
  flops: number;
  bytes: number;
}

/** WebGPU's guaranteed maximum of workgroups in one dimension. */
export const MAX_WORKGROUPS_PER_DIMENSION = 65_535;

/**
 * A dispatch of at least `count` workgroups in one logical dimension, folded into two where `count` exceeds the limit
 * of one. The shader finds its index with `linear_workgroup` of `shaders/shared/grid.wgsl` and must ignore indices
 * of `count` and above.
 */
export function workgroups1d(count: number): [number, number, number] {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new VoxtwirlError("internal", `workgroup count ${count} is not a count`, "Report this: a kernel is wrong.");
  }
  if (count <= MAX_WORKGROUPS_PER_DIMENSION) return [Math.max(count, 1), 1, 1];
  const rows = Math.ceil(count / MAX_WORKGROUPS_PER_DIMENSION);
  return [Math.ceil(count / rows), rows, 1];
}

/** The product of the sizes; 1 for a scalar, []. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Bytes of one element. */
export function elementBytes({ dtype }: Pick<Tensor, "dtype">): number {
  return dtype === "f16" ? 2 : 4;
}

/** Bytes that a tensor takes: whole words, as bindings are. */
export function byteLength(tensor: Pick<Tensor, "shape" | "dtype">): number {
  return Math.ceil((elementCount(tensor.shape) * elementBytes(tensor)) / 4) * 4;
}

/** `[2, 16, 16, 16, 8]`, for messages. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
