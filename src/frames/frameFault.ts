import type { RotatedFault } from "./rotatedStructure.ts";

/**
 * Something that is wrong with predictions or labels: as of `readRotatedFrames`; "unusable": numbers that are not
 * finite or of another count; "incomplete": a quadrature of which copies are missing; "single": fewer than two
 * predictions, of which no spread is known; "unlabelled": no label while others have one.
 */
export interface FrameFault {
  readonly kind: RotatedFault["kind"] | "unusable" | "incomplete" | "single" | "unlabelled";
  /** Number of the original frame; none where it is not known. */
  readonly frame?: number;
  /** Number of the predicted frame; none where none is there. */
  readonly predicted?: number;
  readonly message: string;
}
