import { requirePositive } from "../check.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { parameterScales, RELATIVE_STEP, relativeLength } from "./differenceStep.ts";
import type { LossTerms, Term } from "./lossTerms.ts";
import type { SymmetricOperator } from "./operator.ts";
import { requireCurvature, requireTerms } from "./requireTerms.ts";
import { plus } from "./vectors.ts";

/** Of which weights and samples, and by which differences. */
export interface HessianOptions {
  /** Where; the model's own weights by default. */
  readonly weights?: Float64Array;
  /** The relative step of the differences, 0.01 by default: see `hessian`. */
  readonly step?: number;
  /** The first sample, 0 by default, and the one after the last, all by default. */
  readonly from?: number;
  readonly to?: number;
}

/**
 * The Hessian of a term: H v = (g(w + t v) - g(w - t v)) / 2t from two gradients g.
 *
 * The error has two parts: t^2/6 times the third derivative, and the gradients' noise over t sqrt(2). Gradients in f32
 * have a relative noise of some 1e-6, so that in a measure in which a gradient changes by about itself over a step of 1
 * the two balance near the cube root of 1e-6. That measure is the length relative to the weights, parameter by
 * parameter (`relativeLength`): `step` is c = 0.01, and t = c / relativeLength(v). Weights that the GPU rounds to f32
 * differ from w +- t v by 6e-8 of themselves, which is 6e-6 of such a step and needs no correction.
 *
 * `other` is the same with twice the step: its difference from a product is three times the part that grows with t, or
 * about the noise.
 *
 * Huber's loss has second derivatives but where |f - y| is delta: its Hessian counts the numbers within delta, and its
 * products are rougher the more numbers a step carries across. The absolute error's gradient jumps: it has none.
 *
 * @throws VoxtwirlError "bad-option" for a step that is not positive, or what are no LossTerms; "unsupported" for the
 *   absolute error
 */
export function hessian(terms: LossTerms, term: Term, options: HessianOptions = {}): SymmetricOperator {
  requireTerms(terms);
  requireCurvature("hessian", terms);
  const { weights = terms.weights, step = RELATIVE_STEP, from, to } = options;
  requirePositive("step", step);
  const scales = parameterScales(terms.layout, weights);
  const withStep = (relative: number): SymmetricOperator => ({
    size: weights.length,
    gradientsPerProduct: 2,
    multiply: async (vector: Float64Array, signal?: AbortSignal) => {
      const length = relativeLength(terms.layout, scales, vector);
      if (length === 0) return new Float64Array(vector.length);
      const t = relative / length;
      const ahead = await terms.gradient(term, plus(weights, t, vector), { from, to, signal });
      const behind = await terms.gradient(term, plus(weights, -t, vector), { from, to, signal });
      return ahead.map((value, i) => (value - behind[i]!) / (2 * t));
    },
  });
  return { ...withStep(step), other: withStep(2 * step) };
}

/**
 * The Gauss-Newton matrix of a term: the Hessian without the part in which predictions bend, positive semidefinite for
 * the loss and for L_equiv. Where products take differences of predictions, as on the GPU, their error is not
 * estimated: predictions bend less over a step than the loss does, so that it is below that of `hessian`.
 *
 * @throws VoxtwirlError "bad-option" for what are no LossTerms, "unsupported" for another loss than the squared error
 */
export function gaussNewton(
  terms: LossTerms,
  term: Term,
  options: Omit<HessianOptions, "step"> = {},
): SymmetricOperator {
  requireTerms(terms);
  requireCurvature("gaussNewton", terms);
  const { weights = terms.weights, from, to } = options;
  return {
    size: weights.length,
    gradientsPerProduct: 2,
    multiply: (vector, signal) => terms.gaussNewtonProduct(term, weights, vector, { from, to, signal }),
  };
}
