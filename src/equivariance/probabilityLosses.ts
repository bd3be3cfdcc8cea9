/** Losses of probabilities, such as a segmentation's softmax outputs. */
import { requireObject, requireWhole } from "../check.ts";
import { notDistributions } from "./distributions.ts";
import { addSquares, requirePair, type Loss } from "./losses.ts";

/**
 * The Brier score of probabilities f and targets y, both distributions over the classes along the last axis, one-hot
 * or not: the sum over the classes of (f - y)^2, a mean over distributions (G. W. Brier, Monthly Weather Review 78
 * (1950) 1). It lies between 0 and 2. It is a squared error, so its split is exact and what averaging K predictions
 * gains can be predicted.
 *
 * @throws VoxtwirlError "bad-option" unless there are at least two classes
 */
export function brierScore(options: { readonly classes: number }): Loss {
  const classes = classesOf(options);
  return {
    name: "brier",
    split: "exact",
    quadratic: true,
    numbersEach: classes,
    of: (prediction, target) => addSquares(0, prediction, target),
    refuse: (prediction, target) => refuseBoth(prediction, target, classes),
  };
}

/**
 * Cross entropy - sum of y log f (natural logarithm) of probabilities f and targets y, both distributions over the
 * classes along the last axis: the log score. mu is the mean of the probabilities, as test-time augmentation averages
 * them, and L_equiv is a gap. Of logits, whose means are another thing, there is `crossEntropy`. A probability of 0
 * where the target's is not has no finite loss, and is refused.
 *
 * @throws VoxtwirlError "bad-option" unless there are at least two classes
 */
export function probabilityCrossEntropy(options: { readonly classes: number }): Loss {
  const classes = classesOf(options);
  return {
    name: "cross-entropy-probabilities",
    split: "gap",
    numbersEach: classes,
    of: (prediction, target) => {
      requirePair(prediction, target);
      let sum = 0;
      for (let e = 0; e < target.length; e++) if (target[e]! > 0) sum -= target[e]! * Math.log(prediction[e]!);
      return sum;
    },
    refuse: (prediction, target) => {
      const wrong = refuseBoth(prediction, target, classes);
      if (wrong !== undefined) return wrong;
      for (let e = 0; e < target.length; e++) {
        if (target[e]! > 0 && prediction[e] === 0) {
          return `a prediction gives probability 0 to class ${e % classes}, which its target has: the loss is infinite`;
        }
      }
      return undefined;
    },
  };
}

function classesOf(options: { readonly classes: number }): number {
  requireObject("options", options, "Give { classes }.");
  requireWhole("classes", options.classes, 2);
  return options.classes;
}

function refuseBoth(prediction: ArrayLike<number>, target: ArrayLike<number>, classes: number): string | undefined {
  requirePair(prediction, target);
  return notDistributions("target", target, classes) ?? notDistributions("prediction", prediction, classes);
}
