import { elementCount, formatShape, type Tensor } from "../gpu/tensor.ts";
import { VoxtwirlError } from "../errors.ts";

/** An error of code "bad-shape" that names the call and shows the shapes. */
export function badShape(label: string, problem: string, tensors: Readonly<Record<string, Tensor>>): VoxtwirlError {
  const typeOf = ({ dtype }: Tensor) => (dtype === "f32" ? "" : ` ${dtype}`);
  const shapes = Object.entries(tensors).map(
    ([name, tensor]) => `${name} ${formatShape(tensor.shape)}${typeOf(tensor)}`,
  );
  const message = `${label}: ${problem} (${shapes.join(", ")})`;
  return new VoxtwirlError("bad-shape", message, "Pass tensors of matching shapes.");
}

/** @throws VoxtwirlError "bad-shape" unless all tensors have one shape. */
export function requireSameShape(label: string, tensors: Readonly<Record<string, Tensor>>): void {
  const [first, ...rest] = Object.values(tensors);
  if (rest.some((tensor) => !sameShape(tensor.shape, first!.shape))) {
    throw badShape(label, "shapes must be equal", tensors);
  }
}

/** @throws VoxtwirlError "bad-shape" unless the tensor, called `name`, has this shape. */
export function requireShape(label: string, name: string, tensor: Tensor, shape: readonly number[]): void {
  if (!sameShape(tensor.shape, shape)) {
    throw badShape(label, `'${name}' must have shape ${formatShape(shape)}`, { [name]: tensor });
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Samples, voxels (all axes between the first and the last) and channels of a channels-last tensor. */
export interface VoxelShape {
  samples: number;
  voxels: number;
  channels: number;
}

/** @throws VoxtwirlError "bad-shape" when the tensor, called `name`, has fewer than two axes or is empty. */
export function voxelShape(label: string, name: string, tensor: Tensor): VoxelShape {
  const { shape } = tensor;
  if (shape.length < 2 || elementCount(shape) === 0) {
    throw badShape(label, `'${name}' must have shape [N, ..., C] and be non-empty`, { [name]: tensor });
  }
  return { samples: shape[0]!, voxels: elementCount(shape.slice(1, -1)), channels: shape[shape.length - 1]! };
}
