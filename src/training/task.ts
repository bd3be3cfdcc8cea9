import type { LatentMeasurer } from "../analysis/latents.ts";
import type { LossTerms } from "../analysis/lossTerms.ts";
import type { PoseResult } from "../equivariance/poseEstimator.ts";
import type { PoseGain } from "../equivariance/poseGain.ts";
import type { Measurement } from "../equivariance/decomposition.ts";
import type { Decomposition } from "../equivariance/estimators.ts";
import type { Rotation } from "../equivariance/groups.ts";
import type { Loss } from "../equivariance/losses.ts";
import type { EquivarianceSample, Predict } from "../equivariance/predict.ts";
import type { Representation } from "../equivariance/representations.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { BufferView, Gpu } from "../gpu/gpu.ts";
import type { Graph, Precision } from "../graph/graph.ts";
import type { ParameterStore } from "../graph/parameters.ts";
import type { Plan } from "../graph/plan.ts";
import type { ResampleMethod } from "../kernels/rotation/resample.ts";
import type { ModelParameter } from "../models/parameter.ts";
import type { BuiltinName } from "../molecules/builtinNames.ts";
import type { Skipped } from "../molecules/dataset.ts";
import type { MoleculeKey } from "../molecules/identity.ts";
import type { ReportInput } from "../report/types.ts";
import type { TrainEvaluator } from "./metrics.ts";
import type { ModelFile } from "./modelFile.ts";
import type { TrainConfig } from "./trainConfig.ts";

/** Samples, packed for the GPU. */
export interface Packed {
  readonly count: number;
  /** For each sample its index in the molecules or chains that were given. */
  readonly sourceIndex: Uint32Array;
}

/** A data set, divided. */
export interface TaskData<P extends Packed = Packed> {
  readonly train: P;
  readonly heldout: P;
  readonly skipped: Skipped;
  /** What was found of the training part and is kept with the model, as JSON: scales of labels. */
  readonly fitted?: Readonly<Record<string, unknown>>;
  /** Sentences about what is odd, though it can be used. */
  readonly remarks?: readonly string[];
}

/** What a task's training step is made with. */
export interface StepContext<C extends TrainConfig = TrainConfig, P extends Packed = Packed> {
  readonly config: C;
  /** Those that are trained on. */
  readonly data: P;
  /** Makes a buffer, which is freed with the trainer. */
  readonly upload: (label: string, values: Float32Array | Uint32Array) => BufferView;
  /** A weight of the network by its name, or some of its rows: see `ParameterStore.bind`. */
  readonly parameter: (name: string, rows?: readonly [from: number, to: number]) => Tensor;
  /** f32 [1], micro-batches add to it what they contribute to the mean over the whole batch. */
  readonly loss: Tensor;
  /** The state of loss scaling, in half precision. */
  readonly scaling: Tensor | undefined;
  /** The batch, in the parts that are computed one after another. */
  readonly parts: readonly MicroBatch[];
}

/** A part of a batch, computed at once. */
export interface MicroBatch {
  /** u32 [microBatch], which samples of the data. */
  readonly chosen: Tensor;
  /** Uniform `Step` of this part: shaders/shared/step.wgsl. */
  readonly step: Tensor;
}

/** Measures the averaged weights on held-out samples. */
export interface TaskEvaluator extends TrainEvaluator {
  readonly plan: Plan;
  /** Writes what held-out sample `index` needs, for a replay of `plan` that the caller submits: the profiler's. */
  prepare(index: number): void;
  /** Frees all that was made. */
  destroy(): void;
}

/** Where an evaluation gets its weights and data. */
export interface EvaluationContext<C extends TrainConfig = TrainConfig, P extends Packed = Packed> {
  readonly config: C;
  /** The average of its weights is measured. */
  readonly store: ParameterStore;
  readonly heldout: P;
  /** Rotations predicted at once at most; as many as fit by default. */
  readonly chunk?: number | undefined;
}

/** What a task adds to the report of a run. */
export type ReportParts = Pick<ReportInput, "slices" | "tables" | "subject" | "samples" | "lossPer" | "otherLoss">;

/** What is measured, and how. */
export interface ModelMeasurerOptions<C extends TrainConfig = TrainConfig, P extends Packed = Packed> {
  readonly model: ModelFile<C>;
  readonly data: P;
  /** Rotations of the cube or all; of each sample so many. */
  readonly group: "octahedral" | "so3";
  readonly rotations: number;
  /** The squared error by default; under all rotations there is no other. */
  readonly loss?: Loss;
  /** How predictions are rotated back where that interpolates. */
  readonly interpolation: ResampleMethod;
  /** Poses, noise and drawn rotations follow from it and the sample's place. */
  readonly seed: number;
  readonly precision: Precision;
}

/** What was measured of one sample. Grids are f32 and as `ModelMeasurer.shape` says, channels last. */
export interface TwistedSample {
  /** As the model gets it, not rotated: with its noise. */
  readonly input: Float32Array;
  readonly target: Float32Array;
  /** T_1 to T_K, active, x y z. */
  readonly rotations: readonly Rotation[];
  /** T_i^-1 f(T_i x), one after another: rotated back. */
  readonly predictions: Float32Array;
}

/** Measures a trained model sample by sample, for as long as somebody wants. */
export interface ModelMeasurer {
  /** Of a sample's input, of its target and of a prediction; undefined where they have none in common. */
  readonly shape: readonly number[] | undefined;
  /** Of each rotation. */
  readonly noises: number;
  /**
   * @returns what was measured, where samples have one shape and a rotation no noise of its own
   * @throws VoxtwirlError "not-finite" where a prediction is not
   */
  add(this: void, index: number): Promise<TwistedSample | undefined>;
  /** Of the samples so far. */
  result(this: void): ModelMeasurement;
  /** Frees all that was made. */
  destroy(this: void): void;
}

/** L = L_mean + L_equiv, or where predictions have noise of their own, how far they depend on the pose. */
export type ModelMeasurement =
  | (Measurement & {
      readonly kind: "decomposition";
      readonly group: "octahedral" | "so3";
      /** Of each of the losses that the task has, the one above among them. */
      readonly terms?: Readonly<Record<string, Decomposition>>;
    })
  | (PoseResult & {
      readonly kind: "pose";
      readonly group: "so3";
      readonly samples: number;
      /** Of each sample. */
      readonly rotations: number;
      /** Of each rotation. */
      readonly noises: number;
      readonly gains: readonly PoseGain[];
    });

/** Whose terms are taken, and on what. */
export interface ModelTermsOptions<C extends TrainConfig = TrainConfig, P extends Packed = Packed> {
  readonly model: ModelFile<C>;
  readonly data: P;
  /** Places in the data of the samples that the losses are means over. */
  readonly chosen: Uint32Array;
  /** Rotations of the cube of each sample; 24 are all. */
  readonly rotations: number;
  /** The squared error by default; others may need all rotations. */
  readonly loss?: Loss;
  /** Poses, noise and drawn rotations follow from it and the sample's place. */
  readonly seed: number;
}

/** The loss's terms of a model on the GPU. */
export interface ModelTerms extends LossTerms {
  /** Frees all that was made. */
  destroy(): void;
}

/** Whose hidden features are compared under rotations, and on what. */
export interface LatentMeasurerOptions<C extends TrainConfig = TrainConfig, P extends Packed = Packed> {
  readonly model: ModelFile<C>;
  readonly data: P;
  /** Poses and noise follow from it and the sample's place: the run's own gives those of its evaluations. */
  readonly seed: number;
  readonly precision: Precision;
  /** Which layers, all by default: a name is what those of a layer's weights begin with. */
  readonly layers?: ((name: string) => boolean) | undefined;
}

/** Whose samples and predictions are wanted as arrays. */
export interface ModelSamplesOptions<C extends TrainConfig = TrainConfig, P extends Packed = Packed> {
  readonly model: ModelFile<C>;
  readonly data: P;
  /** Poses and noise follow from it and the sample's place: the run's own gives those of its evaluations. */
  readonly seed: number;
  readonly precision: Precision;
}

/** A trained model and samples as arrays: what `measureEquivariance` takes, under whatever group. */
export interface ModelSamples {
  /** What inputs are, and targets and predictions. */
  readonly input: Representation;
  readonly output: Representation;
  /** A sample by its place in the data; its input has its noise. */
  sample(this: void, index: number): Promise<EquivarianceSample<Float32Array>>;
  /** The `sample` that it is told is the place in the data: what is measured are the first samples, in their order. */
  readonly predict: Predict<Float32Array>;
  /** Frees all that was made. */
  destroy(this: void): void;
}

/** A value of a configuration that people set one by one; commands make an option of it. */
export interface ConfigOption {
  /** The value's name: `microBatch` is --micro-batch. */
  readonly key: string;
  /** What it may be: a whole number from 1 on, a positive number, or one of some words. */
  readonly kind: "whole" | "positive" | readonly string[];
  readonly help: string;
}

/**
 * What differs from one thing to train to another: data, network, loss, evaluation. All else (the loop, checkpoints,
 * run folders, commands) asks a task and never which one it is.
 */
export interface Task<
  C extends TrainConfig = TrainConfig,
  P extends Packed = Packed,
  E extends TaskEvaluator = TaskEvaluator,
  S = unknown,
> {
  /** As in config.json of a run: `voxels`. */
  readonly name: string;
  /** What its data are: molecules, or chains of residues. */
  readonly takes: "molecule" | "chain";
  /** The built-in set that it is tried out on. */
  readonly builtin: BuiltinName;
  /** Named configurations. */
  readonly presets: Readonly<Record<string, C>>;
  /** Those that are others on an adapter much slower than lavapipe, so that a first try still ends in minutes. */
  readonly slowPresets: Readonly<Record<string, C>>;
  /** Its own values that people set, beside those of every `TrainConfig`. */
  readonly options: readonly ConfigOption[];
  /** @throws VoxtwirlError "bad-option" or "bad-config" naming the first value that cannot work */
  check(this: void, config: C): C;
  /**
   * Divides molecules, or chains, into those to train on and those held out, and packs both.
   *
   * @param keyOf tells copies of a molecule apart where bonds are known
   * @throws VoxtwirlError as `prepareDataset` and `prepareChains`
   */
  open(this: void, samples: readonly S[], config: C, keyOf?: MoleculeKey): TaskData<P>;
  /**
   * Packs molecules, or chains, that are not to be divided.
   *
   * @param fitted of the model that they are for: `TaskData.fitted` of its training
   */
  pack(
    this: void,
    samples: readonly S[],
    config: C,
    fitted?: Readonly<Record<string, unknown>>,
  ): { readonly packed: P; readonly skipped: Skipped };
  /** Those of the network. */
  parameters(this: void, config: C): ModelParameter[];
  /** Appends to a graph for each part of the batch its samples, the forward pass, its loss and the backward pass. */
  step(this: void, graph: Graph, context: StepContext<C, P>): void;
  /** Whether step number `step`, from 0, takes what the graph has as optional (`Graph.optional`); always by default. */
  isWhole?(this: void, config: C, step: number): boolean;
  /** @throws VoxtwirlError "too-large" or "out-of-memory" where not even one rotation at a time fits */
  evaluator(this: void, gpu: Gpu, context: EvaluationContext<C, P>): Promise<E>;
  /**
   * What the report of a run shows beside its curves.
   *
   * @param name of the first held-out sample
   */
  report(this: void, evaluator: E, config: C, name?: string): Promise<ReportParts>;
}

/** A trained model, ready to run: what else it does is the task's. */
export interface TrainedModel {
  /** Frees all that was made. */
  destroy(): void;
}

/** How a trained model is run. */
export interface TrainedModelOptions {
  /** How activations are stored; that of the model's training by default. */
  readonly precision?: Precision;
}

/** A forward pass, to look at what it costs. */
export interface ForwardPass {
  readonly plan: Plan;
  /** Frees all that was made. */
  destroy(this: void): void;
}

/** A task whose trained models can be run and measured: apart, so that a program that trains need not carry it. */
export interface MeasurableTask<
  C extends TrainConfig = TrainConfig,
  P extends Packed = Packed,
  E extends TaskEvaluator = TaskEvaluator,
  M extends TrainedModel = TrainedModel,
  S = unknown,
> extends Task<C, P, E, S> {
  /** What losses are means over: "voxel and channel". */
  readonly lossPer: string;
  /** What of a configuration makes its network about `factor` times as wide. */
  widened(this: void, config: C, factor: number): Partial<C>;
  /** @throws VoxtwirlError "bad-file" for a model of other weights, "unsupported", "out-of-memory" */
  load(this: void, gpu: Gpu, model: ModelFile<C>, options?: TrainedModelOptions): Promise<M>;
  /**
   * A forward pass on `batch` made-up samples of the size of its training's: values do not change its work.
   *
   * @throws VoxtwirlError as `load`, and "too-large"
   */
  forward(
    this: void,
    gpu: Gpu,
    model: ModelFile<C>,
    options: TrainedModelOptions & { readonly batch: number },
  ): Promise<ForwardPass>;
  /**
   * @throws VoxtwirlError "bad-file" for a model of other weights, "bad-option" for another loss than the squared error
   *   under all rotations, "too-large", "out-of-memory"
   */
  measure(this: void, gpu: Gpu, options: ModelMeasurerOptions<C, P>): Promise<ModelMeasurer>;
  /**
   * The loss's terms as functions of the weights, in f32.
   *
   * @throws VoxtwirlError as `measure`
   */
  terms(this: void, gpu: Gpu, options: ModelTermsOptions<C, P>): Promise<ModelTerms>;
  /**
   * How alike hidden features stay under rotation, by layer; `measureLatents` goes through samples with it.
   *
   * @throws VoxtwirlError "bad-file" for a model of other weights, "no-data", "too-large", "out-of-memory"
   */
  latents(this: void, gpu: Gpu, options: LatentMeasurerOptions<C, P>): Promise<LatentMeasurer>;
  /**
   * The model and its samples for measurements on the host.
   *
   * @throws VoxtwirlError as `load`
   */
  samples(this: void, gpu: Gpu, options: ModelSamplesOptions<C, P>): Promise<ModelSamples>;
}
