import apply from "../../shaders/groupNorm.wgsl";
import gradInput from "../../shaders/groupNormGradInput.wgsl";
import gradParams from "../../shaders/groupNormGradParams.wgsl";
import gradSums from "../../shaders/groupNormGradSums.wgsl";
import mergePartials from "../../shaders/groupNormMerge.wgsl";
import moments from "../../shaders/groupNormMoments.wgsl";
import finish from "../../shaders/groupNormStats.wgsl";
import whole from "../../shaders/groupNormWhole.wgsl";
import wholeGrad from "../../shaders/groupNormWholeGrad.wgsl";
import sumPartials from "../../shaders/sumPartials.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import type { Variant, VariantFamily } from "./variant.ts";

export interface GroupNormShape extends Record<string, number> {
  samples: number;
  voxels: number;
  channels: number;
  groups: number;
  silu: number;
}

/** Voxels that a thread takes: long runs spread the coefficients' loads thin, short ones make more threads. */
const RUNS = [64, 16, 8, 32, 128, 256];

export const groupNormWholeShader = { name: "groupNormWhole", code: whole };
export const groupNormWholeGradShader = { name: "groupNormWholeGrad", code: wholeGrad };

/** Elements of a sample that a workgroup makes alone: three dispatches take longer to start. */
const WHOLE_SAMPLE = 16_384;
/** A processor, to which a dispatch is dearer, takes so many where there are enough samples for its cores. */
const WHOLE_SAMPLE_OF_MANY = 65_536;
const MANY_SAMPLES = 8;

/** All of a sample by one workgroup; the smallest size is the one for processors. */
function wholeVariants(caps: GpuCaps, { samples, voxels, channels, groups }: GroupNormShape): Variant[] {
  const columns = channels % 4 === 0 ? channels / 4 : channels;
  const many = caps.adapterClass === "software" && samples >= MANY_SAMPLES;
  if (voxels * channels > (many ? WHOLE_SAMPLE_OF_MANY : WHOLE_SAMPLE)) return [];
  return [64, 128, 256]
    .filter((size) => Math.max(columns, groups) <= size && size <= caps.maxWorkgroupInvocations)
    .map((size) => ({ name: `whole w${size}`, shader: groupNormWholeShader.name, constants: { WORKGROUP: size } }));
}

const family = (kernel: string, shaders: VariantFamily["shaders"]): VariantFamily<GroupNormShape> => ({
  kernel,
  shaders: [...shaders, { name: "groupNormMerge", code: mergePartials }],
  variants: (caps, shape) => [
    ...RUNS.map((run) => ({ name: `runs of ${run}`, constants: { run } })),
    ...wholeVariants(caps, shape),
  ],
  shapeClass: ({ voxels, channels }) => (voxels * channels <= WHOLE_SAMPLE_OF_MANY ? "small" : "large"),
  describe: ({ samples, voxels, channels, groups, silu }) =>
    `${samples}x${voxels}x${channels}, ${groups} groups${silu ? ", silu" : ""}`,
});

export const groupNormFamily = family("groupNorm", [
  { name: "groupNormMoments", code: moments },
  { name: "groupNormStats", code: finish },
  { name: "groupNorm", code: apply },
  groupNormWholeShader,
]);

export const groupNormGradFamily = family("groupNormGrad", [
  { name: "groupNormGradSums", code: gradSums },
  { name: "groupNormGradParams", code: gradParams },
  { name: "groupNormGradInput", code: gradInput },
  groupNormWholeGradShader,
  { name: "sumPartials", code: sumPartials },
]);
