import { VoxtwirlError } from "../errors.ts";
import type { GpuCaps } from "./caps.ts";
import type { DispatchGroup, GroupedCall } from "./dispatchGroup.ts";
import type { Shader } from "./shader.ts";
import type { DType, Tensor } from "./tensor.ts";

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
  dispatch(d: Dispatch): void;
  /** Fills the tensor with zero bytes. */
  clear(tensor: Tensor): void;
  /** A transient tensor whose contents are undefined until written. */
  scratch(label: string, shape: readonly number[], dtype?: DType): Tensor;
  /**
   * Makes the call in one dispatch with others of its kind: gives the tensor that it reads or writes, or nothing where
   * it cannot wait or stand at the beginning, and the caller has to dispatch it.
   */
  join?(group: DispatchGroup, call: GroupedCall): Tensor | undefined;
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
