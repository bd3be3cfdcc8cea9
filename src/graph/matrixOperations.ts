import type { Tensor } from "../gpu/tensor.ts";
import { elementCount, formatShape } from "../gpu/tensor.ts";
import { VoxtwirlError } from "../errors.ts";
import type { Activation } from "../kernels/activationKinds.ts";
import * as activations from "../kernels/activations.ts";
import * as attentionKernel from "../kernels/attention/attention.ts";
import { attentionGrad } from "../kernels/attention/attentionGrad.ts";
import { copyChannels } from "../kernels/concatChannels.ts";
import { linearGradBias, linearGradWeight } from "../kernels/conv3d/linear.ts";
import { gateGrad } from "../kernels/gateGrad.ts";
import * as layerNormKernel from "../kernels/layerNorm/layerNorm.ts";
import { layerNormGrad } from "../kernels/layerNorm/layerNormGrad.ts";
import * as matmulKernel from "../kernels/matmul/matmul.ts";
import * as scaleRowsKernel from "../kernels/scaleRows.ts";
import { copiesOf } from "../kernels/shapes.ts";
import * as swigluKernel from "../kernels/swiglu.ts";
import { checkOperation, refuseGradOfCopies } from "./checkOperation.ts";
import type { Graph, Precision } from "./graph.ts";

// Operations of transformers: products of matrices, gates, attention.

/** A product of matrices and what follows it. */
export interface MatmulOptions extends matmulKernel.MatmulFactors {
  label: string;
  /** Factor of the product, 1 when left out. */
  scale?: number;
  /** [N], a parameter. */
  bias?: Tensor;
  activation?: Activation;
  /** Shape of the result: the activation is multiplied with it. */
  gate?: Tensor;
  /** Shape of the result, added at last. */
  residual?: Tensor;
  /** How the result is stored; by the graph's precision as a rule. */
  dtype?: Precision;
}

/**
 * residual + gate * activation(scale a b + bias), sample by sample: [..., M, K] and [..., K, N], or their transposes,
 * to [..., M, N]. A factor without axes before the matrix is that of all samples.
 */
export function matmul(graph: Graph, options: MatmulOptions): Tensor {
  checkOperation("matmul", graph, options, "a b");
  const { label, a, b, scale, bias, activation, gate, residual, dtype = graph.precision } = options;
  const shape = matmulKernel.matmulShape(label, options);
  const y = graph.scratch(label, shape, dtype);
  const isTrained = [a, b, bias, gate].some((tensor) => tensor && graph.needsGrad(tensor));
  const preActivation =
    isTrained && (activation || gate) ? graph.scratch(`${label} preActivation`, shape, dtype) : undefined;
  matmulKernel.matmul(graph, { ...options, y, preActivation });
  return graph.record(y, [a, b, bias, gate, residual], (gradY) => {
    if (residual) graph.addGradTensor(residual, gradY);
    if (!isTrained) return;
    const gradZ = preActivation ? gradOfEpilogue(graph, options, preActivation, gradY) : gradY;
    const gradBias = bias && graph.parameterGrad(bias);
    if (gradBias) linearGradBias(graph, { label: `${label} gradBias`, gradY: gradZ, gradBias });
    gradOfRight(graph, options, gradZ);
    const [transposeA, transposeB] = [options.transposeA ?? false, options.transposeB ?? false];
    addProduct(
      graph,
      a,
      transposeA
        ? { label: `${label} gradA`, scale, a: b, transposeA: transposeB, b: gradZ, transposeB: true }
        : { label: `${label} gradA`, scale, a: gradZ, b, transposeB: !transposeB },
    );
  });
}

/** The gradient of what the activation is taken of; the gate gets its own. */
function gradOfEpilogue(graph: Graph, options: MatmulOptions, x: Tensor, gradY: Tensor): Tensor {
  const { label, activation, gate } = options;
  const gradX = graph.scratch(`${label} gradPreActivation`, x.shape, x.dtype);
  if (gate) {
    const gradGate = graph.scratch(`${label} gradGate`, gate.shape, gate.dtype);
    gateGrad(graph, { label: `${label} gateGrad`, x, gate, gradY, gradX, gradGate, activation });
    graph.addGradTensor(gate, gradGate);
  } else if (activation) {
    const name = `${activation}Grad` as const;
    activations[name](graph, { label: `${label} ${name}`, x, gradY, gradX });
  }
  return gradX;
}

function gradOfRight(graph: Graph, { label, scale, a, b, transposeA, transposeB }: MatmulOptions, gradZ: Tensor) {
  const gradWeight = graph.parameterGrad(b);
  if (gradWeight && b.shape.length === 2 && !transposeA && (scale ?? 1) === 1) {
    // A linear layer: its kernels split long sums.
    const [x, gradY] = transposeB ? [gradZ, a] : [a, gradZ];
    linearGradWeight(graph, { label: `${label} gradB`, x, gradY, gradWeight });
    return;
  }
  addProduct(
    graph,
    b,
    transposeB
      ? { label: `${label} gradB`, scale, a: gradZ, transposeA: true, b: a, transposeB: transposeA ?? false }
      : { label: `${label} gradB`, scale, a, transposeA: !transposeA, b: gradZ },
  );
}

/** A factor's gradient is a product; a parameter's is added to. */
function addProduct(graph: Graph, factor: Tensor, args: Omit<matmulKernel.MatmulArgs, "y">): void {
  const sum = graph.parameterGrad(factor);
  if (sum) matmulKernel.matmul(graph, { ...args, y: sum, accumulate: true });
  else graph.addGrad(factor, (y) => matmulKernel.matmul(graph, { ...args, y }));
}

/**
 * A matrix [R, C] with its rows times a weight [R] each, both parameters: f32 [R, C]. `x` times it is what the norm of
 * rows with that weight gives times the matrix, where x has been normalised without.
 */
export function scaleRows(graph: Graph, options: { label: string; x: Tensor; weight: Tensor }): Tensor {
  checkOperation("scaleRows", graph, options, "x weight");
  const { label, x, weight } = options;
  const y = graph.scratch(label, x.shape);
  scaleRowsKernel.scaleRows(graph, { label, x, weight, y });
  return graph.record(y, [x, weight], (gradY) => {
    const gradOf = (of: Tensor, name: string) => graph.parameterGrad(of) ?? graph.scratch(`${label} ${name}`, of.shape);
    const gradients = { gradX: gradOf(x, "gradX"), gradWeight: gradOf(weight, "gradWeight") };
    scaleRowsKernel.scaleRowsGrad(graph, { label: `${label} grad`, x, weight, gradY, ...gradients });
  });
}

/** SwiGLU without its matrices (Shazeer 2020, arXiv 2002.05202): x [..., 2 C] is a, then g; a * silu(g) is [..., C]. */
export function swiglu(graph: Graph, options: { label: string; x: Tensor }): Tensor {
  checkOperation("swiglu", graph, options, "x");
  const { label, x } = options;
  const y = graph.activation(label, swigluKernel.swigluShape(label, x));
  swigluKernel.swiglu(graph, { label, x, y });
  return graph.record(y, [x], (gradY) => {
    graph.addGrad(x, (gradX) => swigluKernel.swigluGrad(graph, { label: `${label} grad`, x, gradY, gradX }));
  });
}

/** The norms of queries and keys, in the tensor that attention takes. */
export interface QueryKeyNormOptions {
  label: string;
  /** [N, T, 3 C] */
  qkv: Tensor;
  /** Of queries and of keys, [C / heads]; biases only with weights. */
  queryWeight?: Tensor;
  queryBias?: Tensor;
  keyWeight?: Tensor;
  keyBias?: Tensor;
  /** Each head has a norm of its own, with the same weights; 1 when left out: one norm over C. */
  heads?: number;
  /** Root mean square norm: no mean is subtracted. */
  rms?: boolean;
  /** Default 1e-5. */
  eps?: number;
}

/**
 * Query and key norm (Henry et al. 2020, arXiv 2010.04245; here by `layerNorm` as Dehghani et al. 2023, arXiv
 * 2302.05442, have it): queries and keys normalised, values as they are, [N, T, 3 C].
 */
export function queryKeyNorm(graph: Graph, options: QueryKeyNormOptions): Tensor {
  checkOperation("queryKeyNorm", graph, options, "qkv");
  const { label, qkv, heads = 1, rms = false, eps = 1e-5 } = options;
  const width = qkv.shape[qkv.shape.length - 1]!;
  const channels = width / 3;
  const y = graph.activation(label, qkv.shape);
  const norms = [
    { part: "queries", weight: options.queryWeight, bias: options.queryBias },
    { part: "keys", weight: options.keyWeight, bias: options.keyBias },
  ].map((norm, i) => {
    const stats = graph.scratch(`${label} ${norm.part} stats`, [(elementCount(qkv.shape) / width) * heads, 2]);
    return { ...norm, stats, rms, groups: heads, columns: [i * channels, (i + 1) * channels] as const };
  });
  for (const { part, ...norm } of norms) {
    layerNormKernel.layerNorm(graph, { label: `${label} ${part}`, x: qkv, y, eps, ...norm });
  }
  copyChannels(graph, `${label} values`, qkv, 2 * channels, y, 2 * channels, channels);
  return graph.record(y, [qkv, ...norms.flatMap(({ weight, bias }) => [weight, bias])], (gradY) => {
    const write = (gradX: Tensor) => {
      for (const { part, weight, bias, ...norm } of norms) {
        const gradBias = bias && graph.parameterGrad(bias);
        // Both are summed in one pass.
        const gradWeight =
          weight && (graph.parameterGrad(weight) ?? (gradBias && graph.scratch(`${label} gradWeight`, weight.shape)));
        const gradients = { gradX, gradWeight, gradBias };
        layerNormGrad(graph, { label: `${label} ${part} grad`, x: qkv, weight, gradY, ...norm, ...gradients });
      }
      copyChannels(graph, `${label} values grad`, gradY, 2 * channels, gradX, 2 * channels, channels);
    };
    if (graph.needsGrad(qkv)) graph.addGrad(qkv, write);
    else write(graph.scratch(`${label} gradX`, qkv.shape, qkv.dtype));
  });
}

/** Attention: queries, keys and values in one tensor, and what scores depend on besides. */
export interface AttentionOptions {
  label: string;
  /** [N, T, 3 C], queries, keys, values one after the other along channels, of each the heads one after the other. */
  qkv: Tensor;
  /** Divides C; 1 when left out. */
  heads?: number;
  /** Factor of the products, (C / heads)^-1/2 as a rule. */
  scale: number;
  /**
   * [N, heads, T, T], added to the scores; by query, then key. One binding has to hold it, which the graph checks when
   * the tensor is made. It and the mask may be of b chains: sample n then has those of chain floor(n b / N), and there
   * is no gradient.
   */
  pairBias?: Tensor;
  /** f32 [N, T]: where it is 0 nobody attends to that key. A query without any key gets 0. */
  mask?: Tensor;
}

/**
 * Self-attention over the tokens of a sample, head by head; the result is [N, T, C].
 *
 * @throws VoxtwirlError "bad-shape"; "unsupported" for a gradient through copies of a chain
 */
export function attention(graph: Graph, options: AttentionOptions): Tensor {
  checkOperation("attention", graph, options, "qkv", "scale");
  const { label, qkv, heads = 1, pairBias, mask } = options;
  if (qkv.shape.length !== 3 || qkv.shape[2]! % 3 !== 0) {
    throw new VoxtwirlError(
      "bad-shape",
      `${label}: qkv is ${formatShape(qkv.shape)}, not [N, T, 3C]`,
      "Project to three times C.",
    );
  }
  const [n, tokens] = qkv.shape as [number, number, number];
  const y = graph.activation(label, [n, tokens, qkv.shape[2]! / 3]);
  const logSumExp = graph.scratch(`${label} logSumExp`, [n, heads, tokens]);
  attentionKernel.attention(graph, { ...options, y, logSumExp });
  refuseGradOfCopies(graph, label, copiesOf(label, qkv, { pairBias, mask }), [qkv, pairBias]);
  return graph.record(y, [qkv, pairBias], (gradY) => {
    const back = (gradQkv: Tensor, gradPairBias?: Tensor) => {
      attentionGrad(graph, { ...options, label: `${label} grad`, y, logSumExp, gradY, gradQkv, gradPairBias });
    };
    if (!pairBias || !graph.needsGrad(pairBias)) {
      graph.addGrad(qkv, (gradQkv) => back(gradQkv));
      return;
    }
    // One pass writes both gradients.
    graph.addGrad(pairBias, (gradPairBias) => {
      if (graph.needsGrad(qkv)) graph.addGrad(qkv, (gradQkv) => back(gradQkv, gradPairBias));
      else back(graph.activation(`${label} gradQkv`, qkv.shape), gradPairBias);
    });
  });
}
