import { twin, type Twins } from "./twin.ts";

/** Sizes of the edges that forces are made of. */
export interface EdgeForcesCase {
  readonly atoms: number;
  readonly slots: number;
}

/** Twin of shaders/edges/edgeForces.wgsl in float64. */
export function edgeForces(
  { atoms, slots }: EdgeForcesCase,
  of: { c: ArrayLike<number>; m: ArrayLike<number>; edges: ArrayLike<number> },
): Float64Array {
  const forces = new Float64Array(3 * atoms);
  for (let e = 0; e < atoms * slots; e++) {
    const atom = Math.floor(e / slots);
    for (let a = 0; a < 3; a++) forces[3 * atom + a]! += of.m[atom]! * of.c[3 * e + a]! * of.edges[4 * e + a]!;
  }
  return forces;
}

/** Twin of shaders/edges/edgeForcesGrad.wgsl in float64. */
export function edgeForcesGrad(
  { atoms, slots }: EdgeForcesCase,
  of: { c: ArrayLike<number>; m: ArrayLike<number>; edges: ArrayLike<number> },
  gradForces: ArrayLike<number>,
): { gradC: Float64Array; gradM: Float64Array } {
  const gradC = new Float64Array(3 * atoms * slots);
  const gradM = new Float64Array(atoms);
  for (let e = 0; e < atoms * slots; e++) {
    const atom = Math.floor(e / slots);
    for (let a = 0; a < 3; a++) {
      const along = of.edges[4 * e + a]! * gradForces[3 * atom + a]!;
      gradC[3 * e + a] = of.m[atom]! * along;
      gradM[atom]! += of.c[3 * e + a]! * along;
    }
  }
  return { gradC, gradM };
}

export const twins: Twins = {
  edgeForces: twin<"c" | "m" | "edges", keyof EdgeForcesCase>((tensors, shape) => {
    return { forces: edgeForces(shape, tensors) };
  }),
  edgeForcesGrad: twin<"c" | "m" | "edges" | "gradForces", keyof EdgeForcesCase>(({ gradForces, ...of }, shape) => {
    return edgeForcesGrad(shape, of, gradForces);
  }),
};
