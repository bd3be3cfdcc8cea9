import { octahedralMatrices } from "../../src/equivariance/octahedral.ts";

/**
 * Twin of shaders/rotateOctahedral.wgsl for one grid [D, D, D, C]: every voxel of the input is moved to where the
 * matrix puts it, which is the active rotation (the shader gathers instead).
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
