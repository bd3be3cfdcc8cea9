/**
 * What matrices may mean other than they were asked to: a model's raw predictions under rotations show which reading of
 * the rotations explains them. Wrong readings look like symmetry that was not learned.
 */
import type { ReadingErrors } from "./readingErrors.ts";
import { MATRIX_READINGS, type RotationReading } from "./rotationReadings.ts";

/** A reading of the rotations under which the predictions fit better than as given. */
export interface BetterReading {
  readonly reading: RotationReading;
  /** The mean squared error under it, whatever the loss. */
  readonly lossTotal: number;
  /** The same as asked, on the same samples. */
  readonly lossTotalAsked: number;
  /** How many samples, the first ones, were compared. */
  readonly samples: number;
}

/** A reading with fewer samples is told only where it halves the loss. */
const FEWEST_FOR_ERRORS = 4;
const STANDARD_ERRORS = 5;

interface Candidate {
  readonly reading: RotationReading;
  /** Mean over a sample's predictions, of each sample. */
  readonly losses: readonly number[];
  /** Told only where it halves the loss: a model whose predictions do not turn at all favours it a little. */
  readonly halves: boolean;
}

/**
 * The reading that explains predictions far better than the one asked for: with at most half the loss, or with a tenth
 * less and by five standard errors of the difference over samples. Undefined where there is none.
 *
 * @param samples errors of the first samples, each with as many predictions
 */
export function betterReading(samples: readonly ReadingErrors[]): BetterReading | undefined {
  if (samples.length === 0) return undefined;
  const readings: Candidate[] = MATRIX_READINGS.map((reading, r) => ({
    reading,
    losses: samples.map((sample) => sample.readings[r]!),
    halves: false,
  }));
  const asked = readings.shift()!;
  const candidates: Candidate[] = [
    ...readings,
    { reading: { kind: "rotated-back" }, losses: samples.map(({ back }) => back), halves: true },
    ...otherRows(samples),
  ];
  const zero = mean(samples.map(({ zeroError }) => zeroError));
  const better = candidates.filter((candidate) => isFarBetter(candidate, asked.losses, zero));
  if (better.length === 0) return undefined;
  const loss = mean(asked.losses);
  const least = Math.min(...better.map(({ losses }) => mean(losses)));
  // Of readings that are alike the simplest.
  const { reading, losses } = better.find((candidate) => mean(candidate.losses) <= least + 0.01 * loss)!;
  const numbers = mean(samples.map((sample) => sample.numbers));
  return {
    reading,
    lossTotal: mean(losses) / numbers,
    lossTotalAsked: loss / numbers,
    samples: samples.length,
  };
}

function isFarBetter({ losses, halves }: Candidate, asked: readonly number[], zero: number): boolean {
  const n = asked.length;
  const [loss, other] = [mean(asked), mean(losses)];
  const gain = loss - other;
  // What is left is rounding.
  if (!(gain > 1e-6 * zero)) return false;
  if (other <= loss / 2) return true;
  if (halves || n < FEWEST_FOR_ERRORS) return false;
  const squares = asked.reduce((sum, value, i) => sum + (value - losses[i]! - gain) ** 2, 0);
  return gain > loss / 10 && gain > STANDARD_ERRORS * Math.sqrt(squares / (n * (n - 1)));
}

/** Where all samples have the same rotations, the order of these that fits best, if it is one. */
function otherRows(samples: readonly ReadingErrors[]): Candidate[] {
  const keys = samples.map(({ rotations }) => rotations.join());
  if (keys.some((key) => key !== keys[0])) return [];
  const rows = samples[0]!.rotations.map((_, i) => {
    const errors = samples[0]!.rotations.map((_, j) => samples.reduce((sum, sample) => sum + sample.rows[j]![i]!, 0));
    return errors.reduce((best, error, row) => (error < errors[best]! ? row : best), 0);
  });
  if (new Set(rows).size < rows.length) return [];
  const losses = samples.map((sample) => mean(rows.map((row, i) => sample.rows[row]![i]!)));
  return [{ reading: { kind: "rows", rows }, losses, halves: true }];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
