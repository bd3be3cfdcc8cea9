import { requireMethod, requirePositive, requireWhole } from "../check.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { Random } from "../random.ts";
import { throwIfAborted, untilAborted } from "./abort.ts";
import {
  countAbove,
  meanAndError,
  negativeShare,
  requireDensity,
  spectralDensity,
  type DensityOptions,
  type EigenvalueCount,
  type SpectralDensity,
} from "./density.ts";
import { Lanczos, type RitzValue } from "./lanczos.ts";
import type { SymmetricOperator } from "./operator.ts";
import { dot, norm, plus } from "./vectors.ts";

/** What to find out of a matrix, and how many products that may take. */
export interface CurvatureOptions {
  /** Lanczos steps of the first probe, whose Ritz values are the extreme eigenvalues; 30 by default. */
  readonly products?: number;
  /** Random start vectors of the trace, the first one's among them; 8 by default. */
  readonly probes?: number;
  /** Which eigenvalues to tell besides the largest: the k-th largest for each k, [2, 5, 10] by default. */
  readonly lambdas?: readonly number[];
  /** Draws the density too ({} for its defaults), for which all probes take several products. */
  readonly density?: DensityOptions | undefined;
  /** Counts the eigenvalues that are at least these fractions of the largest; none by default. */
  readonly fractions?: readonly number[];
  /** How many leading eigenvectors to give; 0 by default. */
  readonly vectors?: number;
  /** Of the probes; 0 by default. */
  readonly seed?: number;
  /** When raised, what is known so far is the result. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each product. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The k-th largest eigenvalue. */
export interface LambdaK {
  readonly k: number;
  readonly value: number;
  /** As `lambdaMaxBound`. It tells whether the steps were enough for this k. */
  readonly residual: number;
  /** lambdaMax / value: a condition measure of the k leading directions alone. */
  readonly maxOverLambda: number;
}

/** Curvature in figures; NaN for what is not known. */
export interface Curvature {
  /** The largest eigenvalue, signed. */
  readonly lambdaMax: number;
  /** |A v - lambdaMax v| for its unit vector v, by a product of its own: an eigenvalue lies within this distance. */
  readonly lambdaMaxResidual: number;
  /** The same from Lanczos' recurrence, which takes products for exact. */
  readonly lambdaMaxBound: number;
  /** |v.(A v - A' v)|, A' with twice the step: lambdaMax's error by differences. Absent if not estimated. */
  readonly lambdaMaxStepError?: number;
  /** |A v - A' v| / |A v|. Absent where it is not estimated. */
  readonly productStepError?: number;
  /** As many as there are Ritz values for. */
  readonly lambdas: readonly LambdaK[];
  /** The smallest eigenvalue, signed. */
  readonly lambdaMin: number;
  /** As `lambdaMaxBound`. */
  readonly lambdaMinBound: number;
  /** Hutchinson's estimate. */
  readonly trace: number;
  /** Over the probes; NaN with fewer than two. */
  readonly traceStdErr: number;
  /** trace / lambdaMax: how many directions of the largest curvature would make up the trace. */
  readonly traceOverMax: number;
  /** Sum of |negative eigenvalues| over the sum of |eigenvalues|, from the probes of several products. */
  readonly negativeShare: number;
  readonly negativeShareStdErr: number;
  /** For each of the fractions that were asked for, from the same probes. */
  readonly counts?: readonly EigenvalueCount[];
  readonly density?: SpectralDensity;
  /** Leading unit eigenvectors, as many as were asked for. */
  readonly vectors: readonly Float64Array[];
  readonly products: number;
  readonly gradients: number;
  /** True when the signal was raised before all was done. */
  readonly interrupted: boolean;
}

/** Lanczos steps of each probe. */
export function probeSteps(size: number, options: CurvatureOptions): number[] {
  const { products = 30, probes = 8, density } = options;
  requireWhole("products", products, 1);
  requireWhole("probes", probes, 1);
  if (density) requireDensity(density);
  const others = density ? (density.steps ?? 16) : 1;
  return Array.from({ length: probes }, (_, i) => Math.min(size, i === 0 ? products : others));
}

/** Products that `curvature` takes: the probes', one for the residual, and one with another step where there is one. */
export function curvatureProducts(operator: Pick<SymmetricOperator, "size" | "other">, options: CurvatureOptions) {
  return probeSteps(operator.size, options).reduce((sum, steps) => sum + steps, 1) + (operator.other ? 1 : 0);
}

/**
 * Extreme eigenvalues by Lanczos, the trace by Hutchinson's estimator, and the density by stochastic Lanczos
 * quadrature, all from the same products: a probe's start vector z has entries of +-1, and z.A z is the trace's
 * estimate from its first product.
 *
 * @throws VoxtwirlError "bad-option" for numbers that cannot be, "not-finite" when a product is not
 */
export async function curvature(operator: SymmetricOperator, options: CurvatureOptions = {}): Promise<Curvature> {
  requireMethod(
    "operator",
    operator,
    "multiply",
    "Give { size, gradientsPerProduct, multiply }: hessian(terms, term).",
  );
  const { lambdas = [2, 5, 10], fractions = [], vectors = 0, seed = 0, signal } = options;
  lambdas.forEach((k, i) => requireWhole(`lambdas[${i}]`, k, 1));
  fractions.forEach((fraction, i) => requirePositive(`fractions[${i}]`, fraction));
  requireWhole("vectors", vectors, 0);
  const counted = new Counted(operator, options);
  const starts = new Random(seed);
  const afterBreakdown = new Random(seed + 1);
  const probes: RitzValue[][] = [];
  let leading: Leading | undefined;
  let largest: Largest | undefined;
  const finished = await untilAborted(signal, async () => {
    for (const steps of probeSteps(operator.size, options)) {
      const run = new Lanczos(counted, signs(operator.size, starts), afterBreakdown);
      try {
        while (run.steps < steps) await run.step(signal);
      } finally {
        probes.push(run.ritzValues());
        leading ??= leadingOf(run, lambdas, vectors);
      }
      largest ??= await checkLargest(counted, run, signal);
    }
  });
  const trace = traceOf(probes, operator.size);
  return {
    ...leading!,
    ...(largest ?? { lambdaMaxResidual: NaN }),
    ...trace,
    traceOverMax: trace.trace / leading!.lambdaMax,
    ...spectrumOf(probes, options, { largest: leading!.lambdaMax, size: operator.size }),
    products: counted.products,
    gradients: counted.gradients,
    interrupted: !finished,
  };
}

/** An operator that counts its products, those of its other form too. */
class Counted implements SymmetricOperator {
  readonly size: number;
  readonly gradientsPerProduct: number;
  readonly other?: SymmetricOperator;
  readonly #operator: SymmetricOperator;
  readonly #total: number;
  readonly #onProgress: CurvatureOptions["onProgress"];
  products = 0;

  constructor(operator: SymmetricOperator, options: CurvatureOptions) {
    this.#operator = operator;
    this.size = operator.size;
    this.gradientsPerProduct = operator.gradientsPerProduct;
    this.#total = curvatureProducts(operator, options);
    this.#onProgress = options.onProgress;
    const { other } = operator;
    if (other) this.other = { ...other, multiply: (vector, signal) => this.#count(other, vector, signal) };
  }

  get gradients(): number {
    return this.products * this.gradientsPerProduct;
  }

  multiply(vector: Float64Array, signal?: AbortSignal): Promise<Float64Array> {
    return this.#count(this.#operator, vector, signal);
  }

  async #count(operator: SymmetricOperator, vector: Float64Array, signal?: AbortSignal): Promise<Float64Array> {
    throwIfAborted(signal);
    const product = await operator.multiply(vector, signal);
    this.products++;
    this.#onProgress?.(this.products, this.#total);
    return product;
  }
}

/** Entries of +-1: of all random vectors with independent entries, those with the least variance of the trace. */
function signs(size: number, random: Random): Float64Array {
  return Float64Array.from({ length: size }, () => (random.next() < 0.5 ? -1 : 1));
}

type Largest = Pick<Curvature, "lambdaMaxResidual" | "lambdaMaxStepError" | "productStepError">;

/** What products with the leading vector say of the largest eigenvalue. */
async function checkLargest(operator: SymmetricOperator, run: Lanczos, signal?: AbortSignal): Promise<Largest> {
  const { value } = run.ritzValues()[0]!;
  const vector = run.ritzVector(0);
  const product = await operator.multiply(vector, signal);
  const lambdaMaxResidual = norm(plus(product, -value, vector));
  if (!operator.other) return { lambdaMaxResidual };
  const difference = plus(product, -1, await operator.other.multiply(vector, signal));
  return {
    lambdaMaxResidual,
    lambdaMaxStepError: Math.abs(dot(vector, difference)),
    productStepError: norm(difference) / norm(product),
  };
}

type Leading = ReturnType<typeof leadingOf>;

function leadingOf(run: Lanczos, lambdas: readonly number[], vectors: number) {
  const ritz = run.ritzValues();
  const unknown = { value: NaN, residual: NaN };
  const max = ritz[0] ?? unknown;
  const min = ritz.at(-1) ?? unknown;
  return {
    lambdaMax: max.value,
    lambdaMaxBound: max.residual,
    lambdas: lambdas.flatMap((k): LambdaK[] => {
      const found = ritz[k - 1];
      return found ? [{ k, value: found.value, residual: found.residual, maxOverLambda: max.value / found.value }] : [];
    }),
    lambdaMin: min.value,
    lambdaMinBound: min.residual,
    vectors: Array.from({ length: Math.min(vectors, run.steps) }, (_, k) => run.ritzVector(k)),
  };
}

/** A probe's weighted Ritz values are z.A z / |z|^2, however many there are. */
function traceOf(probes: readonly RitzValue[][], size: number) {
  const estimates = probes
    .filter((probe) => probe.length > 0)
    .map((probe) => size * probe.reduce((sum, { value, weight }) => sum + weight * value, 0));
  const { value, stdErr } = meanAndError(estimates);
  return { trace: value, traceStdErr: stdErr };
}

/** From the probes that took several products. */
function spectrumOf(
  probes: readonly RitzValue[][],
  { density, fractions }: CurvatureOptions,
  { largest, size }: { largest: number; size: number },
) {
  const long = probes.filter((probe, i) => probe.length > 0 && (i === 0 || density));
  const { value, stdErr } = negativeShare(long);
  return {
    negativeShare: value,
    negativeShareStdErr: stdErr,
    ...(fractions && { counts: fractions.map((fraction) => countAbove(long, { fraction, largest, size })) }),
    ...(density && long.length > 0 && { density: spectralDensity(long, density) }),
  };
}
