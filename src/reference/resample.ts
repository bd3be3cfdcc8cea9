import { twin, type Twins } from "./twin.ts";

/** Keys' kernel of the interpolation: the weight of a neighbour at distance t along one axis. */
export function tapWeight(method: "trilinear" | "catmullRom", t: number): number {
  const d = Math.abs(t);
  if (method === "trilinear") return Math.max(0, 1 - d);
  if (d < 1) return 1.5 * d ** 3 - 2.5 * d ** 2 + 1;
  return d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;
}

/**
 * Twin of shaders/rotation/resample.wgsl: the nonzero entries of the matrix A of y = A x for one grid and rotation, as
 * (output voxel, input voxel, weight). The adjoint's twin reads the same list the other way.
 */
export function resampleEntries(
  size: number,
  rotation: ArrayLike<number>,
  method: "trilinear" | "catmullRom",
): { to: number; from: number; weight: number }[] {
  const entries: { to: number; from: number; weight: number }[] = [];
  const centre = (size - 1) / 2;
  const reach = method === "trilinear" ? 1 : 2;
  const range = (s: number) => {
    const inside: number[] = [];
    for (let i = 0; i < size; i++) if (Math.abs(i - s) < reach) inside.push(i);
    return inside;
  };
  for (let z = 0; z < size; z++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const p = [x - centre, y - centre, z - centre];
        const s = [0, 1, 2].map(
          (j) => rotation[j]! * p[0]! + rotation[3 + j]! * p[1]! + rotation[6 + j]! * p[2]! + centre,
        );
        for (const k of range(s[2]!)) {
          for (const j of range(s[1]!)) {
            for (const i of range(s[0]!)) {
              const weight = [i, j, k].reduce((w, at, axis) => w * tapWeight(method, s[axis]! - at), 1);
              entries.push({ to: (z * size + y) * size + x, from: (k * size + j) * size + i, weight });
            }
          }
        }
      }
    }
  }
  return entries;
}

/** y = A x, or gradX = A^T gradY with `transposed`, for grids [N, D, D, D, C] with rotations [N, 9]. */
export function resample(
  x: ArrayLike<number>,
  rotations: ArrayLike<number>,
  shape: readonly [number, number, number],
  method: "trilinear" | "catmullRom",
  transposed = false,
): Float64Array {
  const [samples, size, channels] = shape;
  const out = new Float64Array(samples * size ** 3 * channels);
  for (let n = 0; n < samples; n++) {
    const rotation = Array.from({ length: 9 }, (_, i) => rotations[9 * n + i]!);
    for (const { to, from, weight } of resampleEntries(size, rotation, method)) {
      const [write, read] = transposed ? [from, to] : [to, from];
      for (let c = 0; c < channels; c++) {
        out[(n * size ** 3 + write) * channels + c]! += weight * x[(n * size ** 3 + read) * channels + c]!;
      }
    }
  }
  return out;
}

type Sizes = "samples" | "size" | "channels" | "cubic";

const sizesOf = ({ samples, size, channels }: Readonly<Record<Sizes, number>>) => [samples, size, channels] as const;
const methodOf = ({ cubic }: Readonly<Record<Sizes, number>>) => (cubic ? "catmullRom" : "trilinear");

export const twins: Twins = {
  resample: twin<"x" | "rotations", Sizes>(({ x, rotations }, shape) => {
    return { y: resample(x, rotations, sizesOf(shape), methodOf(shape)) };
  }),
  resampleGrad: twin<"gradY" | "rotations", Sizes>(({ gradY, rotations }, shape) => {
    return { gradX: resample(gradY, rotations, sizesOf(shape), methodOf(shape), true) };
  }),
};
