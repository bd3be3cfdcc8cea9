import { octahedralMatrices } from "../equivariance/octahedral.ts";
import { philox4x32, uniformFromBits } from "../kernels/philox.ts";
import type { RandomStep } from "./noise.ts";
import { normalsFromBits } from "./random.ts";
import { stepOf, twin, type Twins } from "./twin.ts";

/** Twin of shaders/samplePose.wgsl: [samples, 12]. */
export function samplePose(
  samples: number,
  { shift, rotate, stream }: { shift: number; rotate: "so3" | "octahedral" | "none"; stream: number },
  { seedLo, seedHi, step, sample }: RandomStep,
): Float64Array {
  const poses = new Float64Array(samples * 12);
  for (let n = 0; n < samples; n++) {
    const bits = philox4x32([0, stream, step, sample + n], [seedLo, seedHi]);
    let rotation: readonly number[] = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    if (rotate === "octahedral") rotation = octahedralMatrices[Math.floor((bits[0] * 24) / 2 ** 32)]!;
    if (rotate === "so3") rotation = matrixOf(normalsFromBits(bits));
    poses.set(rotation, n * 12);
    const uniforms = philox4x32([1, stream, step, sample + n], [seedLo, seedHi]).map(uniformFromBits);
    for (let axis = 0; axis < 3; axis++) poses[n * 12 + 9 + axis] = shift * (2 * uniforms[axis]! - 1);
  }
  return poses;
}

/** Column j is the basis vector j turned by q: q e_j q*, with the product of quaternions written out. */
function matrixOf(q: number[]): number[] {
  const norm = Math.hypot(...q);
  const [x, y, z, w] = q.map((value) => value / norm) as [number, number, number, number];
  const matrix = new Array<number>(9);
  for (let j = 0; j < 3; j++) {
    const e = [0, 0, 0, 0];
    e[j] = 1;
    const turned = multiply(multiply([x, y, z, w], e), [-x, -y, -z, w]);
    for (let i = 0; i < 3; i++) matrix[3 * i + j] = turned[i]!;
  }
  return matrix;
}

function multiply(a: number[], b: number[]): number[] {
  const [ax, ay, az, aw] = a as [number, number, number, number];
  const [bx, by, bz, bw] = b as [number, number, number, number];
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

export const twins: Twins = {
  samplePose: twin<"step", "samples" | "rotations">(({ step }, { samples, rotations }) => {
    const rotate = (["none", "octahedral", "so3"] as const)[rotations]!;
    return { poses: samplePose(samples, { shift: 0.5, rotate, stream: 5 }, stepOf(step)) };
  }),
};
