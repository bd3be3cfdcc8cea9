import { addScaled, float64 } from "./rows.ts";
import { twin, type Twins } from "./twin.ts";

/** Sizes of padded neighbour lists and of what their atoms and edges have. */
export interface EdgeCase {
  readonly atoms: number;
  readonly slots: number;
  readonly columns: number;
}

/** Twin of shaders/edges/edgeSum.wgsl in float64. */
export function edgeSum(
  { atoms, slots, columns }: EdgeCase,
  of: { x?: ArrayLike<number> | undefined; source: ArrayLike<number>; target: ArrayLike<number> },
  neighbours: ArrayLike<number>,
): Float64Array {
  const y = of.x ? Float64Array.from(of.x) : new Float64Array(atoms * slots * columns);
  const [source, target] = [float64(of.source), float64(of.target)];
  for (let e = 0; e < atoms * slots; e++) {
    addScaled([y, e * columns], [target, Math.floor(e / slots) * columns], columns, 1);
    if (neighbours[e]! < atoms) addScaled([y, e * columns], [source, neighbours[e]! * columns], columns, 1);
  }
  return y;
}

/** Twin of shaders/edges/edgeSumGrad.wgsl in float64, from the list itself. */
export function edgeSumGrad(
  { atoms, slots, columns }: EdgeCase,
  gradY: ArrayLike<number>,
  neighbours: ArrayLike<number>,
): { gradSource: Float64Array; gradTarget: Float64Array } {
  const g = float64(gradY);
  const gradSource = new Float64Array(atoms * columns);
  const gradTarget = new Float64Array(atoms * columns);
  for (let e = 0; e < atoms * slots; e++) {
    addScaled([gradTarget, Math.floor(e / slots) * columns], [g, e * columns], columns, 1);
    if (neighbours[e]! < atoms) addScaled([gradSource, neighbours[e]! * columns], [g, e * columns], columns, 1);
  }
  return { gradSource, gradTarget };
}

export const twins: Twins = {
  edgeSum: twin<"x" | "source" | "target" | "neighbours", keyof EdgeCase | "own">(
    ({ x, source, target, neighbours }, shape) => {
      return { y: edgeSum(shape, { x: shape.own === 1 ? x : undefined, source, target }, neighbours) };
    },
  ),
  edgeSumGrad: twin<"gradY" | "neighbours", keyof EdgeCase>(({ gradY, neighbours }, shape) => {
    return edgeSumGrad(shape, gradY, neighbours);
  }),
};
