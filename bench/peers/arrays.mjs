// Raw float32 files, and the axes of arrays between the files' layout and an engine's.
import { readFileSync, writeFileSync } from "node:fs";

/** Product of the sizes. */
export function count(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/** The values of a tensor's file. Throws where the file does not have as many as the shape says. */
export function readTensor({ name, shape, file }) {
  const bytes = readFileSync(file);
  if (bytes.byteLength !== 4 * count(shape)) {
    throw new Error(
      `${name}: ${bytes.byteLength} bytes in ${file}, expected ${4 * count(shape)} for [${shape.join(", ")}]`,
    );
  }
  // A copy, because a Buffer need not lie on a multiple of four bytes.
  const data = new Float32Array(count(shape));
  new Uint8Array(data.buffer).set(bytes);
  return { shape, data };
}

export function writeTensor({ name, shape, file }, data) {
  if (data.length !== count(shape)) {
    throw new Error(
      `${name}: the engine gave ${data.length} values, expected ${count(shape)} for [${shape.join(", ")}]`,
    );
  }
  writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** A copy whose axis d is the input's axis `axes[d]`. */
export function permute({ shape, data }, axes) {
  const strides = shape.map((_, axis) => count(shape.slice(axis + 1)));
  const to = axes.map((axis) => shape[axis]);
  const out = new Float32Array(data.length);
  const index = new Array(to.length).fill(0);
  const last = to.length - 1;
  const step = strides[axes[last]];
  for (let o = 0; o < out.length;) {
    let from = 0;
    for (let d = 0; d < last; d++) from += index[d] * strides[axes[d]];
    for (let i = 0; i < to[last]; i++) out[o++] = data[from + i * step];
    for (let d = last - 1; d >= 0 && ++index[d] === to[d]; d--) index[d] = 0;
  }
  return { shape: to, data: out };
}

/** Channels-last activations to channels-first, [..., D, H, W, C] to [..., C, D, H, W], and back. */
export function channelsFirst(tensor) {
  return permute(tensor, activationAxes(tensor.shape.length, true));
}

export function channelsLast(tensor) {
  return permute(tensor, activationAxes(tensor.shape.length, false));
}

function activationAxes(rank, first) {
  const leading = Array.from({ length: rank - 4 }, (_, i) => i);
  const [a, b, c, d] = [rank - 4, rank - 3, rank - 2, rank - 1];
  return first ? [...leading, d, a, b, c] : [...leading, b, c, d, a];
}

/** Weights of the files, [k, k, k, C in, C out], in PyTorch's and ONNX's layout: [C out, C in, k, k, k] ... */
export const CONV_AXES = [4, 3, 0, 1, 2];
/** ... and for transposed convolutions [C in, C out, k, k, k]. */
export const CONV_TRANSPOSE_AXES = [3, 4, 0, 1, 2];
/** From [C out, C in, k, k, k] to the files' layout. */
export const CONV_AXES_BACK = [2, 3, 4, 1, 0];
