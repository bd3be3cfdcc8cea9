// The public API, for Node and browsers alike; "voxtwirl/node" adds Dawn, files and software adapters.
export { VoxtwirlError, type VoxtwirlErrorCode } from "./errors.ts";
export { Gpu, type BufferView, type GpuOptions } from "./gpu/gpu.ts";
export type { GpuCaps } from "./gpu/caps.ts";
export { byteLength, elementCount, workgroups1d, type Dispatch, type DType, type KernelContext, type Shader, type Tensor } from "./gpu/dispatch.ts";
export { Graph } from "./graph/graph.ts";
export { Plan, type PlanOptions } from "./graph/plan.ts";
export { ParameterStore, type ParameterArray, type ParameterSpec } from "./graph/parameters.ts";
export * as operations from "./graph/operations.ts";
export { StepUniform, type StepValues } from "./graph/stepUniform.ts";
export { unet3d, type ForwardOptions } from "./models/unet3d.ts";
export { unetLayout, unetParameters, type UNet3dConfig, type UNetParameter } from "./models/unetLayout.ts";
export { initialise } from "./models/initialise.ts";
export { fromTorch, toTorch, type WeightKind } from "./models/layouts.ts";
export { decompose, sampleSums, type Decomposition, type SampleSums, type Sampling } from "./equivariance/estimators.ts";
export {
  OCTAHEDRAL_ORDER,
  octahedralInverses,
  octahedralMatrices,
  octahedralPermutation,
  octahedralProducts,
  rotateGridOctahedral,
} from "./equivariance/octahedral.ts";
export { drawOctahedral, haarQuaternion, haarRotation, quaternionToMatrix } from "./equivariance/rotations.ts";
export { VoxelEvaluator, type Evaluation, type VoxelEvaluatorOptions, type VoxelModel } from "./equivariance/voxelEvaluator.ts";
export type { Molecule } from "./molecules/molecule.ts";
export { Random } from "./random.ts";
export { checkTrainConfig, modelConfig, presets, type TrainConfig } from "./training/presets.ts";
export { Trainer } from "./training/trainer.ts";
export { trainLoop, type LoopOptions, type LoopProgress, type LoopResult } from "./training/loop.ts";
export { loadModel, loadState, modelTensors, stateTensors } from "./training/checkpoint.ts";
export { decodeSafetensors, encodeSafetensors, type SafeFile, type SafeTensor } from "./training/safetensors.ts";
export type { EvalRow, MetricRow, TrainRow } from "./training/metrics.ts";
export { renderReport, type ReportInput } from "./report/report.ts";
