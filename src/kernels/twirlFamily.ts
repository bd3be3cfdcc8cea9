import mergeCode from "../../shaders/twirlMerge.wgsl";
import sumCode from "../../shaders/twirlSum.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import type { Variant, VariantFamily } from "./variant.ts";

export interface TwirlShape extends Record<string, number> {
  samples: number;
  size: number;
  channels: number;
  rotations: number;
  /** Mean and M2 hold something already. */
  goesOn: number;
  /** The sums are made too, and those with a target. */
  reduced: number;
  targeted: number;
}

/** Voxels of a line that a thread takes at most, and threads of a workgroup. */
const RUNS = [16, 8, 4, 2];
const SOFTWARE_WORKGROUPS = [32, 64, 128];
const GPU_WORKGROUPS = [64, 128, 256];

function variantsOf(caps: GpuCaps): Variant[] {
  const software = caps.adapterClass === "software";
  const workgroups = software ? SOFTWARE_WORKGROUPS : GPU_WORKGROUPS.filter((n) => n <= caps.maxWorkgroupInvocations);
  return RUNS.flatMap((longestRun) =>
    workgroups.map((WORKGROUP) => ({
      name: `runs to ${longestRun} w${WORKGROUP}`,
      // Threads that run at once, about: those that should read next to one another.
      constants: { longestRun, WORKGROUP, together: software ? 8 : 32 },
    })),
  );
}

export const twirlMergeFamily: VariantFamily<TwirlShape> = {
  kernel: "twirlMerge",
  shaders: [
    { name: "twirlMerge", code: mergeCode },
    { name: "twirlSum", code: sumCode },
  ],
  variants: variantsOf,
  shapeClass: ({ channels }) => (channels % 4 === 0 ? "by four" : "one by one"),
  describe: ({ samples, size, channels, rotations, goesOn, reduced, targeted }) => {
    const flags = [goesOn && "goes on", reduced && "reduced", targeted && "with target"].filter(Boolean);
    return [`${samples}x${rotations} of ${size}^3x${channels}`, ...flags].join(", ");
  },
};
