import type { GpuCaps } from "../../gpu/caps.ts";
import { onLavapipe, onQuads, type Variant, type VariantChoice } from "../kernel.ts";

/** What the work of a call depends on: sizes and switches. */
export interface GroupNormShape extends Record<string, number> {
  samples: number;
  voxels: number;
  channels: number;
  groups: number;
  silu: number;
}

/** Voxels that a thread takes: long runs spread the coefficients' loads thin, short ones make more threads. */
const RUNS = [64, 16, 8, 32, 128, 256];

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
    .map((size) => ({ name: `whole w${size}`, shader: "groupNormWhole", constants: { WORKGROUP: size } }));
}

const small = ({ voxels, channels }: GroupNormShape): boolean => voxels * channels <= WHOLE_SAMPLE_OF_MANY;

/** Of `groupNorm` and of `groupNormGrad`. */
const variants = (kernel: string): VariantChoice<GroupNormShape> => ({
  kernel,
  of: (caps, shape) => [
    ...RUNS.map((run) => ({ name: `runs of ${run}`, constants: { runLength: run } })),
    ...wholeVariants(caps, shape),
  ],
  table: [
    onQuads("runs of 128", "barriers are dear: 24x4096x8 3.6 ms, whole w64 6.3; 8x64x32 0.25 and 1.25"),
    { ...onLavapipe("whole *", "one dispatch for three"), when: small },
    onLavapipe(
      "runs of 64",
      "spreads the loads of coefficients. Two cores like 256, up to 12 % less, more cores want more threads",
    ),
    { adapter: "any", when: small, variant: "whole w256", why: "one dispatch for three" },
    { adapter: "any", when: small, variant: "whole *", why: "adapters of smaller workgroups" },
    { adapter: "any", variant: "runs of 16", why: "more threads than a processor wants" },
  ],
  describe: ({ samples, voxels, channels, groups, silu }) =>
    `${samples}x${voxels}x${channels}, ${groups} groups${silu ? ", silu" : ""}`,
});

export const groupNormVariants = variants("groupNorm");
export const groupNormGradVariants = variants("groupNormGrad");

/** What tests run. */
export const groupNormShapes: readonly GroupNormShape[] = [
  { samples: 3, voxels: 343, channels: 12, groups: 4, silu: 1 },
  { samples: 2, voxels: 64, channels: 15, groups: 5, silu: 0 },
  { samples: 1, voxels: 5000, channels: 24, groups: 3, silu: 1 },
  { samples: 1, voxels: 1, channels: 2, groups: 1, silu: 0 },
];
