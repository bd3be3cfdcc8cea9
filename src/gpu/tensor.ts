import { requireObject, requireSizes } from "../check.ts";

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

/** The product of the sizes; 1 for a scalar, []. */
export function elementCount(shape: readonly number[]): number {
  requireSizes("shape", shape);
  return shape.reduce((product, n) => product * n, 1);
}

/** Bytes of one element. */
export function elementBytes({ dtype }: Pick<Tensor, "dtype">): number {
  return dtype === "f16" ? 2 : 4;
}

/** Bytes that a tensor takes: whole words, as bindings are. */
export function byteLength(tensor: Pick<Tensor, "shape" | "dtype">): number {
  requireObject("tensor", tensor, "Give a tensor, or { shape, dtype }.");
  return Math.ceil((elementCount(tensor.shape) * elementBytes(tensor)) / 4) * 4;
}

/** `[2, 16, 16, 16, 8]`, for messages. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
