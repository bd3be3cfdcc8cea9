import type { FrameMeasurement, FrameTallyOptions } from "./frameMeasurement.ts";
import { FrameTally } from "./frameTally.ts";
import { readRotatedFrames, type ReadRotatedFramesOptions } from "./rotatedFrames.ts";

/** What to measure predictions for rotated frames from. */
export interface MeasureFramesOptions extends Omit<ReadRotatedFramesOptions, "onFault">, FrameTallyOptions {}

/**
 * Measures predictions that any program has made for rotated copies of frames: they are turned back, and the loss of
 * each term, the squared error by default, is decomposed into L = L_mean + L_equiv. Forces, vectors, stress and virials
 * turn; energies and scalars do not. Of stress and virials all nine numbers count, so that those off the diagonal count
 * twice (Frobenius).
 *
 * A loss is the sum over all structures and numbers by how many numbers these are; standard errors and intervals are
 * over structures. Where copies are all elements of a finite group the terms are exact; of fewer those of the
 * squared error are unbiased, and the jackknife leaves a small bias of other losses, as in `measurePredictions`.
 * Files may be of any size: only a few numbers of each structure are kept.
 *
 * @throws VoxtwirlError "bad-option" and "bad-file" as `readRotatedFrames`, "no-data" where no structure has two
 *   predictions of anything
 */
export async function measureFrames(options: MeasureFramesOptions): Promise<FrameMeasurement> {
  const tally = new FrameTally(options);
  for await (const structure of readRotatedFrames({ ...options, onFault: tally.fault })) tally.add(structure);
  return tally.result();
}
