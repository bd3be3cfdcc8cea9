// The public API, for Node and browsers alike; "voxtwirl/node" adds Dawn, files and software adapters.
export { VoxtwirlError, type VoxtwirlErrorCode } from "./errors.ts";
export { Gpu, type BufferView, type Compilers, type GpuOptions } from "./gpu/gpu.ts";
export { decodeHalf, encodeHalf } from "./gpu/half.ts";
export type { AdapterClass, GpuCaps, SubgroupMatrixShape } from "./gpu/caps.ts";
export { adapterId, type TunedChoice, type Tuning } from "./gpu/tuning.ts";
export { workgroups1d, type Dispatch, type KernelCall, type KernelContext } from "./gpu/dispatch.ts";
export type { Shader } from "./gpu/shader.ts";
export { byteLength, elementCount, type DType, type Tensor } from "./gpu/tensor.ts";
export { Graph, type GraphCommand, type Phase, type Precision } from "./graph/graph.ts";
export type { OutputGradient } from "./graph/gradientTape.ts";
export type { GradWriter } from "./graph/gradientTape.ts";
export { Plan, type PlanOptions } from "./graph/plan.ts";
export type { MemoryPlan, Placement } from "./graph/planner.ts";
export type { Copy } from "./gpu/recorder.ts";
export { memoryMap, type MemoryMap, type MemoryTensor } from "./graph/memoryMap.ts";
export type { DispatchProfile, PlanProfile } from "./graph/profile.ts";
export type { HostTimes, ProfiledReplay, ProfileOptions, ReplayTimes } from "./graph/profileReplays.ts";
export { measureRoofline, rooflineSeconds, rooflineShare, type Roofline } from "./graph/roofline.ts";
export {
  PARAMETER_ARRAYS,
  ParameterStore,
  type Orbits,
  type ParameterArray,
  type ParameterSpec,
} from "./graph/parameters.ts";
export * as kernels from "./kernels/namespace.ts";
export type { Contents, Example, ExampleTensor } from "./kernels/example.ts";
export type { CallShape, Kernel, TableRow, Variant, VariantChoice } from "./kernels/kernel.ts";
export { allKernels } from "./kernels/list.ts";
export { selfConditions } from "./kernels/flow/selfCondition.ts";
export { timeFrequencies } from "./kernels/flow/timeEmbedding.ts";
export { streamUniform, type StreamSample } from "./kernels/philox.ts";
export { requireMinimumImage } from "./kernels/neighbours/minimumImage.ts";
export * as operations from "./graph/operations.ts";
export { StepUniform, type StepValues } from "./graph/stepUniform.ts";
export { unet3d, type ForwardOptions } from "./models/unet3d.ts";
export {
  unetLayout,
  unetParameters,
  type BlockLayout,
  type ResLayout,
  type SampleLayout,
  type UNet3dConfig,
  type UNet3dLayout,
} from "./models/unetLayout.ts";
export { FIELD_SIZES, freeCount, weightOrbits, type FieldKind } from "./models/fields.ts";
export type { ModelParameter } from "./models/parameter.ts";
export { initialise } from "./models/initialise.ts";
export { fromTorch, toTorch, type WeightArray, type WeightKind } from "./models/layouts.ts";
export {
  decomposeSums,
  sampleSums,
  type Decomposition,
  type SampleSums,
  type SampleTerms,
  type Sampling,
} from "./equivariance/estimators.ts";
export type { TwirlGain } from "./equivariance/twirlGain.ts";
export {
  inverseRotation,
  o3,
  octahedral,
  rotationGroup,
  so3,
  type Rotation,
  type RotationActions,
  type RotationGroup,
} from "./equivariance/groups.ts";
export {
  finiteGroup,
  type FiniteGroupOptions,
  type SymmetryActions,
  type SymmetryGroup,
} from "./equivariance/symmetryGroup.ts";
export { matrixGroup, type MatrixGroupOptions } from "./equivariance/matrixGroup.ts";
export { cyclic2, cyclic4, fullOctahedral, mirrors } from "./equivariance/cubeGroups.ts";
export { weightedTerms } from "./equivariance/weightedTerms.ts";
export type { SamplePredictions } from "./equivariance/sampleTerms.ts";
export { quadrature } from "./equivariance/quadrature.ts";
export type { QuadratureDegree } from "./equivariance/lebedev.ts";
export {
  degreeParts,
  quadratureSteps,
  resolvedDegree,
  type DegreeOptions,
  type DegreePart,
  type DegreeParts,
} from "./equivariance/degrees.ts";
export { parityParts, type ParityOptions, type ParityParts } from "./equivariance/parity.ts";
export { translations, type Translation, type TranslationOptions } from "./equivariance/translations.ts";
export { channelPermutations, type ChannelPermutation } from "./equivariance/channelPermutations.ts";
export { measureEquivariance, type MeasureOptions } from "./equivariance/measure.ts";
export type { EquivarianceSample, Predict, PredictContext } from "./equivariance/predict.ts";
export type { Representation } from "./equivariance/representations.ts";
export type { BetterReading } from "./equivariance/betterReading.ts";
export type { RotationReading } from "./equivariance/rotationReadings.ts";
export {
  measurePredictions,
  PredictionTally,
  type MeasurePredictionsOptions,
  type PredictedSample,
  type PredictionMeasurement,
  type PredictionOptions,
} from "./equivariance/predictions.ts";
export type { PredictionRotations } from "./equivariance/predictionRotations.ts";
export type { CubeSubgroup, RotationSource } from "./equivariance/cubeRotations.ts";
export type { FloatArray, NumberArray } from "./equivariance/numbers.ts";
export {
  absoluteError,
  bregman,
  crossEntropy,
  huber,
  itakuraSaito,
  kullbackLeibler,
  squaredError,
  type BregmanOptions,
  type Loss,
} from "./equivariance/losses.ts";
export { brierScore, probabilityCrossEntropy } from "./equivariance/probabilityLosses.ts";
export { labelTarget, type LabelTarget } from "./equivariance/labels.ts";
export type { HeldOutGain } from "./equivariance/heldOutGains.ts";
export type { Interval } from "./equivariance/studentT.ts";
export type { ElementwiseLoss } from "./kernels/twirl/twirlGrad.ts";
export { decompose, Tally, type Measurement, type TallyOptions } from "./equivariance/decomposition.ts";
export {
  OCTAHEDRAL_ORDER,
  octahedralElement,
  octahedralInverses,
  octahedralMatrices,
  octahedralPermutation,
  octahedralProducts,
  rotateGridOctahedral,
} from "./equivariance/octahedral.ts";
export { projectedDimension, projectKernel } from "./equivariance/projection.ts";
export {
  drawOctahedral,
  haarQuaternion,
  haarRotation,
  quaternionToMatrix,
  type Quaternion,
} from "./equivariance/rotations.ts";
export type { AxisAngle } from "./equivariance/axisAngle.ts";
export { poseResult, poseSums, type PoseResult, type PoseSums } from "./equivariance/poseEstimator.ts";
export { poseAverages, poseGains, type PoseAverages, type PoseGain } from "./equivariance/poseGain.ts";
export { featureCosine, type FeatureCosine } from "./analysis/featureCosine.ts";
export {
  FeatureTally,
  type FeatureLayer,
  type FeatureTallyOptions,
  type LayerSimilarity,
  type RotationSimilarity,
  type SampleMean,
  type Similarity,
} from "./analysis/featureTally.ts";
export {
  measureLatents,
  type LatentLayer,
  type LatentMeasurer,
  type LatentResult,
  type LatentSimilarity,
  type MeasureLatentsOptions,
} from "./analysis/latents.ts";
export { PoseEvaluator, type PoseEvaluatorOptions, type PoseMeasurement } from "./tasks/voxels/poseEvaluator.ts";
export type { VoxelEvaluatorOptions, VoxelModel } from "./tasks/voxels/evaluationGraph.ts";
export type {
  GridSamples,
  MoleculeSamples,
  TwirledSamplesOptions,
  TwirlOptions,
} from "./tasks/voxels/twirledSamples.ts";
export type { ReplayOptions } from "./tasks/replayEach.ts";
export type { VoxelNetwork } from "./tasks/voxels/termsGraph.ts";
export { VoxelTerms, type VoxelTermsOptions } from "./tasks/voxels/voxelTerms.ts";
export { voxelTerms, type VoxelModelTermsOptions } from "./tasks/voxels/modelTerms.ts";
export {
  VoxelEvaluator,
  type Evaluation,
  type TwirledSample,
  type TwistedPredictions,
} from "./tasks/voxels/voxelEvaluator.ts";
export { TERMS, type LossTerms, type Term, type TermsOptions, type WeightSlot } from "./analysis/lossTerms.ts";
export {
  termGradients,
  type GradientNorm,
  type GradientOptions,
  type GradientResult,
  type LayerGradients,
  type TermGradients,
} from "./analysis/gradients.ts";
export type { SymmetricOperator } from "./analysis/operator.ts";
export { gaussNewton, hessian, type HessianOptions } from "./analysis/hessian.ts";
export { Lanczos, type RitzValue } from "./analysis/lanczos.ts";
export type { DensityOptions, EigenvalueCount, SpectralDensity } from "./analysis/density.ts";
export { curvature, type Curvature, type CurvatureOptions, type LambdaK } from "./analysis/curvature.ts";
export {
  landscape,
  landscapeCost,
  type CurvatureMatrix,
  type Landscape,
  type LandscapeCost,
  type LandscapeOptions,
} from "./analysis/landscape.ts";
export { filterDirection } from "./analysis/directions.ts";
export { landscapeSlice, type LandscapeSlice, type SliceOptions, type SlicePoint } from "./analysis/slices.ts";
export {
  SLICED_TERMS,
  termSlices,
  termSlicesCost,
  type SliceDirection,
  type SlicedCurvature,
  type SliceLine,
  type SlicePlane,
  type TermSlices,
  type TermSlicesOptions,
} from "./analysis/termSlices.ts";
export { voxelLatents, type VoxelLatentOptions } from "./tasks/voxels/voxelLatents.ts";
export {
  perpendicularNorms,
  projectWeights,
  type LayerPerpendicular,
  type PerpendicularNorm,
  type PerpendicularNorms,
} from "./analysis/perpendicular.ts";
export type { LineFit } from "./analysis/lineFit.ts";
export {
  parameterSpace,
  parameterSpaceCost,
  type LinePoint,
  type ParameterSpace,
  type ParameterSpaceCost,
  type ParameterSpaceOptions,
} from "./analysis/parameterSpace.ts";
export { perceiveBonds } from "./molecules/perceiveBonds.ts";
export { builtinMolecules, builtinSha256 } from "./molecules/builtin.ts";
export { builtinForceFrames, builtinForcesSha256 } from "./molecules/builtinForces.ts";
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
export type { Frame, FrameColumn, InfoValue, NumberedFrame } from "./molecules/frame.ts";
export type { Bond, Molecule } from "./molecules/molecule.ts";
export { builtinBackbones, builtinBackbonesSha256 } from "./proteins/builtinBackbones.ts";
export { chainName, makeChain, type Chain, type ChainParts } from "./proteins/chain.ts";
export { prepareChains, type ChainDatasetOptions, type ChainPart, type PreparedChains } from "./proteins/dataset.ts";
export { sequenceFamilies } from "./proteins/families.ts";
export { chainGeometry, type ChainGeometry } from "./proteins/geometry.ts";
export { geometrySummary, type GeometrySummary } from "./proteins/geometrySummary.ts";
export {
  cropWindow,
  packChains,
  packCrops,
  unpackRow,
  type Crop,
  type CropWindow,
  type PackedChains,
  type PackedCrops,
} from "./proteins/packing.ts";
export { residueCode } from "./proteins/residues.ts";
export { secondaryStructure, type SecondaryStructure } from "./proteins/secondaryStructure.ts";
export type { ChainNotes, ParseChainsOptions, ParsedChains } from "./formats/chainNotes.ts";
export { parseMmcif } from "./formats/mmcif.ts";
export { parsePdb } from "./formats/pdb.ts";
export { encodePdb } from "./formats/pdbWriter.ts";
export { frameLabels, type FrameLabels, type LabelKind, type LabelNames } from "./formats/frameLabels.ts";
export type { LabelNote, LabelUnits } from "./formats/labels.ts";
export { openNpzFrames, parseNpz, type NpzOptions } from "./formats/npz.ts";
export type { NpzFrames, NpzSource } from "./formats/npzFrames.ts";
export type { ArrayNames } from "./formats/npzNames.ts";
export type { LeftOut, LeftOutRecord, ParsedMolecules, ParseOptions, ReadingNotes } from "./formats/records.ts";
export { parseSdf } from "./formats/sdf.ts";
export { parseXyz } from "./formats/xyz.ts";
export { parseXyzFrames, readXyzFrames, type FrameOptions } from "./formats/xyzStream.ts";
export { encodeXyzFrame, type WriteFrameOptions } from "./formats/xyzWriter.ts";
export type { ByteSource } from "./formats/byteSource.ts";
export type { PickleObject, PickleTuple, PickleValue } from "./formats/pickle.ts";
export type { PlainValue } from "./formats/pickleWriter.ts";
export { decodeTorch, openTorch, type TorchFile } from "./formats/torchFile.ts";
export { TorchTensor, type TorchStorage } from "./formats/torchObjects.ts";
export { torchStream, type TorchContents } from "./formats/torchWriter.ts";
export type { Inflate } from "./formats/zip.ts";
export type { TermNames } from "./frames/frameTerms.ts";
export type { FrameMeasurement, FrameTallyOptions } from "./frames/frameMeasurement.ts";
export { FrameTally } from "./frames/frameTally.ts";
export { measureFrames, type MeasureFramesOptions } from "./frames/measureFrames.ts";
export type { FrameFault } from "./frames/frameFault.ts";
export { verdictsOf, type Judged, type Verdict } from "./frames/verdict.ts";
export type { Floor, FloorSource, NearAxis } from "./frames/floor.ts";
export type { LossPart, LossParts } from "./frames/degreeTally.ts";
export type { Repeat, RepeatKind } from "./frames/repeats.ts";
export { ratioInterval, type RatioInterval } from "./equivariance/intervals.ts";
export type { PredictedCopy, PredictedRepeat } from "./frames/predictedCopy.ts";
export { readRotatedFrames, type ReadRotatedFramesOptions } from "./frames/rotatedFrames.ts";
export type { RotatedFault, RotatedStructure } from "./frames/rotatedStructure.ts";
export type { StructureCopy, StructureTerm } from "./frames/structureTerm.ts";
export type { FarthestStructure, FarthestVectors, FrameTermDetails, StructureSpread } from "./frames/termDetails.ts";
export type { AngleBin, FrameGain, FrameTermResult, WorstCopy } from "./frames/termResult.ts";
export { rotateFrames, type RotateFramesOptions } from "./frames/rotateFrames.ts";
export { rotatedNpz } from "./frames/rotateNpz.ts";
export { twirlMark, type TwirlMark } from "./frames/twirlKeys.ts";
export { Random } from "./random.ts";
export type {
  ConfigOption,
  EvaluationContext,
  ForwardPass,
  LatentMeasurerOptions,
  MeasurableTask,
  MicroBatch,
  ModelMeasurement,
  ModelMeasurer,
  ModelMeasurerOptions,
  ModelSamples,
  ModelSamplesOptions,
  ModelTerms,
  ReportParts,
  ModelTermsOptions,
  Packed,
  StepContext,
  Task,
  TaskData,
  TaskEvaluator,
  TrainedModel,
  TrainedModelOptions,
  TwistedSample,
} from "./training/task.ts";
export type { KeptStepList, KeptSteps } from "./training/keptSteps.ts";
export type { TrainConfig } from "./training/trainConfig.ts";
export { unetConfig, type VoxelConfig } from "./tasks/voxels/voxelConfig.ts";
export { voxels } from "./tasks/voxels/voxels.ts";
export { readStatus, STATUS_BYTES, Trainer, type StepStatus } from "./training/trainer.ts";
export { LossScaling } from "./training/lossScaling.ts";
export {
  train,
  type CheckpointEvent,
  type EndEvent,
  type ProgressEvent,
  type Trained,
  type TrainEvent,
  type TrainOptions,
  type TrainStart,
} from "./training/loop.ts";
export { Training, type TrainingOptions } from "./training/training.ts";
export { fromVoxmol, toVoxmol, type VoxmolContents } from "./tasks/voxels/voxmol.ts";
export { VoxelDenoiser } from "./tasks/voxels/voxelDenoiser.ts";
export type { ModelFile } from "./training/modelFile.ts";
export { loadModel, loadState, modelStream, modelTensors, stateStream, stateTensors } from "./training/checkpoint.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  safetensorsStream,
  type SafeData,
  type SafeDType,
  type SafeFile,
  type SafeSpec,
  type SafeStream,
  type SafeTensor,
} from "./formats/safetensors.ts";
export type { RunConfig, RunData } from "./training/runConfig.ts";
export type { EvalRow, MetricRow, TrainEvaluator, TrainRow } from "./training/metrics.ts";
export {
  choiceOf,
  countCalls,
  tune,
  type CountedCall,
  type TuneOptions,
  type TuneResult,
  type TuneRun,
} from "./tuning/tune.ts";
export type { Difference } from "./tuning/trial.ts";
export { emptyTuning, parseTuning, tuningHash, withChoices } from "./tuning/tuning.ts";
export { readingRemark } from "./report/measureRemarks.ts";
export { renderReport, type ReportInput, type ReportTable } from "./report/report.ts";
export type {
  EvalRow as ReportEvalRow,
  MetricRow as ReportRow,
  SliceInput,
  TrainRow as ReportTrainRow,
} from "./report/types.ts";
export { profileGroups, type GroupBy, type ProfileGroup } from "./report/profileGroups.ts";
export { ANALYSES, type Analysis, type AnalysisResults } from "./analysis/results.ts";
export { renderAnalysis, type AnalysisPageInput } from "./report/analysisPage.ts";
export { renderFrames, type FramesPageInput } from "./report/framesPage.ts";
export { renderProfile, type ProfilePageInput } from "./report/profilePage.ts";
export { profileTrace, type Trace, type TraceEvent } from "./report/profileTrace.ts";
export type { Masks } from "./models/dropouts.ts";
export { escaip, type AtomicGraph, type EscaipOptions, type EscaipOutput, type ParameterOf } from "./models/escaip.ts";
export { ELEMENT_ROWS, escaipParameters, type EscaipConfig } from "./models/escaipLayout.ts";
export { chainArrays, placeTable, timeFeatures, type ChainArrays, type ChainBatch } from "./models/flowInputs.ts";
export { flowNet, type FlowInputs, type FlowNetOptions, type FlowOutput } from "./models/flowNet.ts";
export { flowNetParameters, type FlowNetConfig } from "./models/flowNetLayout.ts";
export type { FlowConfig } from "./tasks/flow/flowConfig.ts";
export { FlowEvaluator, type FlowEvaluatorOptions } from "./tasks/flow/flowEvaluator.ts";
export { flowLatents, type FlowLatentOptions } from "./tasks/flow/flowLatents.ts";
export { FlowModel } from "./tasks/flow/flowModel.ts";
export type { FlowSample } from "./tasks/flow/flowSamples.ts";
export type { SampleEndpoints, TimePart } from "./tasks/flow/flowTally.ts";
export { flowTerms, type FlowTermsOptions } from "./tasks/flow/flowTerms.ts";
export { flow } from "./tasks/flow/flow.ts";
export type { PackedBackbones } from "./tasks/flow/packFlow.ts";
export {
  BackboneSampler,
  sampleBackbones,
  type BatchState,
  type SamplingRunOptions,
  type SamplingState,
} from "./tasks/flow/backboneSampler.ts";
export {
  FlowPaths,
  type EndpointField,
  type FieldInputs,
  type FlowPathsOptions,
  type PathState,
  type PathStep,
} from "./tasks/flow/flowPaths.ts";
export type { SamplingOptions, SamplingPlan } from "./tasks/flow/samplingPlan.ts";
export { samplingTimes, stepCoefficients, type StepCoefficients } from "./tasks/flow/samplingSchedule.ts";
export type { SecondMoments } from "./tasks/flow/secondMoments.ts";
export { closedForm, type ClosedForm, type HeadOutput } from "./tasks/forces/closedForm.ts";
export type { ForceConfig } from "./tasks/forces/forceConfig.ts";
export { ForceEvaluator, type ForceEvaluatorOptions } from "./tasks/forces/forceEvaluator.ts";
export type { ElementResult, StructureResult } from "./tasks/forces/forceTally.ts";
export { ForceField, type EnergyAndForces } from "./tasks/forces/forceField.ts";
export { forceLatents, type ForceLatentOptions } from "./tasks/forces/forceLatents.ts";
export { forceTerms, type ForceTermsOptions } from "./tasks/forces/forceTerms.ts";
export { forces } from "./tasks/forces/forces.ts";
export type { LabelScales } from "./tasks/forces/labels.ts";
export type { PackedStructures } from "./tasks/forces/packStructures.ts";
