import activated from "../../shaders/shared/activated.wgsl";
import cells from "../../shaders/shared/cells.wgsl";
import convBlocks from "../../shaders/shared/convBlocks.wgsl";
import convInput from "../../shaders/shared/convInput.wgsl";
import convInput4 from "../../shaders/shared/convInput4.wgsl";
import convLanes from "../../shaders/shared/convLanes.wgsl";
import convOperands from "../../shaders/shared/convOperands.wgsl";
import dispatchGroup from "../../shaders/shared/dispatchGroup.wgsl";
import gradWeightInput4 from "../../shaders/shared/gradWeightInput4.wgsl";
import gradWeightOperands from "../../shaders/shared/gradWeightOperands.wgsl";
import grid from "../../shaders/shared/grid.wgsl";
import groupNormApply from "../../shaders/shared/groupNormApply.wgsl";
import groupNormGradWrite from "../../shaders/shared/groupNormGradWrite.wgsl";
import groupNormParams from "../../shaders/shared/groupNormParams.wgsl";
import groupNormRun from "../../shaders/shared/groupNormRun.wgsl";
import groupNormStats from "../../shaders/shared/groupNormStats.wgsl";
import groupNormTerms from "../../shaders/shared/groupNormTerms.wgsl";
import layerNormRows from "../../shaders/shared/layerNormRows.wgsl";
import moments from "../../shaders/shared/moments.wgsl";
import nan from "../../shaders/shared/nan.wgsl";
import nearest from "../../shaders/shared/nearest.wgsl";
import neighbourAttention from "../../shaders/shared/neighbourAttention.wgsl";
import normal from "../../shaders/shared/normal.wgsl";
import octahedral from "../../shaders/shared/octahedral.wgsl";
import pairMatrix from "../../shaders/shared/pairMatrix.wgsl";
import philox from "../../shaders/shared/philox.wgsl";
import random from "../../shaders/shared/random.wgsl";
import pose from "../../shaders/shared/pose.wgsl";
import product from "../../shaders/shared/product.wgsl";
import real from "../../shaders/shared/real.wgsl";
import resampleTaps from "../../shaders/shared/resampleTaps.wgsl";
import rowTeam from "../../shaders/shared/rowTeam.wgsl";
import runMoments from "../../shaders/shared/runMoments.wgsl";
import scaling from "../../shaders/shared/scaling.wgsl";
import separation from "../../shaders/shared/separation.wgsl";
import sigmoid from "../../shaders/shared/sigmoid.wgsl";
import sortKey from "../../shaders/shared/sortKey.wgsl";
import step from "../../shaders/shared/step.wgsl";
import storage from "../../shaders/shared/storage.wgsl";
import storagePair from "../../shaders/shared/storagePair.wgsl";
import storedNumber from "../../shaders/shared/storedNumber.wgsl";
import streamBits from "../../shaders/shared/streamBits.wgsl";
import subgroupMatrix from "../../shaders/shared/subgroupMatrix.wgsl";
import thread from "../../shaders/shared/thread.wgsl";
import total from "../../shaders/shared/total.wgsl";
import unit from "../../shaders/shared/unit.wgsl";
import voxels from "../../shaders/shared/voxels.wgsl";
import winograd from "../../shaders/shared/winograd.wgsl";
import winogradTile from "../../shaders/shared/winogradTile.wgsl";

let library: Readonly<Record<string, string>> | undefined;

/**
 * What shaders may `#import`, by name: the files of `shaders/shared`. A function, so that bundles without a shader have
 * none for its sake.
 */
export function shaderLibrary(): Readonly<Record<string, string>> {
  const files = [
    activated,
    cells,
    convBlocks,
    convInput,
    convInput4,
    convLanes,
    convOperands,
    dispatchGroup,
    gradWeightInput4,
    gradWeightOperands,
    grid,
    groupNormApply,
    groupNormGradWrite,
    groupNormParams,
    groupNormRun,
    groupNormStats,
    groupNormTerms,
    layerNormRows,
    moments,
    nan,
    nearest,
    neighbourAttention,
    normal,
    octahedral,
    pairMatrix,
    philox,
    random,
    pose,
    product,
    real,
    resampleTaps,
    rowTeam,
    runMoments,
    scaling,
    separation,
    sigmoid,
    sortKey,
    step,
    storage,
    storagePair,
    storedNumber,
    streamBits,
    subgroupMatrix,
    thread,
    total,
    unit,
    voxels,
    winograd,
    winogradTile,
  ];
  library ??= Object.fromEntries(files.map(({ name, code }) => [name, code]));
  return library;
}
