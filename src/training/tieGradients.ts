import type { Tensor } from "../gpu/tensor.ts";
import type { BufferView } from "../gpu/gpu.ts";
import type { Graph } from "../graph/graph.ts";
import type { Orbits, ParameterStore } from "../graph/parameters.ts";
import { averageOrbits } from "../kernels/averageOrbits.ts";

/**
 * Averages the gradients of weights that stay equal. As the optimiser updates each entry by itself, weights that began
 * equal then stay so, bitwise, and their moments and averages with them.
 *
 * @param grads the store's pieces as tensors of the graph
 * @param upload makes a buffer, which is freed with the trainer
 */
export function tieGradients(
  graph: Graph,
  store: ParameterStore,
  grads: readonly Tensor[],
  upload: (label: string, values: Uint32Array) => BufferView,
): void {
  store.pieces("grads").forEach((piece, i) => {
    const { starts, members } = orbitsOf(store, piece);
    if (starts.length === 1) return;
    const table = (label: string, values: Uint32Array) =>
      graph.external(label, [values.length], upload(label, values), "u32");
    averageOrbits(graph, {
      label: `tie gradients ${i}`,
      starts: table("orbit starts", starts),
      members: table("orbit members", members),
      values: grads[i]!,
    });
  });
}

/** The orbits of all parameters of a piece, as entries of the piece. */
function orbitsOf(store: ParameterStore, piece: BufferView): Orbits {
  const starts = [0];
  const members: number[] = [];
  for (const { name, trained, orbits } of store.specs) {
    if (!trained || !orbits) continue;
    const { buffer, offset } = store.view(name, "grads");
    if (buffer !== piece.buffer) continue;
    const own = orbits();
    const before = members.length;
    for (const member of own.members) members.push(offset / 4 + member);
    for (const end of own.starts.subarray(1)) starts.push(before + end);
  }
  return { starts: Uint32Array.from(starts), members: Uint32Array.from(members) };
}
