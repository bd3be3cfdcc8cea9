// The public API, for Node and browsers alike; "voxtwirl/node" adds Dawn, files and software adapters.
export { VoxtwirlError, type VoxtwirlErrorCode } from "./errors.ts";
export { Gpu, type BufferView, type GpuOptions } from "./gpu/gpu.ts";
export { decodeHalf, encodeHalf } from "./gpu/half.ts";
export type { AdapterClass, GpuCaps, SubgroupMatrixShape } from "./gpu/caps.ts";
export { adapterId, type TunedChoice, type Tuning } from "./gpu/tuning.ts";
export { workgroups1d, type Dispatch, type KernelCall, type KernelContext } from "./gpu/dispatch.ts";
export type { Shader } from "./gpu/shader.ts";
export { byteLength, elementCount, type DType, type Tensor } from "./gpu/tensor.ts";
export { Graph, type Phase, type Precision } from "./graph/graph.ts";
export { Plan, type PlanOptions } from "./graph/plan.ts";
export { memoryMap, type MemoryMap, type MemoryTensor } from "./graph/memoryMap.ts";
export type { DispatchProfile, PlanProfile } from "./graph/profile.ts";
export type { HostTimes, ProfiledReplay, ProfileOptions, ReplayTimes } from "./graph/profileReplays.ts";
export { measureRoofline, rooflineSeconds, rooflineShare, type Roofline } from "./graph/roofline.ts";
export { ParameterStore, type ParameterArray, type ParameterSpec } from "./graph/parameters.ts";
export * as kernels from "./kernels/index.ts";
export type { Example, ExampleTensor } from "./kernels/example.ts";
export type { CallShape, Kernel, TableRow, Variant, VariantChoice } from "./kernels/kernel.ts";
export { allKernels } from "./kernels/list.ts";
export * as operations from "./graph/operations.ts";
export { StepUniform, type StepValues } from "./graph/stepUniform.ts";
export { unet3d, type ForwardOptions } from "./models/unet3d.ts";
export { unetLayout, unetParameters, type UNet3dConfig, type UNetParameter } from "./models/unetLayout.ts";
export { initialise } from "./models/initialise.ts";
export { fromTorch, toTorch, type WeightKind } from "./models/layouts.ts";
export {
  decomposeSums,
  sampleSums,
  type Decomposition,
  type SampleSums,
  type Sampling,
} from "./equivariance/estimators.ts";
export type { TwirlGain } from "./equivariance/gain.ts";
export { inverseRotation, octahedral, so3, type Rotation, type RotationGroup } from "./equivariance/groups.ts";
export { measureEquivariance, type MeasureOptions } from "./equivariance/measure.ts";
export type { EquivarianceSample, Predict, PredictContext, Representation } from "./equivariance/predict.ts";
export type { BetterReading, RotationReading } from "./equivariance/conventions.ts";
export {
  measurePredictions,
  PredictionTally,
  type MeasurePredictionsOptions,
  type PredictedSample,
  type PredictionMeasurement,
  type PredictionOptions,
  type PredictionRotations,
} from "./equivariance/predictions.ts";
export type { RotationSource } from "./equivariance/rawTally.ts";
export type { NumberArray } from "./equivariance/numbers.ts";
export { decompose, Tally, type Measurement, type TallyOptions } from "./equivariance/tally.ts";
export {
  OCTAHEDRAL_ORDER,
  octahedralElement,
  octahedralInverses,
  octahedralMatrices,
  octahedralPermutation,
  octahedralProducts,
  rotateGridOctahedral,
} from "./equivariance/octahedral.ts";
export { drawOctahedral, haarQuaternion, haarRotation, quaternionToMatrix } from "./equivariance/rotations.ts";
export { poseResult, poseSums, type PoseResult, type PoseSums } from "./equivariance/poseEstimator.ts";
export { poseAverages, poseGains, type PoseAverages, type PoseGain } from "./equivariance/poseGain.ts";
export { PoseEvaluator, type PoseEvaluatorOptions } from "./equivariance/poseEvaluator.ts";
export {
  VoxelEvaluator,
  type Evaluation,
  type VoxelEvaluatorOptions,
  type VoxelModel,
} from "./equivariance/voxelEvaluator.ts";
export { builtinMolecules, builtinSha256 } from "./molecules/builtin.ts";
export {
  prepareDataset,
  type DatasetOptions,
  type PackedMolecules,
  type Pose,
  type PreparedDataset,
  type Skipped,
} from "./molecules/dataset.ts";
export { atomicNumber, elements5, elements8, elementSymbol } from "./molecules/elements.ts";
export type { MoleculeKey } from "./molecules/identity.ts";
export type { Bond, Molecule } from "./molecules/molecule.ts";
export type { LeftOut, LeftOutRecord, ParsedMolecules, ParseOptions, ReadingNotes } from "./molecules/records.ts";
export { parseSdf } from "./molecules/sdf.ts";
export { parseXyz } from "./molecules/xyz.ts";
export { Random } from "./random.ts";
export { checkTrainConfig, modelConfig, presets, type TrainConfig } from "./training/presets.ts";
export { readStatus, STATUS_BYTES, Trainer, type StepStatus } from "./training/trainer.ts";
export { LossScaling } from "./training/lossScaling.ts";
export {
  train,
  type CheckpointEvent,
  type EndEvent,
  type ProgressEvent,
  type Trained,
  type TrainEvaluator,
  type TrainEvent,
  type TrainOptions,
  type TrainStart,
} from "./training/loop.ts";
export { VoxelTraining, type VoxelTrainingOptions } from "./training/voxelTraining.ts";
export { loadModel, loadState, modelStream, modelTensors, stateStream, stateTensors } from "./training/checkpoint.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  safetensorsStream,
  type SafeFile,
  type SafeStream,
  type SafeTensor,
} from "./training/safetensors.ts";
export type { EvalRow, MetricRow, TrainRow } from "./training/metrics.ts";
export {
  choiceOf,
  countCalls,
  tune,
  type CountedCall,
  type TuneOptions,
  type TuneResult,
  type TuneRun,
} from "./tuning/tune.ts";
export { emptyTuning, parseTuning, tuningHash, withChoices } from "./tuning/tuning.ts";
export { readingRemark } from "./report/measureRemarks.ts";
export { renderReport, type ReportInput } from "./report/report.ts";
export { profileGroups, type GroupBy, type ProfileGroup } from "./report/profileGroups.ts";
export { renderProfile, type ProfilePageInput } from "./report/profilePage.ts";
export { profileTrace, type Trace, type TraceEvent } from "./report/profileTrace.ts";
