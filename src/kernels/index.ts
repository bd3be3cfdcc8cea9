// The host side of every kernel: each function checks shapes and appends its dispatches to a `KernelContext` (a
// `Graph`).
export { adamw, type AdamwArgs } from "./adamw.ts";
export { add, type AddArgs } from "./add.ts";
export { attention, attentionGrad, type AttentionArgs, type AttentionGradArgs } from "./attention.ts";
export { concatChannels, splitChannels, type ConcatChannelsArgs } from "./concatChannels.ts";
export { conv3d, conv3dGradInput } from "./conv3d.ts";
export { conv3dGradWeight } from "./conv3dGradWeight.ts";
export { convTranspose3d, convTranspose3dGradInput, convTranspose3dGradWeight } from "./convTranspose3d.ts";
export { dropout, type DropoutArgs } from "./dropout.ts";
export { gradNorm, type GradNormArgs, type GradScaling } from "./gradNorm.ts";
export { groupNorm, groupNormGrad, type GroupNormArgs, type GroupNormGradArgs } from "./groupNorm.ts";
export { linear, linearGradInput, linearGradWeight } from "./linear.ts";
export { addNoise, fillNormal, fillUniform, type FillArgs } from "./noise.ts";
export { resample, resampleAdjoint, type ResampleArgs, type ResampleMethod } from "./resample.ts";
export { rooflineCopy } from "./rooflineCopy.ts";
export { rooflineFma, type RooflineFmaArgs } from "./rooflineFma.ts";
export { rotateOctahedral, type RotateOctahedralArgs } from "./rotateOctahedral.ts";
export { samplePose, type SamplePoseArgs } from "./samplePose.ts";
export { silu, siluGrad, type SiluGradArgs } from "./silu.ts";
export { squaredError, sumOfSquares, type SquaredErrorArgs } from "./squaredError.ts";
export { conv3dGradBias, sumRows } from "./sumRows.ts";
export { twirlError, twirlMerge, type TwirlMergeArgs } from "./twirl.ts";
export { voxelize, type VoxelizeArgs } from "./voxelize.ts";
