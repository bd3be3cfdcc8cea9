import apply from "../../shaders/groupNorm.wgsl";
import gradInput from "../../shaders/groupNormGradInput.wgsl";
import gradParams from "../../shaders/groupNormGradParams.wgsl";
import gradSums from "../../shaders/groupNormGradSums.wgsl";
import mergePartials from "../../shaders/groupNormMerge.wgsl";
import moments from "../../shaders/groupNormMoments.wgsl";
import finish from "../../shaders/groupNormStats.wgsl";
import type { VariantFamily } from "./variant.ts";

export interface GroupNormShape extends Record<string, number> {
  samples: number;
  voxels: number;
  channels: number;
  groups: number;
  silu: number;
}

/** Voxels that a thread takes: long runs spread the coefficients' loads thin, short ones make more threads. */
const RUNS = [64, 16, 8, 32, 128, 256];

const family = (kernel: string, shaders: VariantFamily["shaders"]): VariantFamily<GroupNormShape> => ({
  kernel,
  shaders: [...shaders, { name: "groupNormMerge", code: mergePartials }],
  variants: () => RUNS.map((run) => ({ name: `runs of ${run}`, constants: { run } })),
  shapeClass: ({ channels }) => (channels % 4 === 0 ? "by four" : "one by one"),
  describe: ({ samples, voxels, channels, groups, silu }) =>
    `${samples}x${voxels}x${channels}, ${groups} groups${silu ? ", silu" : ""}`,
});

export const groupNormFamily = family("groupNorm", [
  { name: "groupNormMoments", code: moments },
  { name: "groupNormStats", code: finish },
  { name: "groupNorm", code: apply },
]);

export const groupNormGradFamily = family("groupNormGrad", [
  { name: "groupNormGradSums", code: gradSums },
  { name: "groupNormGradParams", code: gradParams },
  { name: "groupNormGradInput", code: gradInput },
]);
