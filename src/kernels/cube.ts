import type { Tensor } from "../gpu/tensor.ts";
import { badShape } from "./shapes.ts";

/** A batch of cubic voxel grids [N, D, D, D, C]. */
export interface CubeShape {
  readonly samples: number;
  /** Voxels along an edge. */
  readonly size: number;
  readonly channels: number;
}

/** @throws VoxtwirlError "bad-shape" unless the tensor, called `name`, is f32 [N, D, D, D, C] and not empty. */
export function cubeShape(label: string, name: string, tensor: Tensor): CubeShape {
  const { shape, dtype } = tensor;
  const [samples, size, height, width, channels] = shape as [number, number, number, number, number];
  const cubic = shape.length === 5 && size === height && size === width && shape.every((n) => n > 0);
  if (!cubic || dtype !== "f32") throw badShape(label, `'${name}' must be f32 [N, D, D, D, C]`, { [name]: tensor });
  return { samples, size, channels };
}

/** Channels that one thread keeps in registers, and how many such blocks cover all of them. */
export function channelBlocks(channels: number, most = 8): { block: number; blocks: number } {
  const block = Math.min(channels, most);
  return { block, blocks: Math.ceil(channels / block) };
}

/** The largest divisor of n that is not above the limit: lines of voxels cut into equal pieces. */
export function largestDivisor(n: number, limit: number): number {
  let divisor = Math.min(n, limit);
  while (n % divisor !== 0) divisor--;
  return divisor;
}
