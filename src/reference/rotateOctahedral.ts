import { octahedralMatrices } from "../equivariance/octahedral.ts";
import { twin, type Twins } from "./twin.ts";

/**
 * Twin of shaders/rotation/rotateOctahedral.wgsl for one grid [D, D, D, C]: every voxel of the input is moved to where
 * the matrix puts it, which is the active rotation (the shader gathers instead).
 */
export function rotateOctahedral<T extends Float32Array | Float64Array>(
  x: T,
  size: number,
  channels: number,
  g: number,
): T {
  const matrix = octahedralMatrices[g]!;
  const y = x.slice() as T;
  const centre = (size - 1) / 2;
  for (let i = 0; i < size ** 3; i++) {
    const p = [(i % size) - centre, (Math.floor(i / size) % size) - centre, Math.floor(i / size ** 2) - centre];
    const moved = [0, 1, 2].map(
      (row) => matrix[3 * row]! * p[0]! + matrix[3 * row + 1]! * p[1]! + matrix[3 * row + 2]! * p[2]! + centre,
    );
    const j = (moved[2]! * size + moved[1]!) * size + moved[0]!;
    for (let c = 0; c < channels; c++) y[j * channels + c] = x[i * channels + c]!;
  }
  return y;
}

type Sizes = "samples" | "size" | "channels" | "each" | "perSample";

export const twins: Twins = {
  rotateOctahedral: twin<"x" | "rotations", Sizes>(({ x, rotations }, { samples, size, channels, each, perSample }) => {
    const elements = size ** 3 * channels;
    const y = new Float64Array(samples * each * elements);
    for (let n = 0; n < samples; n++) {
      const grid = Float64Array.from({ length: elements }, (_, i) => x[n * elements + i]!);
      for (let r = 0; r < each; r++) {
        const rotation = rotations[perSample ? n : r]!;
        y.set(rotateOctahedral(grid, size, channels, rotation), (n * each + r) * elements);
      }
    }
    return { y };
  }),
};
