/** The groups of the experiment `groups`. */
import { channelPermutations } from "../equivariance/channelPermutations.ts";
import { cyclic4, fullOctahedral } from "../equivariance/cubeGroups.ts";
import { octahedral } from "../equivariance/groups.ts";
import type { Representation } from "../equivariance/representations.ts";
import type { SymmetryGroup } from "../equivariance/symmetryGroup.ts";
import { translations } from "../equivariance/translations.ts";

/** A group that is asked about. */
export interface AskedGroup {
  /** Of its figures. */
  readonly name: string;
  readonly label: string;
  /** Elements of each sample: all, but for a group of many. */
  readonly copies: number;
  /** Undefined where it does not act on such arrays. */
  make(this: void, how: Representation): SymmetryGroup | undefined;
}

/** Voxels along each axis. */
export const SHIFT = 1;

/** Symmetries that the data have. */
export const SYMMETRIES: readonly AskedGroup[] = [
  { name: "octahedral", label: "O", copies: 24, make: octahedral },
  ...(["x", "y", "z"] as const).map((axis): AskedGroup => {
    return { name: `cyclic4.${axis}`, label: `C4 about ${axis}`, copies: 4, make: () => cyclic4(axis) };
  }),
  { name: "fullOctahedral", label: "O_h", copies: 48, make: fullOctahedral },
  {
    name: "translations",
    label: "translations",
    copies: (2 * SHIFT + 1) ** 3,
    make: (how) => (how.kind === "grid" ? translations({ size: how.size, most: SHIFT }) : undefined),
  },
];

/** One that they have not. */
export const CONTROL: AskedGroup = {
  name: "channelPermutations",
  label: "channels permuted",
  copies: 24,
  make: (how) => (how.kind === "grid" && how.channels > 1 ? channelPermutations(how.channels) : undefined),
};

export const ASKED: readonly AskedGroup[] = [...SYMMETRIES, CONTROL];
