import { requireArray, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { requireRotationGroup, type Rotation, type RotationGroup } from "./groups.ts";
import { determinant } from "./matrices.ts";
import { requireFitting } from "./numbers.ts";
import { requireElements } from "./requireElements.ts";
import { squaredSums } from "./sampleTerms.ts";

/** The proper and improper elements of one sample's twisted predictions. */
export interface ParityOptions {
  /** o3(), fullOctahedral(), mirrors() or another group with reflections. */
  readonly group: RotationGroup | (() => RotationGroup);
  /** T_i of each prediction: different elements of a finite group, else independent draws. */
  readonly rotations: readonly Rotation[];
}

/** L_equiv of one sample, summed over its numbers: equiv = rotation + parity. */
export interface ParityParts {
  /** What differs among proper elements, and among improper ones: rotation symmetry not learned. */
  readonly rotation: number;
  /** What differs between the means over the two: reflection symmetry not learned. An estimate, maybe below 0. */
  readonly parity: number;
  readonly equiv: number;
}

/**
 * L_equiv of the squared error in two parts. Half the elements of a group with reflections are proper; with mu_p and
 * mu_i the means of the twisted predictions over these and over the improper ones, mu = (mu_p + mu_i) / 2 and
 *
 *     L_equiv = (E_p |f - mu_p|^2 + E_i |f - mu_i|^2) / 2 + |mu_p - mu_i|^2 / 4
 *
 * From n of the M elements of a half, M infinite for independent draws, both are estimated without bias:
 * V = (1 - 1/M) S/(n - 1) for the variance, S as in `decomposeSums`, and |m_p - m_i|^2 less the variances of the two
 * means, (1/n - 1/M) S/(n - 1). From all elements both are exact.
 *
 * @param predictions N twisted predictions of one sample, one after another, each as long as the target
 * @throws VoxtwirlError "bad-option" for rotations that are not of the group, or fewer than two that are proper or
 *   improper; "bad-shape" where the lengths do not fit, "not-finite" where a number is not
 */
export function parityParts(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  options: ParityOptions,
): ParityParts {
  requireObject("options", options, "Give { group, rotations }.");
  const { rotations } = options;
  const group = requireRotationGroup(options.group);
  requireArray("rotations", rotations, "Give a matrix of nine numbers for each prediction.");
  requireFitting(predictions, target, rotations.length);
  requireElements(group, rotations);
  const signs = rotations.map((rotation) => Math.sign(determinant(rotation)));
  const half = (sign: number) => {
    const chosen = signs.flatMap((other, i) => (other === sign ? [i] : []));
    return halfOf(predictions, target, chosen, group);
  };
  const [proper, improper] = [half(1), half(-1)];
  const rotation = (proper.variance + improper.variance) / 2;
  const apart = proper.mean.reduce((sum, value, e) => sum + (value - improper.mean[e]!) ** 2, 0);
  const parity = (apart - proper.ofMean - improper.ofMean) / 4;
  if (!Number.isFinite(rotation + parity)) {
    const message = "a prediction or target holds a number that is not finite";
    throw new VoxtwirlError("not-finite", message, "Look at what the model gives for that sample.");
  }
  return { rotation, parity, equiv: rotation + parity };
}

/** Mean of chosen predictions less the target, their variance, and that of the mean. */
function halfOf(
  predictions: ArrayLike<number>,
  target: ArrayLike<number>,
  chosen: readonly number[],
  { name, order }: RotationGroup,
): { mean: Float64Array; variance: number; ofMean: number } {
  const [n, length] = [chosen.length, target.length];
  const all = order / 2;
  if (n < Math.min(2, all)) {
    const message = `${n} of the rotations of ${name} are of one kind, proper or improper: too few for a variance`;
    throw new VoxtwirlError(
      "bad-option",
      message,
      "Give two or more of both: more draws, or a group with reflections.",
    );
  }
  const values = new Float64Array(n * length);
  const mean = new Float64Array(length);
  chosen.forEach((i, k) => {
    for (let e = 0; e < length; e++) {
      const value = predictions[i * length + e]! - target[e]!;
      values[k * length + e] = value;
      mean[e]! += value / n;
    }
  });
  const { spread } = squaredSums({ predictions: values, target: mean, rotations: n });
  // A half of one element has no spread.
  const square = spread / Math.max(1, n - 1);
  return { mean, variance: (1 - 1 / all) * square, ofMean: (1 / n - 1 / all) * square };
}
