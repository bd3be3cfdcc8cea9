import { requireGraph, requireTensor } from "../check.ts";
import type { Tensor } from "../gpu/tensor.ts";
import * as activations from "../kernels/activations.ts";
import * as addKernel from "../kernels/add.ts";
import * as avgPoolKernel from "../kernels/avgPool3d.ts";
import * as concatKernel from "../kernels/concatChannels.ts";
import * as conv3dKernel from "../kernels/conv3d/conv3d.ts";
import * as convTransposeKernel from "../kernels/conv3d/convTranspose3d.ts";
import * as dropoutKernel from "../kernels/dropout.ts";
import * as groupNormKernel from "../kernels/groupNorm/groupNorm.ts";
import { groupNormGrad } from "../kernels/groupNorm/groupNormGrad.ts";
import * as layerNormKernel from "../kernels/layerNorm/layerNorm.ts";
import { layerNormGrad } from "../kernels/layerNorm/layerNormGrad.ts";
import * as linearKernel from "../kernels/conv3d/linear.ts";
import { elementCount } from "../gpu/tensor.ts";
import { checkOperation } from "./checkOperation.ts";
import type { Graph, Precision } from "./graph.ts";

export * from "./chainOperations.ts";
export * from "./edgeOperations.ts";
export * from "./matrixOperations.ts";

// Each operation makes its output tensor, appends the forward dispatches and records how gradients go back.
// Shapes are checked by the kernels, which know their own rules. Outputs and gradients of activations are stored in the
// graph's precision.

/** A convolution: tensors, stride and zero padding (the same along all axes). */
export interface Conv3dOptions {
  label: string;
  /** [N, D, H, W, Ci] */
  x: Tensor;
  /** [k, k, k, Ci, Co] */
  weight: Tensor;
  /** [Co] */
  bias?: Tensor;
  /** Added to the output: a residual connection without a pass of its own. */
  addend?: Tensor;
  stride: 1 | 2;
  padding: number;
  /** How the output is stored; by the graph's precision as a rule. A network's last layer gives f32. */
  dtype?: Precision;
}

/** Cross-correlation over three axes, [N, D, H, W, Ci] to [N, Do, Ho, Wo, Co]. */
export function conv3d(graph: Graph, options: Conv3dOptions): Tensor {
  checkOperation("conv3d", graph, options, "x weight", "stride padding");
  const { label, x, weight, bias, addend, stride, padding } = options;
  const shape = conv3dKernel.conv3dShape(x.shape, weight.shape, stride, padding, label);
  const y = graph.scratch(label, shape, options.dtype ?? graph.precision);
  conv3dKernel.conv3d(graph, { ...options, y });
  return graph.record(y, [x, weight, bias, addend], (gradY) => {
    if (addend) graph.addGradTensor(addend, gradY);
    const gradWeight = graph.parameterGrad(weight);
    if (gradWeight) {
      conv3dKernel.conv3dGradWeight(graph, { label: `${label} gradWeight`, x, gradY, gradWeight, stride, padding });
    }
    const gradBias = bias && graph.parameterGrad(bias);
    if (gradBias) conv3dKernel.conv3dGradBias(graph, { label: `${label} gradBias`, gradY, gradBias });
    graph.addGrad(x, (gradX) => {
      conv3dKernel.conv3dGradInput(graph, { label: `${label} gradInput`, gradY, weight, gradX, stride, padding });
    });
  });
}

/** A transposed convolution: tensors, stride and padding (the same along all axes). */
export interface ConvTranspose3dOptions {
  label: string;
  /** [N, D, H, W, Ci] */
  x: Tensor;
  /** [k, k, k, Ci, Co] */
  weight: Tensor;
  /** [Co] */
  bias?: Tensor;
  stride: 2;
  padding: number;
}

/** Transposed convolution (the adjoint of a strided one), out = (D - 1) stride - 2 padding + k. */
export function convTranspose3d(graph: Graph, options: ConvTranspose3dOptions): Tensor {
  checkOperation("convTranspose3d", graph, options, "x weight", "stride padding");
  const { label, x, weight, bias, stride, padding } = options;
  const y = graph.activation(
    label,
    convTransposeKernel.convTranspose3dShape(x.shape, weight.shape, stride, padding, label),
  );
  convTransposeKernel.convTranspose3d(graph, { ...options, y });
  return graph.record(y, [x, weight, bias], (gradY) => {
    const gradWeight = graph.parameterGrad(weight);
    if (gradWeight) {
      const args = { label: `${label} gradWeight`, x, gradY, gradWeight, stride, padding };
      convTransposeKernel.convTranspose3dGradWeight(graph, args);
    }
    const gradBias = bias && graph.parameterGrad(bias);
    if (gradBias) conv3dKernel.conv3dGradBias(graph, { label: `${label} gradBias`, gradY, gradBias });
    graph.addGrad(x, (gradX) => {
      const args = { label: `${label} gradInput`, gradY, weight, gradX, stride, padding };
      convTransposeKernel.convTranspose3dGradInput(graph, args);
    });
  });
}

/**
 * A matrix product over the last axis, [..., Ci] to [..., Co], with bias and residual addend; stored as `dtype` says,
 * by the graph's precision as a rule.
 */
export function linear(
  graph: Graph,
  options: { label: string; x: Tensor; weight: Tensor; bias?: Tensor; addend?: Tensor; dtype?: Precision },
): Tensor {
  checkOperation("linear", graph, options, "x weight");
  const { label, x, weight, bias, addend, dtype = graph.precision } = options;
  const y = graph.scratch(label, [...x.shape.slice(0, -1), weight.shape[1]!], dtype);
  linearKernel.linear(graph, { ...options, y });
  return graph.record(y, [x, weight, bias, addend], (gradY) => {
    if (addend) graph.addGradTensor(addend, gradY);
    const gradWeight = graph.parameterGrad(weight);
    if (gradWeight) linearKernel.linearGradWeight(graph, { label: `${label} gradWeight`, x, gradY, gradWeight });
    const gradBias = bias && graph.parameterGrad(bias);
    if (gradBias) linearKernel.linearGradBias(graph, { label: `${label} gradBias`, gradY, gradBias });
    graph.addGrad(x, (gradX) => {
      linearKernel.linearGradInput(graph, { label: `${label} gradInput`, gradY, weight, gradX });
    });
  });
}

/** A group norm: x is [N, ..., C], gamma and beta are [C], `groups` divides C. */
export interface GroupNormOptions {
  label: string;
  x: Tensor;
  gamma: Tensor;
  beta: Tensor;
  groups: number;
  /** Applies SiLU to the result in the same pass. */
  silu: boolean;
  /** Default 1e-5, PyTorch's. */
  eps?: number;
}

/** Group normalisation (arXiv 1803.08494) over all voxels of a sample, optionally followed by SiLU. */
export function groupNorm(graph: Graph, options: GroupNormOptions): Tensor {
  checkOperation("groupNorm", graph, options, "x gamma beta", "groups", "silu");
  const { label, x, gamma, beta, groups, silu, eps = 1e-5 } = options;
  const y = graph.activation(label, x.shape);
  const stats = graph.scratch(`${label} stats`, [x.shape[0]!, groups, 2]);
  groupNormKernel.groupNorm(graph, { label, x, gamma, beta, groups, eps, silu, y, stats });
  return graph.record(y, [x, gamma, beta], (gradY) => {
    const gradGamma = graph.parameterGrad(gamma) ?? graph.scratch(`${label} gradGamma`, gamma.shape);
    const gradBeta = graph.parameterGrad(beta) ?? graph.scratch(`${label} gradBeta`, beta.shape);
    const write = (gradX: Tensor, addend: Tensor | undefined) => {
      const args = { label: `${label} grad`, x, gamma, beta, stats, gradY, groups, silu, gradX, gradGamma, gradBeta };
      groupNormGrad(graph, addend ? { ...args, addend } : args);
    };
    if (graph.needsGrad(x)) graph.addGrad(x, write, true);
    else write(graph.scratch(`${label} gradX`, x.shape, x.dtype), undefined);
  });
}

/** a + b, two tensors of one shape. */
export function add(graph: Graph, options: { label: string; a: Tensor; b: Tensor }): Tensor {
  checkOperation("add", graph, options, "a b");
  const { label, a, b } = options;
  const y = graph.activation(label, a.shape);
  addKernel.add(graph, { label, a, b, y });
  return graph.record(y, [a, b], (gradY) => {
    graph.addGradTensor(a, gradY);
    graph.addGradTensor(b, gradY);
  });
}

/** x / (1 + exp(-x)) element by element (SiLU, arXiv 1702.03118). */
export function silu(graph: Graph, options: { label: string; x: Tensor }): Tensor {
  return activation(graph, options, "silu");
}

/** x Phi(x) element by element, exact (GELU, arXiv 1606.08415). */
export function gelu(graph: Graph, options: { label: string; x: Tensor }): Tensor {
  return activation(graph, options, "gelu");
}

/** 1 / (1 + exp(-x)) element by element. */
export function sigmoid(graph: Graph, options: { label: string; x: Tensor }): Tensor {
  return activation(graph, options, "sigmoid");
}

const ACTIVATIONS = {
  silu: { forward: activations.silu, backward: activations.siluGrad },
  gelu: { forward: activations.gelu, backward: activations.geluGrad },
  sigmoid: { forward: activations.sigmoid, backward: activations.sigmoidGrad },
};

function activation(graph: Graph, options: { label: string; x: Tensor }, name: keyof typeof ACTIVATIONS): Tensor {
  checkOperation(name, graph, options, "x");
  const { label, x } = options;
  const { forward, backward } = ACTIVATIONS[name];
  const y = graph.activation(label, x.shape);
  forward(graph, { label, x, y });
  return graph.record(y, [x], (gradY) => {
    graph.addGrad(x, (gradX) => backward(graph, { label: `${label} grad`, x, gradY, gradX }));
  });
}

/** A norm of each row: x is [..., C], weight and bias are [C] where there are any; a bias needs a weight. */
export interface LayerNormOptions {
  label: string;
  x: Tensor;
  weight?: Tensor;
  bias?: Tensor;
  eps?: number;
}

/** Layer normalisation over the last axis (arXiv 1607.06450); eps is 1e-5 by default, PyTorch's. */
export function layerNorm(graph: Graph, options: LayerNormOptions): Tensor {
  checkOperation("layerNorm", graph, options, "x");
  return normOfRows(graph, { eps: 1e-5, ...options, rms: false });
}

/**
 * Root mean square normalisation over the last axis (RMSNorm: arXiv 1910.07467); eps is 2^-23 by default, PyTorch's for
 * f32.
 */
export function rmsNorm(graph: Graph, options: Omit<LayerNormOptions, "bias">): Tensor {
  checkOperation("rmsNorm", graph, options, "x");
  return normOfRows(graph, { eps: 2 ** -23, ...options, rms: true });
}

function normOfRows(graph: Graph, options: LayerNormOptions & { eps: number; rms: boolean }): Tensor {
  const { label, x, weight, bias, rms } = options;
  const y = graph.activation(label, x.shape);
  const stats = graph.scratch(`${label} stats`, [elementCount(x.shape) / x.shape[x.shape.length - 1]!, 2]);
  layerNormKernel.layerNorm(graph, { ...options, y, stats });
  return graph.record(y, [x, weight, bias], (gradY) => {
    const gradBias = bias && graph.parameterGrad(bias);
    // Both are summed in one pass.
    const gradWeight =
      weight && (graph.parameterGrad(weight) ?? (gradBias && graph.scratch(`${label} gradWeight`, weight.shape)));
    const write = (gradX: Tensor, addend: Tensor | undefined) => {
      const args = { label: `${label} grad`, x, weight, rms, stats, gradY, gradX, addend, gradWeight, gradBias };
      layerNormGrad(graph, args);
    };
    if (graph.needsGrad(x)) graph.addGrad(x, write, true);
    else write(graph.scratch(`${label} gradX`, x.shape, x.dtype), undefined);
  });
}

/** The mean over windows of voxels, [N, D, H, W, C] to [N, Do, Ho, Wo, C]; PyTorch's AvgPool3d. */
export function avgPool3d(graph: Graph, options: avgPoolKernel.AvgPool3dOptions & { x: Tensor }): Tensor {
  checkOperation("avgPool3d", graph, options, "x", "kernel stride padding");
  const { label, x, ...windows } = options;
  const y = graph.activation(label, avgPoolKernel.avgPool3dShape(x, options));
  avgPoolKernel.avgPool3d(graph, { ...options, y });
  return graph.record(y, [x], (gradY) => {
    graph.addGrad(x, (gradX) => {
      avgPoolKernel.avgPool3dGrad(graph, { label: `${label} grad`, gradY, gradX, ...windows });
    });
  });
}

/** [N, ..., Ca] and [N, ..., Cb] to [N, ..., Ca + Cb]. */
export function concatChannels(graph: Graph, options: { label: string; a: Tensor; b: Tensor }): Tensor {
  checkOperation("concatChannels", graph, options, "a b");
  const { label, a, b } = options;
  const channels = a.shape[a.shape.length - 1]! + b.shape[b.shape.length - 1]!;
  const y = graph.activation(label, [...a.shape.slice(0, -1), channels]);
  concatKernel.concatChannels(graph, { label, a, b, y });
  return graph.record(y, [a, b], (gradY) => {
    const gradA = graph.scratch(`${label} gradA`, a.shape, a.dtype);
    const gradB = graph.scratch(`${label} gradB`, b.shape, b.dtype);
    concatKernel.splitChannels(graph, { label: `${label} grad`, y: gradY, a: gradA, b: gradB });
    graph.addGradTensor(a, gradA);
    graph.addGradTensor(b, gradB);
  });
}

/**
 * Zeroes elements with probability `rate` and scales the rest; the mask follows from (seed, step, stream, sample)
 * alone.
 */
export function dropout(
  graph: Graph,
  options: { label: string; x: Tensor; rate: number; stream: number; step: Tensor },
): Tensor {
  checkOperation("dropout", graph, options, "x step", "rate stream");
  const { label, x, rate, stream, step } = options;
  const y = graph.activation(label, x.shape);
  dropoutKernel.dropout(graph, { label, x, y, rate, stream, step });
  return graph.record(y, [x], (gradY) => {
    graph.addGrad(x, (gradX) => {
      dropoutKernel.dropout(graph, { label: `${label} grad`, x: gradY, y: gradX, rate, stream, step });
    });
  });
}

/**
 * The same memory under another shape, such as voxels as tokens. Gradients go back the same way.
 *
 * @throws VoxtwirlError "bad-shape" where the element counts differ
 */
export function reshape(graph: Graph, x: Tensor, shape: readonly number[]): Tensor {
  requireGraph("reshape: graph", graph);
  requireTensor("reshape: x", x);
  const y = graph.alias(x, shape);
  return graph.record(y, [x], (gradY) => graph.addGradTensor(x, graph.alias(gradY, x.shape)));
}
