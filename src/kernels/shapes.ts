import { requireTensor } from "../check.ts";
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
  for (const [name, tensor] of Object.entries(tensors)) requireTensor(`${label}: ${name}`, tensor);
  const [first, ...rest] = Object.values(tensors);
  if (rest.some((tensor) => !sameShape(tensor.shape, first!.shape))) {
    throw badShape(label, "shapes must be equal", tensors);
  }
}

/** @throws VoxtwirlError "bad-shape" unless the tensor, called `name`, has this shape. */
export function requireShape(label: string, name: string, tensor: Tensor, shape: readonly number[]): void {
  requireTensor(`${label}: ${name}`, tensor);
  if (!sameShape(tensor.shape, shape)) {
    throw badShape(label, `'${name}' must have shape ${formatShape(shape)}`, { [name]: tensor });
  }
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * How many samples of x share a row of the first of these tensors that there is, of which the last `beyond` rows are of
 * no sample: sample n has row floor(n / copies). 1 where there is no such tensor.
 *
 * @throws VoxtwirlError "bad-shape" unless it is a whole number
 */
export function copiesOf(
  label: string,
  x: Tensor,
  shared: Readonly<Record<string, Tensor | undefined>>,
  beyond = 0,
): number {
  const [name, tensor] = Object.entries(shared).find(([, tensor]) => tensor !== undefined) ?? [];
  if (name === undefined || tensor === undefined) return 1;
  requireTensor(`${label}: ${name}`, tensor);
  const [samples, chains] = [x.shape[0]!, tensor.shape[0]! - beyond];
  const copies = samples / chains;
  if (Number.isInteger(copies)) return copies;
  const problem = `there are ${samples} samples, no multiple of the ${chains} chains that '${name}' is of`;
  throw badShape(label, problem, { x, [name]: tensor });
}

/** Samples, voxels (all axes between the first and the last) and channels of a channels-last tensor. */
export interface VoxelShape {
  samples: number;
  voxels: number;
  channels: number;
}

/** @throws VoxtwirlError "bad-shape" when the tensor, called `name`, has fewer than two axes or is empty. */
export function voxelShape(label: string, name: string, tensor: Tensor): VoxelShape {
  requireTensor(`${label}: ${name}`, tensor);
  const { shape } = tensor;
  if (shape.length < 2 || elementCount(shape) === 0) {
    throw badShape(label, `'${name}' must have shape [N, ..., C] and be non-empty`, { [name]: tensor });
  }
  return { samples: shape[0]!, voxels: elementCount(shape.slice(1, -1)), channels: shape[shape.length - 1]! };
}
