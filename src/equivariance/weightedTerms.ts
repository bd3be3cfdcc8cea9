import { requireArray } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { squaredError } from "./losses.ts";
import { part, requireFitting } from "./numbers.ts";
import { lossOf, notFinite, requireMeaning, zeroLoss, type sampleTerms } from "./sampleTerms.ts";

/**
 * What samples add to the loss's terms where rotations have weights and stand for all, as those of a quadrature: mu is
 * the weighted mean, and nothing is estimated. The squared error's L_equiv is a mean of squares, and not below 0.
 *
 * @param weights of each rotation, positive, with the sum 1
 * @throws VoxtwirlError "bad-option" for other weights; what is returned throws as `Tally.add`
 */
export function weightedTerms(weights: readonly number[]): typeof sampleTerms {
  requireArray("weights", weights, "Give the weights of a quadrature.");
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (!weights.every((weight) => weight > 0) || !(Math.abs(sum - 1) < 1e-9)) {
    const message = `the sum of ${weights.length} weights is ${sum}, or one is not positive`;
    throw new VoxtwirlError("bad-option", message, "Give a positive weight for each rotation, with the sum 1.");
  }
  return (loss, sample, which) => {
    const { predictions, target } = sample;
    requireFitting(predictions, target, weights.length);
    const mean = new Float64Array(target.length);
    for (let at = 0; at < predictions.length; at++) {
      mean[at % mean.length]! += weights[Math.floor(at / mean.length)]! * predictions[at]!;
    }
    if (!mean.every(Number.isFinite) || !Array.from(target).every(Number.isFinite)) throw notFinite(which);
    requireMeaning(loss, sample, which);
    const meanOf = (of: (prediction: ArrayLike<number>) => number) =>
      weights.reduce((total, weight, i) => total + weight * of(part(predictions, i * mean.length, mean.length)), 0);
    const total = meanOf((prediction) => lossOf(loss, prediction, target, which));
    const equiv =
      loss === squaredError
        ? meanOf((prediction) => squaredError.of(prediction, mean))
        : total - lossOf(loss, mean, target, which);
    return { total, equiv, zero: zeroLoss(loss, target) };
  };
}
