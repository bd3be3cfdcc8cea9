import type { GpuCaps } from "../../gpu/caps.ts";
import { onLavapipe, type Variant, type VariantChoice } from "../kernel.ts";

/** What the work of a call depends on: sizes and switches. */
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

export const twirlMergeVariants: VariantChoice<TwirlShape> = {
  kernel: "twirlMerge",
  of: variantsOf,
  table: [
    {
      ...onLavapipe("runs to 8 w32", "few heavy threads; V32 10.7 ms against 14 for workgroups of 8"),
      when: ({ channels }) => channels % 4 === 0,
    },
    onLavapipe("runs to 16 w32", "as many floats"),
    { adapter: "any", variant: "runs to 4 w64", why: "many threads" },
  ],
  describe: ({ samples, size, channels, rotations, goesOn, reduced, targeted }) => {
    const flags = [goesOn && "goes on", reduced && "reduced", targeted && "with target"].filter(Boolean);
    return [`${samples}x${rotations} of ${size}^3x${channels}`, ...flags].join(", ");
  },
};
