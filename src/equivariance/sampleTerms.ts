/** What the predictions of one sample add to the loss's terms; on the host, in float64. */
import { VoxtwirlError } from "../errors.ts";
import { squaredTerms, type SampleSums, type SampleTerms } from "./estimators.ts";
import { squaredError, type Loss } from "./losses.ts";
import { part, requireFitting } from "./numbers.ts";

/** Predictions of one sample under some loss. */
export interface SamplePredictions {
  /** N twisted predictions f_i, one after another, each as long as the target. */
  readonly predictions: ArrayLike<number>;
  readonly target: ArrayLike<number>;
  readonly rotations: number;
  /** As in `Sampling`. */
  readonly groupOrder: number;
}

/**
 * The terms of one sample, estimated from N of its twisted predictions. Their mean m has fewer than all rotations in it
 * and so l(m, y) is above L_mean on average. For the squared error that is taken away exactly, by N - 1 in place of N
 * (`decomposeSums`). Other losses have no such factor, and the jackknife takes its place: with m_i the mean of the
 * predictions but f_i,
 *
 *     L_mean = l(m, y) - (N - 1) (1 - N/M) (mean of l(m_i, y) - l(m, y))
 *
 * for N different elements of a group of M, and with 1 - N/M = 1 for independent draws. The bias of a smooth function
 * of a mean of N is c (1/N - 1/M) to leading order; c is found by leaving one out. For the squared error this is the
 * unbiased estimate; for all N = M elements it is exact whatever the loss. Else a bias of the order of 1/N^2 is left:
 * where predictions spread by half their values, at most 2 % of L_equiv for N = 4 of 24, 1 % for 8.
 * Where they lie on both sides of a kink (absolute, Huber) the bias is no smooth function of 1/N, and what is left may
 * have the other sign: up to 12, 5 and 3 % of L_equiv for N = 4, 8 and 12 of 24, of 37, 19 and 11 % without.
 *
 * @param which the sample's number, for errors
 * @throws VoxtwirlError "bad-shape" where the lengths do not fit or the loss has no meaning for the numbers,
 *   "not-finite" where a number or the loss is not
 */
export function sampleTerms(loss: Loss, sample: SamplePredictions, which: number): SampleTerms {
  const { predictions, target, rotations } = sample;
  requireFitting(predictions, target, rotations);
  if (!loss.quadratic) return jackknifed(loss, sample, which);
  const sums = squaredSums(sample);
  if (!Number.isFinite(sums.meanError + sums.spread + sums.zeroError)) throw notFinite(which);
  if (loss !== squaredError) {
    requireMeaning(loss, sample, which);
    return { ...squaredTerms(sums, sample), zero: zeroLoss(loss, target) };
  }
  return squaredTerms(sums, sample);
}

/**
 * Sums of which `decomposeSums` makes these terms, where they are of all rotations of a group:
 * (l(m, y), N (L - l(m, y)), l(0, y)).
 */
export function exactSums({ total, equiv, zero }: SampleTerms, rotations: number): SampleSums {
  return { meanError: total - equiv, spread: rotations * equiv, zeroError: zero };
}

/**
 * The sums of one sample for the squared error. Two passes over the N values of every element: E|f|^2 - |m|^2 would
 * cancel where deviations are small.
 */
export function squaredSums({
  predictions,
  target,
  rotations,
}: Pick<SamplePredictions, "predictions" | "target" | "rotations">): SampleSums {
  const elements = target.length;
  let meanError = 0;
  let spread = 0;
  let zeroError = 0;
  for (let e = 0; e < elements; e++) {
    let mean = 0;
    for (let at = e; at < predictions.length; at += elements) mean += predictions[at]!;
    mean /= rotations;
    for (let at = e; at < predictions.length; at += elements) spread += (predictions[at]! - mean) ** 2;
    meanError += (mean - target[e]!) ** 2;
    zeroError += target[e]! ** 2;
  }
  return { meanError, spread, zeroError };
}

function jackknifed(loss: Loss, sample: SamplePredictions, which: number): SampleTerms {
  const { predictions, target, rotations, groupOrder } = sample;
  const { sums, least, most } = totalsOf(predictions, target.length);
  if (![...sums, ...Array.from(target)].every(Number.isFinite)) throw notFinite(which);
  requireMeaning(loss, sample, which);
  const of = (prediction: ArrayLike<number>) => lossOf(loss, prediction, target, which);
  const each = (made: (i: number) => ArrayLike<number>) => {
    let sum = 0;
    for (let i = 0; i < rotations; i++) sum += of(made(i));
    return sum / rotations;
  };
  const total = each((i) => part(predictions, i * target.length, target.length));
  const plugIn = of(sums.map((sum) => sum / rotations));
  const left = (rotations - 1) * (1 - rotations / groupOrder);
  const others = new Float64Array(target.length);
  const withoutOne = (i: number) => {
    for (let e = 0; e < others.length; e++) {
      const mean = (sums[e]! - predictions[i * others.length + e]!) / (rotations - 1);
      // Rounding must not take a mean out of the loss's domain.
      others[e] = Math.min(most[e]!, Math.max(least[e]!, mean));
    }
    return others;
  };
  const lossMean = left > 0 ? plugIn - left * (each(withoutOne) - plugIn) : plugIn;
  return { total, equiv: total - lossMean, zero: zeroLoss(loss, target) };
}

/** Sum, least and most of the N values of every element. */
function totalsOf(predictions: ArrayLike<number>, elements: number) {
  const sums = new Float64Array(elements);
  const least = new Float64Array(elements).fill(Infinity);
  const most = new Float64Array(elements).fill(-Infinity);
  for (let at = 0; at < predictions.length; at++) {
    const e = at % elements;
    const value = predictions[at]!;
    sums[e]! += value;
    least[e] = Math.min(least[e]!, value);
    most[e] = Math.max(most[e]!, value);
  }
  return { sums, least, most };
}

export function requireMeaning(loss: Loss, sample: SamplePredictions, which: number): void {
  const { predictions, target, rotations } = sample;
  const { name, numbersEach = 1 } = loss;
  let wrong: string | undefined;
  if (target.length % numbersEach !== 0) {
    wrong = `its target's ${target.length} numbers are not ${numbersEach} for each value of the loss`;
  }
  for (let i = 0; i < rotations && wrong === undefined; i++) {
    wrong = loss.refuse?.(part(predictions, i * target.length, target.length), target);
  }
  if (wrong === undefined) return;
  throw new VoxtwirlError(
    "bad-shape",
    `sample ${which} has no loss ${name}: ${wrong}`,
    "Give what the loss is made for, or take another.",
  );
}

export function lossOf(loss: Loss, prediction: ArrayLike<number>, target: ArrayLike<number>, which: number): number {
  const value = loss.of(prediction, target);
  if (Number.isFinite(value)) return value;
  const message = `the loss ${loss.name} of sample ${which} is ${value}`;
  throw new VoxtwirlError("not-finite", message, "Look at its predictions and target, or take another loss.");
}

/** NaN where the loss has no meaning for zeros. */
export function zeroLoss(loss: Loss, target: ArrayLike<number>): number {
  const zeros = new Float64Array(target.length);
  const value = loss.refuse?.(zeros, target) === undefined ? loss.of(zeros, target) : NaN;
  return Number.isFinite(value) ? value : NaN;
}

export function notFinite(which: number): VoxtwirlError {
  return new VoxtwirlError(
    "not-finite",
    `sample ${which} has a prediction or target that is not finite`,
    "Look at what the model gives for that sample.",
  );
}
