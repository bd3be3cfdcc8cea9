import type { Rotation } from "../equivariance/groups.ts";
import { OCTAHEDRAL_ORDER, octahedralMatrices } from "../equivariance/octahedral.ts";
import { drawOctahedral, haarRotation } from "../equivariance/rotations.ts";
import { VoxtwirlError } from "../errors.ts";
import { Random } from "../random.ts";

/** Which rotations samples are predicted under. */
export interface SampleRotations {
  /** Rotations of the cube, or drawn from all of them. */
  readonly group: "octahedral" | "so3";
  /** Of each sample: at least 2; under the cube's at most 24, which enumerates them. */
  readonly rotations: number;
  /** Drawn rotations follow from the seed and the sample's place alone. */
  readonly seed: number;
}

/** @throws VoxtwirlError "bad-option" for rotations that there are not, "no-data" without samples */
export function requireRotated({ group, rotations }: SampleRotations, samples: number): void {
  const most = group === "octahedral" ? OCTAHEDRAL_ORDER : Infinity;
  if (!Number.isInteger(rotations) || rotations < 2 || rotations > most) {
    const fix = "Give 24 to enumerate the rotations of the cube, or 2 to 23 to draw as many; under so3 2 or more.";
    throw new VoxtwirlError("bad-option", `the rotations are ${rotations}`, fix);
  }
  if (samples < 1) throw new VoxtwirlError("no-data", "there is no held-out sample", "Hold out at least one.");
}

/** The rotations of the sample at a place. */
export function rotationsOf({ group, rotations, seed }: SampleRotations, index: number): Rotation[] {
  const random = new Random(seed * 65_537 + index);
  if (group === "so3") return Array.from({ length: rotations }, () => haarRotation(random));
  return Array.from(drawOctahedral(random, rotations), (g) => octahedralMatrices[g]!);
}
