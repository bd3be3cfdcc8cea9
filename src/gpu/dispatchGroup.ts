import type { Shader } from "./shader.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Small calls of one kernel on parameters, or on their gradients, that lie together in a flat buffer. Each as a
 * dispatch of its own takes longer to start than to run: on a processor that wakes threads, on a GPU it drains the
 * machine.
 */
export interface DispatchGroup {
  readonly name: string;
  readonly shader: Shader;
  /** With shaders/shared/dispatchGroup.wgsl: bindings `table`, and the two below; in `struct Params` only `calls`. */
  readonly constants: Record<string, number | boolean>;
  /** "start": before the first that reads what a call writes. "end": at the end of the backward pass. */
  readonly when: "start" | "end";
  /** The binding of the flat buffer. */
  readonly flat: string;
  /** The binding of the other side: all calls' tensors in one. */
  readonly own: string;
}

export interface GroupedCall {
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
