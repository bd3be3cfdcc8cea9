import { requireOneOf } from "../check.ts";
import { curvature, curvatureProducts, probeSteps, type Curvature, type CurvatureOptions } from "./curvature.ts";
import { gaussNewton, hessian, type HessianOptions } from "./hessian.ts";
import { TERMS, type LossTerms, type Term } from "./lossTerms.ts";

/** Which matrix. */
export type CurvatureMatrix = "hessian" | "gaussNewton";

/** Of what the curvature is wanted. */
export interface LandscapeOptions extends CurvatureOptions, HessianOptions {
  /** All three by default. */
  readonly terms?: readonly Term[];
  /** "hessian" by default. */
  readonly matrix?: CurvatureMatrix;
}

/** The curvature of each term that was asked for; where the signal was raised, of those that were begun. */
export interface Landscape extends Partial<Readonly<Record<Term, Curvature>>> {
  readonly matrix: CurvatureMatrix;
  /** Of which the terms are means. */
  readonly samples: number;
  readonly rotations: number;
  readonly interrupted: boolean;
}

/** What a call of `landscape` takes. */
export interface LandscapeCost {
  readonly products: number;
  /** Gradients of a term over all samples and rotations, the unit of the time it takes. */
  readonly gradients: number;
  /** Bytes of the vectors that are kept at once; the model's own memory comes on top. */
  readonly bytes: number;
}

/**
 * The curvature of the loss and its two terms at a model's weights, term by term: see `curvature` for the figures and
 * `hessian` for the products and their error. All terms have the same probes, so that their traces add up as they do.
 *
 * When the signal is raised, the result is what is known, with `interrupted`.
 *
 * @throws VoxtwirlError "bad-option" for numbers that cannot be, "not-finite" when a gradient is not
 */
export async function landscape(terms: LossTerms, options: LandscapeOptions = {}): Promise<Landscape> {
  const { matrix = "hessian", signal, onProgress } = options;
  const operators = operatorsOf(terms, options);
  const total = landscapeCost(terms, options).products;
  const found: Partial<Record<Term, Curvature>> = {};
  let before = 0;
  for (const [term, operator] of operators) {
    if (signal?.aborted) break;
    const done = before;
    found[term] = await curvature(operator, {
      ...options,
      onProgress: onProgress && ((products) => onProgress(done + products, total)),
    });
    before += curvatureProducts(operator, options);
  }
  const all = operators.map(([term]) => found[term]);
  const { from = 0, to = terms.samples } = options;
  const { rotations } = terms.sampling;
  return {
    ...found,
    matrix,
    samples: to - from,
    rotations,
    interrupted: all.some((term) => term?.interrupted ?? true),
  };
}

/**
 * What `landscape` will cost; nothing is computed.
 *
 * @throws VoxtwirlError "bad-option" for numbers that cannot be
 */
export function landscapeCost(terms: LossTerms, options: LandscapeOptions = {}): LandscapeCost {
  const costs = operatorsOf(terms, options).map(([, operator]) => {
    const products = curvatureProducts(operator, options);
    return { products, gradients: products * operator.gradientsPerProduct };
  });
  const sum = (of: (cost: (typeof costs)[number]) => number) => costs.reduce((all, cost) => all + of(cost), 0);
  const size = terms.weights.length;
  const { vectors = 0 } = options;
  const kept = Math.max(...probeSteps(size, options)) + WORKING_VECTORS + costs.length * vectors;
  return {
    products: sum((cost) => cost.products),
    gradients: sum((cost) => cost.gradients),
    bytes: Float64Array.BYTES_PER_ELEMENT * size * kept,
  };
}

/** Vectors that a step of Lanczos has besides the basis: two gradients, two sets of weights, products. */
const WORKING_VECTORS = 8;

function operatorsOf(terms: LossTerms, { terms: names = TERMS, matrix = "hessian", ...options }: LandscapeOptions) {
  requireOneOf("matrix", matrix, ["hessian", "gaussNewton"]);
  names.forEach((name, i) => requireOneOf(`terms[${i}]`, name, TERMS));
  const make = matrix === "hessian" ? hessian : gaussNewton;
  return names.map((term) => [term, make(terms, term, options)] as const);
}
