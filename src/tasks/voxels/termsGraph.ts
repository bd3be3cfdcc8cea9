import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import type { ParameterStore } from "../../graph/parameters.ts";
import { subtract } from "../../kernels/add.ts";
import { twirlMerge } from "../../kernels/twirl/twirl.ts";
import { twirlGrad, type ElementwiseLoss } from "../../kernels/twirl/twirlGrad.ts";
import { TwirledSamples, type RotationChunk, type TwirledSamplesOptions } from "./twirledSamples.ts";

/** Appends a network's forward pass, [N, D, D, D, E] to the same shape, with the parameters that it is given. */
export type VoxelNetwork = (graph: Graph, noisy: Tensor, parameter: (name: string) => Tensor) => Tensor;

/** A graph that adds one molecule's part of a gradient to a store's gradients. */
export interface TermsGraph {
  readonly graph: Graph;
  readonly samples: TwirledSamples;
}

interface Of {
  readonly gpu: Gpu;
  readonly options: TwirledSamplesOptions;
  readonly network: VoxelNetwork;
  /** Weights where the gradient is taken, and the gradients that are added to. */
  readonly store: ParameterStore;
  /** f32 [2], see `twirlGrad`. */
  readonly weights: BufferView;
  /** Of gradients. */
  readonly loss: ElementwiseLoss;
  readonly chunk: number;
  readonly owned: BufferView[];
}

/**
 * The gradient of a term. Predictions come first, because their mean over all rotations is in the gradient of each; in
 * more than one chunk they are made again with what the backward pass needs.
 */
export function gradientGraph(of: Of): TermsGraph {
  const samples = new TwirledSamples(of.gpu, of.options, of.chunk, of.owned);
  const { graph, clean: target, chunks } = samples;
  const trained = of.store.bind(graph, { train: true });
  const fixed = of.store.bind(graph, { constants: "weights" });
  const mean = meanOf(samples);
  const once = chunks.length === 1;
  const first = chunks.map((part) => {
    const predictions = of.network(graph, samples.rotated(part), once ? trained : fixed);
    mean.merge(part, predictions);
    return predictions;
  });
  for (const part of chunks) {
    const predictions = once ? first[0]! : of.network(graph, samples.rotated(part), trained);
    const given = { predictions, mean: mean.tensor, target, loss: of.loss };
    graph.backward(predictions, cotangent(graph, of.weights, part.rotations, given));
  }
  return { graph, samples };
}

/**
 * J^T of the outputs' differences between two sets of weights: the Gauss-Newton matrix of a term times their
 * difference, where the outputs are linear between them.
 */
export function gaussNewtonGraph(of: Of, ahead: ParameterStore, behind: ParameterStore): TermsGraph {
  const samples = new TwirledSamples(of.gpu, of.options, of.chunk, of.owned);
  const { graph, chunks } = samples;
  const [plus, minus] = [ahead, behind].map((store) => store.bind(graph, { constants: "weights" }));
  const mean = meanOf(samples);
  const differences = chunks.map((part) => {
    const x = samples.rotated(part);
    const y = graph.scratch("difference", samples.shape(part.count));
    const [a, b] = [of.network(graph, x, plus!), of.network(graph, x, minus!)];
    graph.inPhase("metric", () => subtract(graph, { label: "difference", a, b, y }));
    mean.merge(part, y);
    return y;
  });
  const trained = of.store.bind(graph, { train: true });
  chunks.forEach((part, i) => {
    const predictions = of.network(graph, samples.rotated(part), trained);
    const given = { predictions: differences[i]!, mean: mean.tensor };
    graph.backward(predictions, cotangent(graph, of.weights, part.rotations, given));
  });
  return { graph, samples };
}

/** The mean of what is merged, rotated back. */
function meanOf({ graph, clean }: TwirledSamples) {
  const mean = graph.scratch("twirled", clean.shape);
  const m2 = graph.scratch("twirled m2", clean.shape);
  return {
    tensor: mean,
    merge({ rotations, done }: RotationChunk, predictions: Tensor): void {
      graph.inPhase("metric", () =>
        twirlMerge(graph, { label: "twirl merge", predictions, rotations, mean, m2, count: done }),
      );
    },
  };
}

/** The gradient of the raw predictions; without a target, of their differences. */
function cotangent(
  graph: Graph,
  weights: BufferView,
  rotations: Tensor,
  given: {
    readonly predictions: Tensor;
    readonly mean: Tensor;
    readonly target?: Tensor;
    readonly loss?: ElementwiseLoss;
  },
): Tensor {
  const gradPredictions = graph.scratch("prediction grad", given.predictions.shape);
  const term = graph.external("term", [2], weights);
  graph.inPhase("metric", () =>
    twirlGrad(graph, { label: "twirl grad", ...given, rotations, weights: term, gradPredictions }),
  );
  return gradPredictions;
}
