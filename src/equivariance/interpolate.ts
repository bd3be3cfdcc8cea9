import type { ResampleMethod } from "../kernels/rotation/resample.ts";
import { zerosLike, type FloatArray } from "./numbers.ts";
import { requireGrid } from "./octahedral.ts";

/**
 * One grid [D, D, D, C] rotated with interpolation: out(p) = in(R^-1 p), p from the centre (D-1)/2, values outside the
 * grid are 0. The host's form of the `resample` kernel, for models that are not on the GPU.
 *
 * @param rotation nine numbers, row major, active
 * @throws VoxtwirlError "bad-shape" when `data` does not hold D^3 C numbers
 */
export function rotateGridInterpolated<T extends FloatArray>(
  data: T,
  size: number,
  channels: number,
  rotation: readonly number[],
  method: ResampleMethod,
): T {
  requireGrid(data, size, channels);
  const rotated = zerosLike(data);
  const centre = (size - 1) / 2;
  const taps = method === "trilinear" ? 2 : 4;
  const first = new Int32Array(3);
  const weights = new Float64Array(3 * taps);
  const sums = new Float64Array(channels);
  let to = 0;
  for (let z = 0; z < size; z++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const [px, py, pz] = [x - centre, y - centre, z - centre];
        for (let axis = 0; axis < 3; axis++) {
          const source = rotation[axis]! * px + rotation[3 + axis]! * py + rotation[6 + axis]! * pz + centre;
          first[axis] = Math.floor(source) - (taps / 2 - 1);
          for (let i = 0; i < taps; i++) {
            const at = first[axis]! + i;
            weights[axis * taps + i] = at >= 0 && at < size ? tapWeight(method, source - at) : 0;
          }
        }
        sums.fill(0);
        for (let k = 0; k < taps; k++) {
          for (let j = 0; j < taps; j++) {
            for (let i = 0; i < taps; i++) {
              const weight = weights[i]! * weights[taps + j]! * weights[2 * taps + k]!;
              if (weight === 0) continue;
              const from = (((first[2]! + k) * size + first[1]! + j) * size + first[0]! + i) * channels;
              for (let c = 0; c < channels; c++) sums[c]! += weight * data[from + c]!;
            }
          }
        }
        rotated.set(sums, to);
        to += channels;
      }
    }
  }
  return rotated;
}

/** Weight of a neighbour at signed distance t along one axis; Catmull-Rom is Keys' cubic convolution with a = -1/2. */
function tapWeight(method: ResampleMethod, t: number): number {
  const d = Math.abs(t);
  if (method === "trilinear") return Math.max(0, 1 - d);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Voxels of a cubic grid whose centres lie within the inscribed ball, of radius (D-1)/2 voxels, in rising order. */
export function ballVoxels(size: number): Uint32Array {
  const last = size - 1;
  const inside: number[] = [];
  for (let voxel = 0; voxel < size ** 3; voxel++) {
    const p = [voxel % size, Math.floor(voxel / size) % size, Math.floor(voxel / size ** 2)];
    if (p.reduce((sum, i) => sum + (2 * i - last) ** 2, 0) <= last * last) inside.push(voxel);
  }
  return Uint32Array.from(inside);
}

/** The chosen voxels of a grid [D, D, D, C]. */
export function gatherVoxels<T extends FloatArray>(grid: T, voxels: Uint32Array, channels: number): T {
  const chosen = zerosLike(grid, voxels.length * channels);
  for (let i = 0; i < voxels.length; i++) {
    const from = voxels[i]! * channels;
    for (let c = 0; c < channels; c++) chosen[i * channels + c] = grid[from + c]!;
  }
  return chosen;
}
