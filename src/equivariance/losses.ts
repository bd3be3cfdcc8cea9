/** Losses that are convex in the prediction, so that averaging predictions over a group can only lower them. */
import {
  requireFunction,
  requireNumbers,
  requireObject,
  requireOneOf,
  requirePositive,
  requireString,
  requireWhole,
} from "../check.ts";
import type { ElementwiseLoss } from "../kernels/twirl/twirlGrad.ts";
import { notDistributions } from "./distributions.ts";
import { requireFitting } from "./numbers.ts";

/**
 * A loss l(f, y) that is convex in the prediction f. With the twirled prediction mu = E f_T it splits:
 * L = E l(f_T, y), L_mean = E l(mu, y) and L_equiv = L - L_mean, which is at least 0 by Jensen's inequality.
 */
export interface Loss {
  /** As results name it. */
  readonly name: string;
  /**
   * "exact" where L_equiv is a mean divergence E D(f_T, mu) of the twisted predictions from the twirled one, whatever
   * the target: so it is for l(f, y) = phi(f) - a(y) f + c(y), phi convex. "gap" for all others: Jensen's gap, which
   * depends on the target too.
   */
  readonly split: "exact" | "gap";
  /** Numbers that one value of the loss is made of, such as classes; 1 by default. Means are over values. */
  readonly numbersEach?: number;
  /** Whether it is the sum of (f - y)^2: then estimates are unbiased, and gains of averaging K are predicted. */
  readonly quadratic?: boolean;
  /** What the GPU takes gradients of: given where the loss is one of those. */
  readonly elementwise?: ElementwiseLoss;
  /** The sum over a target's values; `prediction` is as long. Its arrays are used again: they must not be kept. */
  of(this: void, prediction: ArrayLike<number>, target: ArrayLike<number>): number;
  /** What is wrong with numbers that the loss has no meaning for, "a target is -1"; undefined where nothing is. */
  refuse?(this: void, prediction: ArrayLike<number>, target: ArrayLike<number>): string | undefined;
}

/** The sum of (f - y)^2: an exact split, L_equiv = E |f_T - mu|^2. What everything is measured with by default. */
export const squaredError: Loss = {
  name: "squared",
  split: "exact",
  quadratic: true,
  elementwise: { kind: "squared" },
  of: (prediction, target) => addSquares(0, prediction, target),
};

/** A sum and the squared error, added to it number by number. */
export function addSquares(sum: number, prediction: ArrayLike<number>, target: ArrayLike<number>): number {
  requirePair(prediction, target);
  for (let e = 0; e < target.length; e++) sum += (prediction[e]! - target[e]!) ** 2;
  return sum;
}

/** The sum of |f - y|. */
export const absoluteError: Loss = {
  name: "absolute",
  split: "gap",
  elementwise: { kind: "absolute" },
  of: (prediction, target) => sumOver(prediction, target, (f, y) => Math.abs(f - y)),
};

/**
 * Huber's loss: (f - y)^2 / 2 where |f - y| is at most delta, delta (|f - y| - delta / 2) beyond.
 *
 * @param options `delta` is 1 by default, in the units of the predictions
 * @throws VoxtwirlError "bad-option" for a delta that is no positive number
 */
export function huber(options: { readonly delta?: number } = {}): Loss {
  requireObject("options", options, "Give { delta }.");
  const { delta = 1 } = options;
  requirePositive("delta", delta);
  const one = (distance: number) => (distance <= delta ? distance ** 2 / 2 : delta * (distance - delta / 2));
  return {
    name: "huber",
    split: "gap",
    elementwise: { kind: "huber", delta },
    of: (prediction, target) => sumOver(prediction, target, (f, y) => one(Math.abs(f - y))),
  };
}

/**
 * Cross entropy log(sum of e^f) - sum of y f of logits f (natural logarithm), whose last axis is the classes, and
 * targets y that are distributions over them, one-hot or not. The loss is a mean over distributions. It is convex in
 * the logits, mu is the mean of the logits, and the split is exact: with p = softmax(mu),
 * L_equiv = E KL(p, softmax(f_T)), the divergence D of phi(f) = log(sum of e^f). Predicting zero logits is predicting
 * the uniform distribution, so lossZero is log(classes). Of probabilities there is `probabilityCrossEntropy`.
 *
 * @throws VoxtwirlError "bad-option" unless there are at least two classes
 */
export function crossEntropy(options: { readonly classes: number }): Loss {
  requireObject("options", options, "Give { classes }.");
  const { classes } = options;
  requireWhole("classes", classes, 2);
  return {
    name: "cross-entropy",
    split: "exact",
    numbersEach: classes,
    of: (logits, target) => {
      requirePair(logits, target);
      let sum = 0;
      for (let at = 0; at < target.length; at += classes) sum += crossEntropyAt(logits, target, at, classes);
      return sum;
    },
    refuse: (logits, target) => {
      requirePair(logits, target);
      return notDistributions("target", target, classes);
    },
  };
}

/**
 * Of one distribution, also of one that sums up to nearly 1: the split stays exact. The largest logit is taken out, so
 * that no exponential overflows.
 */
function crossEntropyAt(logits: ArrayLike<number>, target: ArrayLike<number>, at: number, classes: number): number {
  let most = -Infinity;
  for (let e = at; e < at + classes; e++) most = Math.max(most, logits[e]!);
  let exponentials = 0;
  let mean = 0;
  for (let e = at; e < at + classes; e++) {
    exponentials += Math.exp(logits[e]! - most);
    mean += target[e]! * logits[e]!;
  }
  return most + Math.log(exponentials) - mean;
}

/** A Bregman divergence of numbers. */
export interface BregmanOptions {
  /** A convex function of one number. */
  readonly phi: (value: number) => number;
  /** Its derivative. */
  readonly gradient: (value: number) => number;
  /** "bregman" by default. */
  readonly name?: string;
  /** What predictions and targets must be; any numbers by default. */
  readonly domain?: "all" | "non-negative" | "positive";
}

/**
 * The Bregman divergence with the prediction first, the sum of D(f, y) = phi(f) - phi(y) - phi'(y) (f - y). It is
 * convex in f, and the split is exact: L_equiv = E D(f_T, mu). With phi(x) = x^2 it is the squared error.
 *
 * ```ts
 * const exponential = bregman({ phi: Math.exp, gradient: Math.exp });
 * const { percentEquiv } = await measurePredictions(samples, { loss: exponential });
 * ```
 *
 * @throws VoxtwirlError "bad-option" when `phi` or `gradient` is no function
 */
export function bregman(options: BregmanOptions): Loss {
  requireObject("options", options, "Give { phi, gradient }.");
  const { phi, gradient, name = "bregman", domain = "all" } = options;
  requireFunction("phi", phi, "Give a convex function of one number.");
  requireFunction("gradient", gradient, "Give the derivative of phi.");
  requireString("name", name, "Give a name, or leave it out.");
  requireOneOf("domain", domain, ["all", "non-negative", "positive"]);
  const one = (f: number, y: number) => phi(f) - phi(y) - gradient(y) * (f - y);
  return {
    name,
    split: "exact",
    of: (prediction, target) => sumOver(prediction, target, one),
    refuse: (prediction, target) => outside(domain, prediction, target),
  };
}

/**
 * The generalised Kullback-Leibler divergence with the prediction first, the sum of f log(f / y) - f + y, for numbers
 * that are not negative: the Bregman divergence of x log x. Infinite where a target is 0 and its prediction is not.
 */
export const kullbackLeibler: Loss = {
  name: "kullback-leibler",
  split: "exact",
  of: (prediction, target) => sumOver(prediction, target, (f, y) => (f === 0 ? y : f * Math.log(f / y) - f + y)),
  refuse: (prediction, target) => {
    const wrong = outside("non-negative", prediction, target);
    if (wrong !== undefined) return wrong;
    for (let e = 0; e < target.length; e++) {
      if (target[e] === 0 && prediction[e] !== 0) return `a target is 0 where its prediction is ${prediction[e]}`;
    }
    return undefined;
  },
};

/**
 * The Itakura-Saito divergence with the prediction first, the sum of f / y - log(f / y) - 1, for positive numbers: the
 * Bregman divergence of -log x. It has no value for a prediction of zero, so lossZero is NaN.
 */
export const itakuraSaito: Loss = {
  name: "itakura-saito",
  split: "exact",
  of: (prediction, target) => sumOver(prediction, target, (f, y) => f / y - Math.log(f / y) - 1),
  refuse: (prediction, target) => outside("positive", prediction, target),
};

/** What of a prediction and its target lies outside a domain. */
function outside(
  domain: NonNullable<BregmanOptions["domain"]>,
  prediction: ArrayLike<number>,
  target: ArrayLike<number>,
): string | undefined {
  requirePair(prediction, target);
  if (domain === "all") return undefined;
  for (const [what, values] of [
    ["target", target],
    ["prediction", prediction],
  ] as const) {
    for (let e = 0; e < values.length; e++) {
      if (domain === "positive" ? values[e]! > 0 : values[e]! >= 0) continue;
      return `a ${what} is ${values[e]}, and it takes ${domain} numbers`;
    }
  }
  return undefined;
}

export function requirePair(prediction: ArrayLike<number>, target: ArrayLike<number>): void {
  requireNumbers("prediction", prediction);
  requireNumbers("target", target);
  requireFitting(prediction, target, 1);
}

function sumOver(
  prediction: ArrayLike<number>,
  target: ArrayLike<number>,
  one: (f: number, y: number) => number,
): number {
  requirePair(prediction, target);
  let sum = 0;
  for (let e = 0; e < target.length; e++) sum += one(prediction[e]!, target[e]!);
  return sum;
}

/** @throws VoxtwirlError "bad-option" unless `value` is a `Loss` */
export function requireLoss(value: unknown): asserts value is Loss {
  const fix = "Give a loss, such as absoluteError or huber({ delta: 0.1 }).";
  requireObject("loss", value, fix);
  const { name, split, of, refuse, numbersEach = 1, elementwise } = value as Partial<Loss>;
  requireString("the loss's name", name, fix);
  requireOneOf("the loss's split", split, ["exact", "gap"]);
  requireFunction("the loss's of", of, fix);
  if (refuse !== undefined) requireFunction("the loss's refuse", refuse, fix);
  requireWhole("the loss's numbersEach", numbersEach, 1);
  if (elementwise === undefined) return;
  requireObject("the loss's elementwise", elementwise, fix);
  requireOneOf("the loss's elementwise.kind", elementwise.kind, ["squared", "absolute", "huber"]);
  if (elementwise.kind === "huber") requirePositive("the loss's elementwise.delta", elementwise.delta);
}
