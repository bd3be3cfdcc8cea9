import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "./caps.ts";

/** f16 is for storage only: kernels convert what they load, and compute and add up in f32. */
export type DType = "f32" | "f16" | "u32";

/** A shape, a type and a name; where its data lies is decided when a plan is made. Channels-last (N, D, H, W, C). */
export interface Tensor {
  readonly id: number;
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The text of one `.wgsl` file and its base name (used in labels and error messages). */
export interface Shader {
  readonly name: string;
  readonly code: string;
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
}

/** Where kernels put their dispatches, in order. Implemented by `Graph`. */
export interface KernelContext {
  readonly caps: GpuCaps;
  dispatch(d: Dispatch): void;
  /** Fills the tensor with zero bytes. */
  clear(tensor: Tensor): void;
  /** A transient tensor whose contents are undefined until written. */
  scratch(label: string, shape: readonly number[], dtype?: DType): Tensor;
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
