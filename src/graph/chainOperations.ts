import { requireWhole } from "../check.ts";
import { MAX_WORKGROUPS_PER_DIMENSION } from "../gpu/dispatch.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { copyChannels } from "../kernels/concatChannels.ts";
import * as centreKernel from "../kernels/flow/centre.ts";
import * as endpointKernel from "../kernels/flow/endpoint.ts";
import * as modulateKernel from "../kernels/modulate.ts";
import * as pairBiasKernel from "../kernels/pairs/pairBias.ts";
import { pairBiasGrad } from "../kernels/pairs/pairBiasGrad.ts";
import * as pairBinsKernel from "../kernels/pairs/pairBins.ts";
import * as pairEmbeddingKernel from "../kernels/pairs/pairEmbedding.ts";
import { elementCount } from "../gpu/tensor.ts";
import { checkOperation, refuseGradOfCopies } from "./checkOperation.ts";
import type { Graph } from "./graph.ts";

export { PAIR_TABLE_ROWS } from "../kernels/pairs/pairBins.ts";
export type { FlowChains } from "../kernels/flow/endpoint.ts";

// Operations on chains of residues, whose tokens share vectors, and on their pairs.

/** Rows and the vectors that they share: see `modulate`. */
export interface ModulateOptions extends modulateKernel.Modulation {
  label: string;
  /** [N, T, C] */
  x: Tensor;
  /** [N + 1, C], added. */
  shift?: Tensor | undefined;
  /** [N, T, C], added. */
  residual?: Tensor | undefined;
}

/**
 * mask (residual + x sigmoid(scale) + shift), [N, T, C]: scale and shift are [N + 1, C], a row a sample, the last for
 * the first `registers` tokens of each. Where they and the mask are of b chains, sample n has those of chain
 * floor(n b / N); that has no gradient.
 *
 * @throws VoxtwirlError "bad-shape"; "unsupported" for a gradient through copies of a chain
 */
export function modulate(graph: Graph, options: ModulateOptions): Tensor {
  checkOperation("modulate", graph, options, "x");
  const { label, x, shift, residual, ...modulation } = options;
  const { scale, mask } = modulation;
  const y = graph.activation(label, x.shape);
  modulateKernel.modulate(graph, { ...options, y });
  const copies = modulateKernel.modulateCopies(label, x, { scale, shift }, mask);
  refuseGradOfCopies(graph, label, copies, [x, scale, shift, residual]);
  return graph.record(y, [x, scale, shift, residual], (gradY) => {
    const like = (name: string, of: Tensor | undefined) =>
      of && graph.needsGrad(of) ? graph.scratch(`${label} ${name}`, of.shape, of.dtype) : undefined;
    // Without a mask it is gradY itself.
    const gradResidual = mask && like("gradResidual", residual);
    const gradScale = like("gradScale", scale);
    const gradShift = like("gradShift", shift);
    const write = (gradX: Tensor) => {
      const gradients = { gradX, gradResidual, gradScale, gradShift };
      modulateKernel.modulateGrad(graph, { ...modulation, label: `${label} grad`, x, gradY, ...gradients });
    };
    if (graph.needsGrad(x)) graph.addGrad(x, write);
    else write(graph.scratch(`${label} gradX`, x.shape, x.dtype));
    if (residual) graph.addGradTensor(residual, gradResidual ?? gradY);
    if (scale && gradScale) graph.addGradTensor(scale, gradScale);
    if (shift && gradShift) graph.addGradTensor(shift, gradShift);
  });
}

/**
 * Copies of each sample of x [b, ...], one after the other, [b copies, ...].
 *
 * @throws VoxtwirlError "bad-option"; "unsupported" where x needs a gradient
 */
export function repeat(graph: Graph, options: { label: string; x: Tensor; copies: number }): Tensor {
  checkOperation("repeat", graph, options, "x", "copies");
  const { label, x, copies } = options;
  requireWhole("copies", copies, 1, MAX_WORKGROUPS_PER_DIMENSION);
  refuseGradOfCopies(graph, label, copies, [x]);
  const samples = x.shape[0]!;
  const width = elementCount(x.shape) / samples;
  const y = graph.scratch(label, [samples * copies, ...x.shape.slice(1)], x.dtype);
  const rows = graph.alias(y, [samples, copies * width]);
  copyChannels(graph, label, graph.alias(x, [samples, width]), 0, rows, 0, width, copies);
  return y;
}

/** The bins of all pairs of residues, u32 [b, S, S]: see the kernel. Without gradients. */
export function pairBins(graph: Graph, options: Omit<pairBinsKernel.PairBinsArgs, "bins">): Tensor {
  checkOperation("pairBins", graph, options, "x residues");
  const { label, residues } = options;
  const bins = graph.scratch(label, [...residues.shape, residues.shape[1]!], "u32");
  pairBinsKernel.pairBins(graph, { ...options, bins });
  return bins;
}

/**
 * What is known of pairs of residues: of each the sum of its rows of a table [319, C], a parameter. `bins` is u32
 * [b, S, S], of `pairBins`; the result is [b, S^2, C].
 */
export function pairEmbedding(graph: Graph, options: { label: string; bins: Tensor; table: Tensor }): Tensor {
  checkOperation("pairEmbedding", graph, options, "bins table");
  const { label, bins, table } = options;
  const pairs = elementCount(bins.shape);
  const y = graph.activation(label, [bins.shape[0]!, pairs / bins.shape[0]!, table.shape[1]!]);
  const rows = [pairs, table.shape[1]!];
  pairEmbeddingKernel.pairEmbedding(graph, { label, bins, table, y: graph.alias(y, rows) });
  return graph.record(y, [table], (gradY) => {
    const gradTable = graph.parameterGrad(table);
    if (!gradTable) return;
    const args = { label: `${label} grad`, bins, gradY: graph.alias(gradY, rows), gradTable };
    pairEmbeddingKernel.pairEmbeddingGrad(graph, args);
  });
}

/**
 * Attention's biases from what is known of pairs: x [b, pairs, P] times a matrix f32 [P, heads], by head, [b, heads,
 * pairs]. The matrix may be a parameter.
 */
export function pairBias(graph: Graph, options: { label: string; x: Tensor; matrix: Tensor }): Tensor {
  checkOperation("pairBias", graph, options, "x matrix");
  const { label, x, matrix } = options;
  const { samples, heads, pairs } = pairBiasKernel.pairBiasLayout(label, x, matrix).shape;
  const y = graph.activation(label, [samples, heads, pairs]);
  pairBiasKernel.pairBias(graph, { label, x, matrix, y });
  return graph.record(y, [x, matrix], (gradY) => {
    const back = (gradMatrix: Tensor | undefined) => {
      const args = { label: `${label} grad`, x, matrix, gradY, gradMatrix };
      if (!graph.needsGrad(x)) pairBiasGrad(graph, args);
      else graph.addGrad(x, (gradX, addend) => pairBiasGrad(graph, { ...args, gradX, addend }), true);
    };
    const sum = graph.parameterGrad(matrix);
    if (sum || !graph.needsGrad(matrix)) {
      back(sum);
      return;
    }
    graph.addGrad(matrix, (gradMatrix) => {
      graph.clear(gradMatrix);
      back(gradMatrix);
    });
  });
}

/**
 * Where straight paths end: x + (1 - t) velocity, f32 [b, S, 3]; 0 for what is no residue. No gradient goes to x. Both
 * may be copies of chains, the residues and times those of the chains.
 */
export function endpoint(
  graph: Graph,
  options: endpointKernel.FlowChains & { label: string; x: Tensor; velocity: Tensor },
): Tensor {
  checkOperation("endpoint", graph, options, "x velocity residues times");
  const { label, x, velocity, residues, times } = options;
  const y = graph.scratch(label, x.shape);
  endpointKernel.endpoint(graph, { ...options, y });
  return graph.record(y, [velocity], (gradY) => {
    graph.addGrad(velocity, (gradVelocity) => {
      endpointKernel.endpointGrad(graph, { label: `${label} grad`, residues, times, gradY, gradVelocity });
    });
  });
}

/** Chains f32 [b, S, 3] moved so that the mean of their residues is 0; 0 for what is no residue. */
export function centre(graph: Graph, options: { label: string; x: Tensor; residues: Tensor }): Tensor {
  checkOperation("centre", graph, options, "x residues");
  const { label, x, residues } = options;
  const y = graph.scratch(label, x.shape);
  centreKernel.centre(graph, { label, x, residues, y });
  return graph.record(y, [x], (gradY) => {
    graph.addGrad(x, (gradX) => centreKernel.centre(graph, { label: `${label} grad`, x: gradY, residues, y: gradX }));
  });
}
