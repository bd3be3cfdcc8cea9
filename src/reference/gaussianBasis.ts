import { twin, type Twins } from "./twin.ts";

/** Twin of shaders/edges/gaussianBasis.wgsl in float64; free slots have the distance 0. */
export function gaussianBasis(
  edges: ArrayLike<number>,
  { gaussians, cutoff, width }: { gaussians: number; cutoff: number; width: number },
): Float64Array {
  const spacing = cutoff / (gaussians - 1);
  return Float64Array.from({ length: (edges.length / 4) * gaussians }, (_, at) => {
    const distance = edges[4 * Math.floor(at / gaussians) + 3]!;
    const offset = (distance - spacing * (at % gaussians)) / (width * spacing);
    return distance > 0 ? Math.exp(-0.5 * offset * offset) : 0;
  });
}

export const twins: Twins = {
  gaussianBasis: twin<"edges", "gaussians">(({ edges }, { gaussians }) => {
    return { y: gaussianBasis(edges, { gaussians, cutoff: 12, width: 2 }) };
  }),
};
