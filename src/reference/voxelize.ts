import { twin, type Twins } from "./twin.ts";

/** Twin of shaders/voxelize.wgsl: one molecule in one pose, [D, D, D, E]. Atoms are rows of (x, y, z, channel). */
export function voxelize(
  atoms: readonly (readonly number[])[],
  pose: ArrayLike<number>,
  { size, channels, resolution }: { size: number; channels: number; resolution: number },
): Float64Array {
  const empty = new Float64Array(size ** 3 * channels).fill(1);
  const centre = (size - 1) / 2;
  for (const [ax, ay, az, channel] of atoms as [number, number, number, number][]) {
    if (channel < 0 || channel >= channels) continue;
    const position = [0, 1, 2].map(
      (i) => pose[3 * i]! * ax + pose[3 * i + 1]! * ay + pose[3 * i + 2]! * az + pose[9 + i]!,
    );
    for (let z = 0; z < size; z++) {
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const d = [x, y, z].map((i, axis) => (i - centre) * resolution - position[axis]!);
          const squared = d[0]! ** 2 + d[1]! ** 2 + d[2]! ** 2;
          if (squared > 1.25 ** 2) continue;
          empty[((z * size + y) * size + x) * channels + channel]! *= 1 - Math.exp(-squared / (0.93 * 0.5) ** 2);
        }
      }
    }
  }
  return empty.map((value) => 1 - value);
}

type Tensors = "atoms" | "offsets" | "molecules" | "poses";

export const twins: Twins = {
  voxelize: twin<Tensors, "samples" | "size" | "channels">(({ atoms, offsets, molecules, poses }, shape) => {
    const grids = Array.from({ length: shape.samples }, (_, n) => {
      const [from, to] = [offsets[molecules[n]!]!, offsets[molecules[n]! + 1]!];
      const own = Array.from({ length: to - from }, (_, i) => [0, 1, 2, 3].map((k) => atoms[4 * (from + i) + k]!));
      const pose = Array.from({ length: 12 }, (_, i) => poses[12 * n + i]!);
      return voxelize(own, pose, { size: shape.size, channels: shape.channels, resolution: 0.5 });
    });
    return { y: Float64Array.from(grids.flatMap((grid) => [...grid])) };
  }),
};
