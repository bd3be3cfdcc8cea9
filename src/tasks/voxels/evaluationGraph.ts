import { requireFunction, requireGpu, requireObject } from "../../check.ts";
import { alignUp, BINDING_ALIGNMENT } from "../../gpu/alignment.ts";
import type { BufferView, Gpu } from "../../gpu/gpu.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import { Graph, type Precision } from "../../graph/graph.ts";
import { StepUniform } from "../../graph/stepUniform.ts";
import { rotateOctahedral } from "../../kernels/rotation/rotateOctahedral.ts";
import { twirlError, twirlMerge } from "../../kernels/twirl/twirl.ts";
import type { PackedMolecules } from "../../molecules/dataset.ts";
import { moleculeTensors, sampleVoxels, uploadMolecules } from "./noisyVoxels.ts";

/** Appends a model's forward pass: [N, D, D, D, E] to a prediction of the same shape. */
export type VoxelModel = (graph: Graph, noisy: Tensor) => Tensor;

/** Molecules, grid, noise and rotations of the evaluation. */
export interface VoxelEvaluatorOptions {
  readonly molecules: PackedMolecules;
  readonly grid: number;
  /** Channels of the grid: elements. */
  readonly channels: number;
  /** Edge of a voxel in Angstrom. */
  readonly resolution: number;
  /** Standard deviation of the noise. */
  readonly sigma: number;
  /** Poses are shifted uniformly in +-shift Angstrom along each axis. */
  readonly shift: number;
  /** Rotations of each molecule: 24 enumerates the octahedral group, 2 to 23 are drawn without replacement. */
  readonly twirl: number;
  /** Poses, shifts, noise and drawn rotations follow from the seed and the molecule's place alone. */
  readonly seed: number;
  readonly streams: { readonly pose: number; readonly noise: number };
  /** Rotations predicted in one batch at most; without it as many as fit. */
  readonly chunk?: number;
  /** Keeps all predictions of a molecule on the GPU, for `twisted`, where they are made in chunks. */
  readonly keepPredictions?: boolean;
  /** How the model's activations are stored (default "f32"); grids, predictions and sums are f32. */
  readonly precision?: Precision;
  /** Also sums |f_T - y|^2 from the twisted predictions themselves: a check of the decomposition. */
  readonly checkTotal?: boolean;
}

/** @throws VoxtwirlError "bad-option" unless an evaluator is given all it takes; `more` are options of its own */
export function requireEvaluation(gpu: Gpu, options: object, model: VoxelModel, more: string): void {
  requireGpu(gpu);
  const names = `molecules, grid, channels, resolution, sigma, shift, seed, ${more}`;
  requireObject("options", options, `Give { ${names} }.`);
  requireObject(
    "molecules",
    (options as Partial<VoxelEvaluatorOptions>).molecules,
    "Give packed molecules: voxels.pack(...).",
  );
  requireFunction("model", model, "Give (graph, noisy) => prediction.");
}

/** An evaluation of one molecule, and what is written before and read after a replay. */
export interface EvaluationGraph {
  readonly graph: Graph;
  readonly uniform: StepUniform;
  readonly molecule: BufferView;
  readonly rotationViews: readonly BufferView[];
  readonly chunk: number;
  readonly sums: Tensor;
  readonly twisted: Tensor | undefined;
  readonly clean: Tensor;
  readonly noisy: Tensor;
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
  const { molecules, grid, channels, resolution, sigma, shift, twirl, streams, checkTotal, keepPredictions } = options;
  const upload = (label: string, values: Float32Array | Uint32Array) => {
    const view = gpu.upload(label, values);
    owned.push(view);
    return view;
  };
  const chunks = Math.ceil(twirl / chunk);
  const stride = alignUp(chunk * 4, BINDING_ALIGNMENT);
  const rotationBuffer = upload("rotations", new Uint32Array((chunks * stride) / 4)).buffer;
  const molecule = upload("molecule", new Uint32Array(1));
  const uniform = new StepUniform(gpu, "twirl step");
  owned.push(uniform.view());

  const graph = new Graph(gpu.caps, { precision: options.precision });
  const step = graph.external("step", [8], uniform.view());
  const moleculeBuffers = uploadMolecules(upload, "held-out", molecules);
  const { clean, noisy } = sampleVoxels(graph, {
    ...{ molecules: moleculeTensors(graph, moleculeBuffers), grid, channels, resolution },
    chosen: graph.external("molecule", [1], molecule, "u32"),
    pose: { shift, rotate: "so3", stream: streams.pose },
    noise: { sigma, stream: streams.noise, step },
  });
  for (const tensor of [clean, noisy]) graph.keep(tensor);
  const shape = (samples: number) => [samples, grid, grid, grid, channels];

  const mean = graph.keep(graph.scratch("twirled", shape(1)));
  const m2 = graph.scratch("twirl m2", shape(1));
  const sums = graph.keep(graph.scratch("twirl sums", [1, 4]));
  const twisted = checkTotal ? graph.keep(graph.scratch("twisted total", [1])) : undefined;
  if (twisted) graph.clear(twisted);
  const rotationViews: BufferView[] = [];
  const made: Tensor[] = [];
  for (let done = 0; done < twirl; done += chunk) {
    const count = Math.min(chunk, twirl - done);
    const view = { buffer: rotationBuffer, offset: rotationViews.length * stride, size: count * 4 };
    rotationViews.push(view);
    const rotations = graph.external("rotations", [count], view, "u32");
    const rotated = graph.scratch("rotated", shape(count));
    graph.inPhase("metric", () => rotateOctahedral(graph, { label: "rotate", x: noisy, rotations, y: rotated }));
    const predictions = model(graph, rotated);
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
  return {
    graph,
    uniform,
    molecule,
    rotationViews,
    chunk,
    sums,
    twisted,
    clean,
    noisy,
    mean,
    predictions,
    allPredictions,
    owned,
  };
}
