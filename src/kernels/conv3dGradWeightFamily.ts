import conv3dGradWeightCode from "../../shaders/conv3dGradWeight.wgsl";
import sumPartialsCode from "../../shaders/sumPartials.wgsl";
import type { GpuCaps } from "../gpu/caps.ts";
import { describeConv, type ConvShape } from "./conv3dFamily.ts";
import type { Variant, VariantFamily } from "./variant.ts";

export interface GradWeightShape extends ConvShape {
  /** The weight is [k, k, k, channels of gradY, channels of x]. */
  transposed: number;
}

export interface GradWeightTile extends Record<string, number | boolean> {
  TEAM: number;
  WORKGROUP: number;
  BLOCKS_I: number;
  BLOCKS_O: number;
  TAP_ROWS: number;
  STEP: number;
  WINDOW: number;
  KEPT: number;
  SUBGROUPS: boolean;
}

/** Positions of a row that a turn of the loop takes. */
const STEP = 2;

/** The constants of conv3dGradWeight.wgsl for a variant. */
export function gradWeightTile({ constants }: Variant, kernel: number, stride: number): GradWeightTile {
  const { TEAM, WORKGROUP, BLOCKS_I, BLOCKS_O, TAP_ROWS, SUBGROUPS } = constants as Record<string, number>;
  return {
    TEAM: TEAM!,
    WORKGROUP: WORKGROUP!,
    BLOCKS_I: BLOCKS_I!,
    BLOCKS_O: BLOCKS_O!,
    TAP_ROWS: TAP_ROWS!,
    SUBGROUPS: SUBGROUPS === 1,
    STEP,
    WINDOW: (STEP - 1) * stride + kernel,
    KEPT: Math.max(0, kernel - stride),
  };
}

// Beyond 144 accumulators an invocation a processor compiles for very long, and a GPU keeps them in memory.
const MOST_ACCUMULATORS = 144;

/** Input channels x output channels x tap rows of a team. */
function tiles(team: number, kernel: number, outputChannels: number): [number, number, number][] {
  const rows = [kernel === 4 ? 2 : kernel, 1].filter((n, i, all) => all.indexOf(n) === i);
  const inputs = kernel === 1 ? [8, 16] : [team];
  return inputs.flatMap((i) =>
    [16, 8]
      .filter((o) => o <= 8 || outputChannels > 8)
      .flatMap((o) => rows.map((r): [number, number, number] => [i, o, r]))
      .filter(([, o, r]) => (i * o * r * kernel) / team <= MOST_ACCUMULATORS),
  );
}

function variantsOf(caps: GpuCaps, { kernel, outC }: GradWeightShape): Variant[] {
  // The shader's teams are whole subgroups of a known size; elsewhere it does without.
  const size = caps.subgroups && caps.subgroupMinSize === caps.subgroupMaxSize ? caps.subgroupMinSize : 1;
  const subgroups = size === 4 || size === 8;
  const team = subgroups ? size : 8;
  const software = caps.adapterClass === "software";
  const alone = subgroups || software;
  const workgroups = alone ? [team] : [64, 128, 256].filter((n) => n <= caps.maxWorkgroupInvocations);
  // How many teams share the positions: more of them leave more partial sums to add up.
  const teamCounts = software ? [64, 16, 256] : [4096, 1024, 16384];
  return tiles(team, kernel, outC).flatMap(([i, o, rows]) =>
    workgroups.flatMap((workgroup) =>
      teamCounts.map((teams) => ({
        name: `${i}x${o}x${rows}${alone ? "" : ` w${workgroup}`}, ${teams} teams`,
        constants: {
          TEAM: team, WORKGROUP: workgroup, BLOCKS_I: i / team, BLOCKS_O: o / team, TAP_ROWS: rows,
          SUBGROUPS: subgroups ? 1 : 0, teams,
        },
      })),
    ),
  );
}

export const gradWeightFamily: VariantFamily<GradWeightShape> = {
  kernel: "conv3dGradWeight",
  shaders: [
    { name: "conv3dGradWeight", code: conv3dGradWeightCode },
    { name: "sumPartials", code: sumPartialsCode },
  ],
  variants: variantsOf,
  shapeClass: ({ kernel }) => `k${kernel}`,
  describe: (shape) => `${describeConv(shape)}${shape.transposed ? " transposed" : ""}`,
};
