import { requireFunction, requireGpu, requireObject, requireTyped } from "../../check.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Graph } from "../../graph/graph.ts";
import { twirlError, twirlMerge } from "../../kernels/twirl/twirl.ts";
import {
  TwirledSamples,
  type GridSamples,
  type MoleculeSamples,
  type TwirledSamplesOptions,
} from "./twirledSamples.ts";

/** Appends a model's forward pass: [N, D, D, D, E] to a prediction of the same shape. */
export type VoxelModel = (graph: Graph, noisy: Tensor) => Tensor;

/** Samples, their rotations, and what else is wanted of the evaluation. */
export type VoxelEvaluatorOptions = TwirledSamplesOptions & {
  /** Rotations predicted in one batch at most; without it as many as fit. */
  readonly chunk?: number;
  /** Keeps all predictions of a molecule on the GPU, for `twisted`, where they are made in chunks. */
  readonly keepPredictions?: boolean;
  /** Also sums |f_T - y|^2 from the twisted predictions themselves: a check of the decomposition. */
  readonly checkTotal?: boolean;
};

/** @throws VoxtwirlError "bad-option" unless an evaluator is given all it takes; `more` are options of its own */
export function requireEvaluation(gpu: Gpu, options: object, model: VoxelModel, more: string): void {
  requireGpu(gpu);
  const names = `molecules, grid, channels, resolution, sigma, shift, seed, ${more}`;
  requireObject("options", options, `Give { ${names} }.`);
  const { molecules, noisy, clean } = options as Partial<MoleculeSamples & GridSamples>;
  if (molecules !== undefined || noisy === undefined) {
    requireObject("molecules", molecules, "Give packed molecules: voxels.pack(...).");
  } else {
    for (const [name, grids] of Object.entries({ noisy, clean })) requireTyped(name, grids);
  }
  requireFunction("model", model, "Give (graph, noisy) => prediction.");
}

/** An evaluation of one sample, and what is read after a replay. */
export interface EvaluationGraph {
  readonly graph: Graph;
  readonly samples: TwirledSamples;
  readonly sums: Tensor;
  readonly twisted: Tensor | undefined;
  readonly mean: Tensor;
  /** Raw predictions of the last chunk. */
  readonly predictions: Tensor;
  /** Those of every chunk, where they are kept. */
  readonly allPredictions: readonly Tensor[] | undefined;
  readonly owned: BufferView[];
}

/**
 * Builds the graph.
 *
 * @param chunk rotations that are predicted at once
 * @param owned buffers that are made are added, for the caller to destroy
 */
export function evaluationGraph(
  gpu: Gpu,
  options: VoxelEvaluatorOptions,
  model: VoxelModel,
  chunk: number,
  owned: BufferView[],
): EvaluationGraph {
  const { twirl, checkTotal, keepPredictions } = options;
  const samples = new TwirledSamples(gpu, options, chunk, owned);
  const { graph, clean } = samples;
  const mean = graph.keep(graph.scratch("twirled", clean.shape));
  const m2 = graph.scratch("twirl m2", clean.shape);
  const sums = graph.keep(graph.scratch("twirl sums", [1, 4]));
  const twisted = checkTotal ? graph.keep(graph.scratch("twisted total", [1])) : undefined;
  if (twisted) graph.clear(twisted);
  const made: Tensor[] = [];
  for (const part of samples.chunks) {
    const { rotations, count, done } = part;
    const predictions = model(graph, samples.rotated(part));
    made.push(predictions);
    graph.inPhase("metric", () => {
      const last = done + count === twirl;
      twirlMerge(graph, {
        label: "twirl merge",
        predictions,
        rotations,
        mean,
        m2,
        count: done,
        ...(last && { reduce: { target: clean, sums } }),
      });
      if (twisted) twirlError(graph, { label: "twisted total", predictions, rotations, target: clean, out: twisted });
    });
  }
  const predictions = made.at(-1)!;
  const allPredictions = keepPredictions || made.length === 1 ? made : undefined;
  for (const tensor of allPredictions ?? [predictions]) graph.keep(tensor);
  return { graph, samples, sums, twisted, mean, predictions, allPredictions, owned };
}
