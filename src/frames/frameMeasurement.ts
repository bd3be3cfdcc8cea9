import type { Loss } from "../equivariance/losses.ts";
import type { LabelNames } from "../formats/frameLabels.ts";
import type { FrameFault } from "./frameFault.ts";
import type { TermNames } from "./frameTerms.ts";
import type { StructureTerm } from "./structureTerm.ts";
import type { FrameTermDetails } from "./termDetails.ts";
import type { FrameTermResult } from "./termResult.ts";
import type { Verdict } from "./verdict.ts";

/** What is measured of frames. */
export interface FrameTallyOptions extends TermNames {
  /** Names of labels, where the rule of `frameLabels` does not find them. */
  readonly labelNames?: LabelNames | undefined;
  /** That of energies, said in the result; nothing is converted. */
  readonly unit?: string | undefined;
  /**
   * The floor of a program that iterates up to a convergence, in the terms' units: one for all or by name. What
   * predictions themselves tell is the floor without.
   */
  readonly floors?: number | Readonly<Record<string, number>> | undefined;
  /**
   * `absoluteError`, `huber({ delta })` or another loss of single numbers; the squared error by default. Of forces it
   * is of their components, once they are turned back; floors and verdicts do not depend on it.
   */
  readonly loss?: Loss | undefined;
  /** Whether the result has `details`. */
  readonly details?: boolean | undefined;
  /** Called for each term of each structure, in their order. */
  readonly onStructure?: ((structure: StructureTerm) => void) | undefined;
  /** Called for each thing that is wrong. */
  readonly onFault?: ((fault: FrameFault) => void) | undefined;
}

/** How well predictions for rotated frames agree with the labels, and with each other. */
export interface FrameMeasurement {
  /** By name: energy, energyPerAtom, forces, stress, virial, those that were named; only what is there. */
  readonly terms: Readonly<Record<string, FrameTermResult>>;
  /** What there is to show of each term, where it was asked for. */
  readonly details?: Readonly<Record<string, FrameTermDetails>>;
  /** Frames that have predictions. */
  readonly structures: number;
  /** Predictions. */
  readonly copies: number;
  /** Name of the group that all rotations are of, "independent" where no file says it; null where they differ. */
  readonly group: string | null;
  /** The loss's name. */
  readonly loss: string;
  /** What its lossEquiv is: see `Loss`. */
  readonly split: Loss["split"];
  /** Whether each structure has predictions for all elements of a group, so that nothing is estimated from draws. */
  readonly exact: boolean;
  /** How often each thing was wrong. */
  readonly faults: Readonly<Partial<Record<FrameFault["kind"], number>>>;
  /** All verdicts of terms. */
  readonly verdicts: readonly Verdict[];
  /** What is to be known of the result. */
  readonly remarks: readonly string[];
}
