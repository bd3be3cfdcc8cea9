// Every kernel: functions that check shapes and append dispatches to a `KernelContext` (a `Graph`), and beside them the
// object that says what there is to know of each (kernel.ts), by which list.ts finds it here.
export {
  gelu,
  geluGrad,
  geluGradKernel,
  geluKernel,
  sigmoid,
  sigmoidGrad,
  sigmoidGradKernel,
  sigmoidKernel,
  silu,
  siluGrad,
  siluGradKernel,
  siluKernel,
  type ActivationArgs,
  type ActivationGradArgs,
} from "./activations.ts";
export { adamw, adamwKernel, type AdamwArgs } from "./adamw.ts";
export { add, addKernel, subtract, subtractKernel, type AddArgs } from "./add.ts";
export { attention, attentionKernel } from "./attention/attention.ts";
export type { AttentionArgs, AttentionScores, AttentionShape } from "./attention/attentionSizes.ts";
export { attentionGrad, attentionGradKernel, type AttentionGradArgs } from "./attention/attentionGrad.ts";
export {
  averageOrbits,
  averageOrbitsKernel,
  type AverageOrbitsArgs,
  type AverageOrbitsShape,
} from "./averageOrbits.ts";
export { avgPool3d, avgPool3dGrad, avgPool3dGradKernel, avgPool3dKernel, type AvgPool3dOptions } from "./avgPool3d.ts";
export {
  concatChannels,
  concatChannelsKernel,
  splitChannels,
  splitChannelsKernel,
  type ConcatChannelsArgs,
} from "./concatChannels.ts";
export { conv3d, conv3dGradInput, conv3dKernel } from "./conv3d/conv3d.ts";
export { conv3dGradWeight, conv3dGradWeightKernel } from "./conv3d/conv3dGradWeight.ts";
export {
  convTranspose3d,
  convTranspose3dGradInput,
  convTranspose3dGradWeight,
  convTranspose3dKernel,
} from "./conv3d/convTranspose3d.ts";
export { dropout, dropoutKernel, type DropoutArgs } from "./dropout.ts";
export { gradNorm, gradNormKernel, type GradNormArgs, type GradScaling } from "./gradNorm.ts";
export { groupNorm, groupNormKernel, type GroupNormArgs } from "./groupNorm/groupNorm.ts";
export { groupNormGrad, groupNormGradKernel, type GroupNormGradArgs } from "./groupNorm/groupNormGrad.ts";
export { layerNorm, layerNormKernel, type LayerNormArgs, type LayerNormRows } from "./layerNorm/layerNorm.ts";
export { layerNormGrad, layerNormGradKernel, type LayerNormGradArgs } from "./layerNorm/layerNormGrad.ts";
export { linear, linearGradInput, linearGradWeight } from "./conv3d/linear.ts";
export { bondOrder, bondOrderKernel, type BondOrderArgs, type BondOrderShape } from "./neighbours/bondOrder.ts";
export {
  edgeGeometry,
  edgeGeometryKernel,
  type EdgeGeometryArgs,
  type EdgeGeometryShape,
} from "./neighbours/edgeGeometry.ts";
export type { NeighbourShape } from "./neighbours/layout.ts";
export { neighbourList, neighbourListKernel, type NeighbourListArgs } from "./neighbours/neighbourList.ts";
export {
  reverseNeighbours,
  reverseNeighboursKernel,
  type ReverseNeighboursArgs,
} from "./neighbours/reverseNeighbours.ts";
export {
  addNoise,
  addNoiseKernel,
  fillNormal,
  fillNormalKernel,
  fillUniform,
  fillUniformKernel,
  type FillArgs,
} from "./noise.ts";
export {
  resample,
  resampleGrad,
  resampleGradKernel,
  resampleKernel,
  type ResampleArgs,
  type ResampleMethod,
} from "./rotation/resample.ts";
export { rooflineCopy, rooflineCopyKernel } from "./rooflineCopy.ts";
export { rooflineFma, rooflineFmaKernel, type RooflineFmaArgs } from "./rooflineFma.ts";
export { rotateOctahedral, rotateOctahedralKernel, type RotateOctahedralArgs } from "./rotation/rotateOctahedral.ts";
export { samplePose, samplePoseKernel, type SamplePoseArgs } from "./samplePose.ts";
export {
  squaredError,
  squaredErrorKernel,
  sumOfSquares,
  sumOfSquaresKernel,
  type SquaredErrorArgs,
} from "./squaredError.ts";
export { conv3dGradBias, sumRows, sumRowsKernel } from "./sumRows.ts";
export {
  twirlGrad,
  twirlGradKernel,
  type ElementwiseLoss,
  type TwirlGradArgs,
  type TwirlGradShape,
} from "./twirl/twirlGrad.ts";
export { twirlError, twirlErrorKernel, twirlMerge, twirlMergeKernel, type TwirlMergeArgs } from "./twirl/twirl.ts";
export { voxelize, voxelizeKernel, type VoxelizeArgs } from "./voxelize.ts";
export type { AdamwShape } from "./adamw.ts";
export type { ElementwiseShape } from "./elementwise.ts";
export type { PoolShape } from "./avgPool3d.ts";
export type { ConcatShape } from "./concatChannels.ts";
export type { GradWeightShape } from "./conv3d/conv3dGradWeightVariants.ts";
export type { ConvShape } from "./conv3d/conv3dCall.ts";
export type { GradNormShape } from "./gradNorm.ts";
export type { GroupNormShape } from "./groupNorm/groupNormVariants.ts";
export type { LayerNormShape } from "./layerNorm/layerNormVariants.ts";
export type { NeighbourListShape } from "./neighbours/neighbourListVariants.ts";
export type { ResampleShape } from "./rotation/resample.ts";
export type { CopyShape } from "./rooflineCopy.ts";
export type { FmaShape } from "./rooflineFma.ts";
export type { RotateShape } from "./rotation/rotateOctahedral.ts";
export type { PoseShape } from "./samplePose.ts";
export type { SumRowsShape } from "./sumRows.ts";
export type { TwirlErrorShape } from "./twirl/twirl.ts";
export type { TwirlShape } from "./twirl/twirlVariants.ts";
export type { VoxelizeShape } from "./voxelize.ts";
export { edgeSum, edgeSumGrad, edgeSumGradKernel, edgeSumKernel } from "./edges/edgeSum.ts";
export type { EdgeSumArgs, EdgeSumGradArgs, EdgeSumShape } from "./edges/edgeSum.ts";
export type { ReverseList } from "./edges/edgeLists.ts";
export { FREE_SLOT } from "./neighbours/layout.ts";
export { segmentMean, segmentMeanGrad, segmentMeanGradKernel, segmentMeanKernel } from "./edges/segmentMean.ts";
export type { SegmentMeanArgs, SegmentMeanGradArgs, SegmentReduction, SegmentShape } from "./edges/segmentMean.ts";
export {
  neighbourAttention,
  neighbourAttentionKernel,
  type AttentionDropout,
  type NeighbourAttentionArgs,
} from "./edges/neighbourAttention.ts";
export {
  neighbourAttentionGrad,
  neighbourAttentionGradKernel,
  type NeighbourAttentionGradArgs,
} from "./edges/neighbourAttentionGrad.ts";
export type { NeighbourAttentionShape } from "./edges/neighbourAttentionVariants.ts";
export { edgeForces, edgeForcesGrad, edgeForcesGradKernel, edgeForcesKernel } from "./edges/edgeForces.ts";
export type { EdgeForcesArgs, EdgeForcesGradArgs, EdgeForcesShape } from "./edges/edgeForces.ts";
export { gaussianBasis, gaussianBasisKernel } from "./edges/gaussianBasis.ts";
export type { GaussianBasisArgs, GaussianBasisShape } from "./edges/gaussianBasis.ts";
export {
  embedding,
  embeddingGrad,
  embeddingGradKernel,
  embeddingKernel,
  type EmbeddingArgs,
  type EmbeddingShape,
} from "./embedding.ts";
export {
  countAtoms,
  countAtomsKernel,
  placeStructures,
  placeStructuresKernel,
  placeTargets,
  placeTargetsKernel,
  type PlaceShape,
  type PlaceStructuresArgs,
  type PlaceTargetsArgs,
} from "./structures/placeStructures.ts";
export {
  energyLoss,
  energyLossKernel,
  forceLoss,
  forceLossKernel,
  type EnergyLossArgs,
  type ForceFieldLossShape,
  type ForceLossArgs,
} from "./structures/forceFieldLoss.ts";
export { gateGrad, gateGradKernel, type GateGradArgs, type GateShape } from "./gateGrad.ts";
export { matmul, matmulKernel, type MatmulArgs, type MatmulFactors } from "./matmul/matmul.ts";
export type { MatmulShape } from "./matmul/matmulVariants.ts";
export type { Activation } from "./activationKinds.ts";
export {
  swiglu,
  swigluGrad,
  swigluGradKernel,
  swigluKernel,
  type SwigluArgs,
  type SwigluGradArgs,
  type SwigluShape,
} from "./swiglu.ts";
export {
  modulate,
  modulateGrad,
  modulateGradKernel,
  modulateKernel,
  type ModulateArgs,
  type ModulateGradArgs,
  type ModulateShape,
  type Modulation,
} from "./modulate.ts";
export { PAIR_TABLE_ROWS, pairBins, pairBinsKernel, type PairBinsArgs, type PairBinsShape } from "./pairs/pairBins.ts";
export { pairBias, pairBiasKernel, type PairBiasArgs, type PairBiasShape } from "./pairs/pairBias.ts";
export { pairBiasGrad, pairBiasGradKernel, type PairBiasGradArgs } from "./pairs/pairBiasGrad.ts";
export {
  pairEmbedding,
  pairEmbeddingGrad,
  pairEmbeddingGradKernel,
  pairEmbeddingKernel,
  type PairEmbeddingArgs,
  type PairEmbeddingGradArgs,
  type PairEmbeddingShape,
} from "./pairs/pairEmbedding.ts";
export {
  endpoint,
  endpointGrad,
  endpointGradKernel,
  endpointKernel,
  type EndpointArgs,
  type EndpointGradArgs,
  type EndpointShape,
  type FlowChains,
  type FlowShape,
} from "./flow/endpoint.ts";
export { centre, centreKernel, type CentreArgs } from "./flow/centre.ts";
export {
  chainWindows,
  chainWindowsKernel,
  type ChainWindowsArgs,
  type ChainWindowsShape,
} from "./flow/chainWindows.ts";
export {
  placeChains,
  placeChainsKernel,
  type ChainShape,
  type PlaceChainsArgs,
  type PlaceChainsShape,
} from "./flow/placeChains.ts";
export { chainTokens, chainTokensKernel, type ChainTokensArgs, type ChainTokensShape } from "./flow/chainTokens.ts";
export { flowTimes, flowTimesKernel, type FlowTimesArgs, type FlowTimesShape } from "./flow/flowTimes.ts";
export {
  timeEmbedding,
  timeEmbeddingKernel,
  type TimeEmbeddingArgs,
  type TimeEmbeddingShape,
} from "./flow/timeEmbedding.ts";
export { flowPath, flowPathKernel, type FlowPathArgs } from "./flow/flowPath.ts";
export {
  selfCondition,
  selfConditionKernel,
  type SelfConditionArgs,
  type SelfConditionShape,
} from "./flow/selfCondition.ts";
export { flowLoss, flowLossKernel, type FlowLossArgs } from "./flow/flowLoss.ts";
export {
  flowStart,
  flowStartKernel,
  flowStep,
  flowStepKernel,
  type FlowStartArgs,
  type FlowStepArgs,
} from "./flow/flowStep.ts";
export {
  scaleRows,
  scaleRowsGrad,
  scaleRowsGradKernel,
  scaleRowsKernel,
  type ScaleRowsArgs,
  type ScaleRowsGradArgs,
  type ScaleRowsShape,
} from "./scaleRows.ts";
