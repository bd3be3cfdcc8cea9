import type { Tensor } from "../gpu/tensor.ts";
import { edgeSizes, type ReverseList } from "../kernels/edges/edgeLists.ts";
import * as edgeForcesKernel from "../kernels/edges/edgeForces.ts";
import * as edgeSumKernel from "../kernels/edges/edgeSum.ts";
import { gaussianBasis as gaussianBasisKernel } from "../kernels/edges/gaussianBasis.ts";
import * as neighbourAttentionKernel from "../kernels/edges/neighbourAttention.ts";
import { neighbourAttentionGrad } from "../kernels/edges/neighbourAttentionGrad.ts";
import * as segmentKernel from "../kernels/edges/segmentMean.ts";
import * as embeddingKernel from "../kernels/embedding.ts";
import { elementCount } from "../gpu/tensor.ts";
import { checkOperation } from "./checkOperation.ts";
import type { Graph } from "./graph.ts";

export { MAX_SLOTS } from "../kernels/neighbours/layout.ts";
export type { ReverseList } from "../kernels/edges/edgeLists.ts";

// Operations on atoms and on the edges of their padded neighbour lists: N atoms with M slots each. None gives gradients
// to positions.

/** Rows of a table: `indices` u32 of whatever shape, N in all, `table` [R, C] gives [N, C]; zeros beyond the table. */
export function embedding(graph: Graph, options: { label: string; indices: Tensor; table: Tensor }): Tensor {
  checkOperation("embedding", graph, options, "indices table");
  const { label, indices, table } = options;
  const y = graph.activation(label, [elementCount(indices.shape), table.shape[1]!]);
  embeddingKernel.embedding(graph, { label, indices, table, y });
  return graph.record(y, [table], (gradY) => {
    const gradTable = graph.parameterGrad(table);
    if (gradTable) embeddingKernel.embeddingGrad(graph, { label: `${label} grad`, indices, gradY, gradTable });
  });
}

/**
 * Distances as Gaussians, [N, M, K] from edges f32 [N, M, 4]: centres at even spacing from 0 to `cutoff`, `width` in
 * units of the spacing.
 */
export function gaussianBasis(
  graph: Graph,
  options: { label: string; edges: Tensor; gaussians: number; cutoff: number; width: number },
): Tensor {
  checkOperation("gaussianBasis", graph, options, "edges", "gaussians cutoff width");
  const { label, edges, gaussians, cutoff, width } = options;
  const y = graph.activation(label, [edges.shape[0]!, edges.shape[1]!, gaussians]);
  gaussianBasisKernel(graph, { label, edges, cutoff, width, y });
  return y;
}

/** What an edge has itself, its neighbour's part and its centre's. */
export interface EdgeSumOptions {
  label: string;
  /** [N, M, C]; left out it is nothing. */
  x?: Tensor;
  /** [N, C], what an atom gives to the edges whose neighbour it is. */
  source: Tensor;
  /** [N, C], what it gives to its own edges. */
  target: Tensor;
  /** u32 [..., M] */
  neighbours: Tensor;
  /** Of the same list: what the gradient of `source` is summed along. */
  reverse: ReverseList;
}

/** y[i, s] = x[i, s] + source[neighbours[i, s]] + target[i], [N, M, C]. */
export function edgeSum(graph: Graph, options: EdgeSumOptions): Tensor {
  checkOperation("edgeSum", graph, options, "source target neighbours", "", "reverse");
  const { label, x, source, target, neighbours, reverse } = options;
  const { atoms, slots } = edgeSizes(label, neighbours);
  const columns = source.shape[source.shape.length - 1]!;
  const y = graph.activation(label, [atoms, slots, columns]);
  edgeSumKernel.edgeSum(graph, { label, x, source, target, neighbours, y });
  return graph.record(y, [x, source, target], (gradY) => {
    if (x) graph.addGradTensor(x, gradY);
    if (!graph.needsGrad(source) && !graph.needsGrad(target)) return;
    const gradSource = graph.scratch(`${label} gradSource`, source.shape, source.dtype);
    const gradTarget = graph.scratch(`${label} gradTarget`, target.shape, target.dtype);
    const { starts, inDegrees, edges } = reverse;
    const lists = { neighbours, starts, inDegrees, edges };
    edgeSumKernel.edgeSumGrad(graph, { label: `${label} grad`, gradY, ...lists, gradSource, gradTarget });
    graph.addGradTensor(source, gradSource);
    graph.addGradTensor(target, gradTarget);
  });
}

/** Means or sums of the first entries of padded segments: [G, S, C] to [G, C], `counts` u32, G of them. */
export function segmentMean(
  graph: Graph,
  options: { label: string; x: Tensor; counts: Tensor; reduction: segmentKernel.SegmentReduction },
): Tensor {
  checkOperation("segmentMean", graph, options, "x counts", "", "reduction");
  const { label, x, counts, reduction } = options;
  const y = graph.scratch(label, [x.shape[0]!, x.shape[2]!], x.dtype);
  segmentKernel.segmentMean(graph, { ...options, y });
  return graph.record(y, [x], (gradY) => {
    const write = (gradX: Tensor, addend: Tensor | undefined) =>
      segmentKernel.segmentMeanGrad(graph, { label: `${label} grad`, gradY, counts, reduction, gradX, addend });
    graph.addGrad(x, write, true);
  });
}

/** Attention among the slots of neighbour lists: see the kernel. */
export interface NeighbourAttentionOptions {
  label: string;
  /** [N, M, 3 width] */
  qkv: Tensor;
  /** f32 [N, M, 4], unit vector and distance. */
  edges: Tensor;
  /** f32 [1], a parameter. */
  bias: Tensor;
  heads: number;
  /** Of the probabilities, in training. */
  dropout?: neighbourAttentionKernel.AttentionDropout | undefined;
}

/** Multi-head attention among the slots of each atom's list, [N, M, width]; logits have bias d_j . d_k added. */
export function neighbourAttention(graph: Graph, options: NeighbourAttentionOptions): Tensor {
  checkOperation("neighbourAttention", graph, options, "qkv edges bias", "heads");
  const { label, qkv, edges, bias, heads, dropout } = options;
  const [atoms, slots, three] = qkv.shape as [number, number, number];
  const y = graph.activation(label, [atoms, slots, three / 3]);
  const logSumExp = graph.scratch(`${label} logSumExp`, [atoms, slots, heads]);
  const args = { label, qkv, edges, bias, heads, dropout, y, logSumExp };
  neighbourAttentionKernel.neighbourAttention(graph, args);
  return graph.record(y, [qkv, bias], (gradY) => {
    const gradBias = graph.parameterGrad(bias);
    const write = (gradQkv: Tensor) =>
      neighbourAttentionGrad(graph, { ...args, label: `${label} grad`, gradY, gradQkv, gradBias });
    if (graph.needsGrad(qkv)) graph.addGrad(qkv, write);
    else write(graph.scratch(`${label} gradQkv`, qkv.shape, qkv.dtype));
  });
}

/** forces[i] = m[i] sum over the slots of c[i, s] * d[i, s]: c [N, M, 3], m [N, 1], edges f32 [N, M, 4]; f32 [N, 3]. */
export function edgeForces(graph: Graph, options: { label: string; c: Tensor; m: Tensor; edges: Tensor }): Tensor {
  checkOperation("edgeForces", graph, options, "c m edges");
  const { label, c, m, edges } = options;
  const forces = graph.scratch(label, [c.shape[0]!, 3]);
  edgeForcesKernel.edgeForces(graph, { ...options, forces });
  return graph.record(forces, [c, m], (gradForces) => {
    const gradC = graph.scratch(`${label} gradC`, c.shape, c.dtype);
    const gradM = graph.scratch(`${label} gradM`, m.shape, m.dtype);
    edgeForcesKernel.edgeForcesGrad(graph, { label: `${label} grad`, c, m, edges, gradForces, gradC, gradM });
    graph.addGradTensor(c, gradC);
    graph.addGradTensor(m, gradM);
  });
}
