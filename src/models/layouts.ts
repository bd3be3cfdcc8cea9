/**
 * Weight layouts: ours against PyTorch's.
 *
 * Both frameworks cross-correlate (out[i] sums x[i*s - p + k] w[k]), and in both the transposed convolution scatters
 * x[i] w[k] to out[i*s - p + k]. So going from one to the other is a permutation of axes and never a flip.
 *
 * | kind          | ours                 | PyTorch              |
 * |---------------|----------------------|----------------------|
 * | conv          | [kz, ky, kx, ci, co] | [co, ci, kz, ky, kx] |
 * | convTranspose | [kz, ky, kx, ci, co] | [ci, co, kz, ky, kx] |
 * | linear        | [ci, co]             | [co, ci]             |
 * | vector        | [c]                  | [c]                  |
 * | table         | [rows, c]            | [rows, c]            |
 * | scalar        | [1]                  | []                   |
 *
 * ci counts the channels of the layer's input, co those of its output, for the transposed convolution too.
 */
import { requireNumbers, requireOneOf, requireSizes } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";

/** Which layout a weight has; "vector" is one of biases and norms, "table" one of embeddings. */
export type WeightKind = "conv" | "convTranspose" | "linear" | "vector" | "table" | "scalar";

/** A weight with its shape. */
export interface WeightArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** PyTorch's axis d is our axis FROM_OURS[kind][d]. */
const FROM_OURS: Record<WeightKind, readonly number[]> = {
  conv: [4, 3, 0, 1, 2],
  convTranspose: [3, 4, 0, 1, 2],
  linear: [1, 0],
  vector: [0],
  table: [0, 1],
  scalar: [0],
};

/** A copy of a weight in PyTorch's layout, from ours. Throws "bad-shape" where rank or length do not fit. */
export function toTorch(kind: WeightKind, shape: readonly number[], data: Float32Array): WeightArray {
  const made = permute(kind, shape, data, axesOf(kind));
  return kind === "scalar" ? { ...made, shape: [] } : made;
}

/** A copy of a weight in our layout, from PyTorch's. Throws "bad-shape" where rank or length do not fit. */
export function fromTorch(kind: WeightKind, shape: readonly number[], data: Float32Array): WeightArray {
  const forward = axesOf(kind);
  return permute(
    kind,
    kind === "scalar" && shape.length === 0 ? [1] : shape,
    data,
    forward.map((_, axis) => forward.indexOf(axis)),
  );
}

function axesOf(kind: WeightKind): readonly number[] {
  requireOneOf("kind", kind, Object.keys(FROM_OURS));
  return FROM_OURS[kind];
}

/** Axis d of the result is axis `axes[d]` of the input. */
function permute(kind: WeightKind, shape: readonly number[], data: Float32Array, axes: readonly number[]): WeightArray {
  requireSizes("shape", shape);
  requireNumbers("data", data);
  const count = shape.reduce((product, size) => product * size, 1);
  if (shape.length !== axes.length || count !== data.length) {
    throw new VoxtwirlError(
      "bad-shape",
      `a weight of kind ${kind} has ${axes.length} axes, but the shape given is [${shape.join(", ")}] ` +
        `with ${data.length} values`,
      "Check that the weight belongs to this layer, and that its shape is in the layout of where it comes from.",
    );
  }
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  // Padded in front to five axes, so that one nest of loops does every rank.
  const pad = 5 - axes.length;
  const size = (d: number): number => (d < pad ? 1 : shape[axes[d - pad]!]!);
  const stride = (d: number): number => (d < pad ? 0 : strides[axes[d - pad]!]!);
  const out = new Float32Array(count);
  let o = 0;
  for (let a = 0; a < size(0); a++) {
    for (let b = 0; b < size(1); b++) {
      for (let c = 0; c < size(2); c++) {
        for (let d = 0; d < size(3); d++) {
          const start = a * stride(0) + b * stride(1) + c * stride(2) + d * stride(3);
          const last = stride(4);
          for (let e = 0, n = size(4); e < n; e++) out[o++] = data[start + e * last]!;
        }
      }
    }
  }
  return { shape: axes.map((axis) => shape[axis]!), data: out };
}
