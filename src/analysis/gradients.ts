import { requireWhole } from "../check.ts";
import { decomposeSums } from "../equivariance/estimators.ts";
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { untilAborted } from "./abort.ts";
import { layersOf } from "./layers.ts";
import type { LossTerms, WeightSlot } from "./lossTerms.ts";
import { requireTerms } from "./requireTerms.ts";

/** The norm of a gradient. */
export interface GradientNorm {
  readonly norm: number;
  /** Over samples; NaN with fewer than two. */
  readonly normStdErr: number;
}

/** Gradients of the loss and its two terms by the same weights. */
export interface TermGradients {
  readonly total: GradientNorm;
  readonly mean: GradientNorm;
  readonly equiv: GradientNorm;
  /** Of the angle between grad L_mean and grad L_equiv; NaN where one of them is 0. */
  readonly cosineMeanEquiv: number;
  readonly cosineMeanEquivStdErr: number;
  /** 100 |grad L_equiv| / |grad L|, to be seen beside percentEquiv. The two terms' shares do not add up to 100 %. */
  readonly percentGradient: number;
  readonly percentGradientStdErr: number;
}

/** The same of a layer's weights. */
export interface LayerGradients extends TermGradients {
  readonly layer: string;
  /** Numbers in the layer. */
  readonly weights: number;
}

/** What `termGradients` finds. */
export interface GradientResult extends TermGradients {
  /** The share of the loss itself, of the same samples and weights. */
  readonly percentEquiv: number;
  readonly percentEquivStdErr: number;
  readonly byLayer: readonly LayerGradients[];
  readonly samples: number;
  readonly rotations: number;
  /** Parts of the samples, each left out once for the standard errors. */
  readonly parts: number;
  /** True when the signal was raised before all samples were done: then all is of the parts that were. */
  readonly interrupted: boolean;
}

/** How gradients are taken. */
export interface GradientOptions {
  /** The model's own weights by default. */
  readonly weights?: Float64Array;
  /** Parts of the samples, at most as many as there are; 8 by default. Two gradients of each are held. */
  readonly parts?: number;
  /** When raised, what is known so far is the result. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each of the gradients of single parts. */
  readonly onProgress?: (done: number, total: number) => void;
}

const PARTS = 8;

/** Bytes of the vectors that `termGradients` keeps at once. */
export function gradientBytes(terms: LossTerms, { parts = PARTS }: GradientOptions = {}): number {
  return 2 * Math.min(parts, terms.samples) * terms.weights.length * Float64Array.BYTES_PER_ELEMENT;
}

/**
 * Gradients of L, L_mean and L_equiv by the weights (arXiv 2512.02303): norms, the cosine between the terms', whole and
 * by layer. Two backward passes over all samples and rotations, for L and L_equiv; grad L_mean is their difference.
 * They are those of the loss of these samples; standard errors say how far they would differ for others, by the
 * jackknife over parts of the samples. The norm of a gradient that is small beside its error is overestimated.
 *
 * @throws VoxtwirlError "aborted" when the signal is raised before anything is known
 */
export async function termGradients(terms: LossTerms, options: GradientOptions = {}): Promise<GradientResult> {
  requireTerms(terms);
  const { weights = terms.weights, signal, onProgress } = options;
  const parts = Math.min(options.parts ?? PARTS, terms.samples);
  requireWhole("parts", parts, 1);
  // [grad L, grad L_equiv] of each part, and how many samples it has.
  const found: Float64Array[] = [];
  const counts: number[] = [];
  const finished = await untilAborted(signal, async () => {
    for (let part = 0; part < parts; part++) {
      const [from, to] = [part, part + 1].map((i) => Math.floor((i * terms.samples) / parts)) as [number, number];
      const total = await terms.gradient("total", weights, { from, to, signal });
      onProgress?.(2 * part + 1, 2 * parts);
      const equiv = await terms.gradient("equiv", weights, { from, to, signal });
      onProgress?.(2 * part + 2, 2 * parts);
      found.push(total, equiv);
      counts.push(to - from);
    }
  });
  if (counts.length === 0) throw new VoxtwirlError("aborted", "no gradient is known yet", "Start it again.");
  const samples = counts.reduce((sum, count) => sum + count, 0);
  // What a stopped call still has to say takes one evaluation more.
  const sums = await terms.sums(weights, { to: samples });
  const { percentEquiv, percentEquivStdErr } = decomposeSums(sums, terms.sampling);
  const layers = layersOf(terms.layout).map(({ name, slots, size }) => {
    return { name, size, products: innerProducts(found, slots) };
  });
  const whole = sumOf(layers.map(({ products }) => products));
  return {
    ...figures(whole, counts),
    ...{ percentEquiv, percentEquivStdErr },
    byLayer: layers.map(({ name, size, products }) => ({ layer: name, weights: size, ...figures(products, counts) })),
    ...{ samples, rotations: terms.sampling.rotations, parts: counts.length, interrupted: !finished },
  };
}

/** Inner products of each vector with each, over some weights. */
function innerProducts(vectors: readonly Float64Array[], slots: readonly WeightSlot[]): number[][] {
  const products = vectors.map(() => new Array<number>(vectors.length).fill(0));
  vectors.forEach((a, p) =>
    vectors.slice(0, p + 1).forEach((b, q) => {
      let sum = 0;
      for (const { offset, size } of slots) for (let i = offset; i < offset + size; i++) sum += a[i]! * b[i]!;
      products[p]![q] = sum;
      products[q]![p] = sum;
    }),
  );
  return products;
}

function sumOf(matrices: readonly number[][][]): number[][] {
  return matrices[0]!.map((row, i) => row.map((_, j) => matrices.reduce((sum, matrix) => sum + matrix[i]![j]!, 0)));
}

/** Figures of the mean over parts, and their errors from those without one part. */
function figures(products: readonly number[][], counts: readonly number[]): TermGradients {
  const all = plain(products, counts);
  const without = counts.map((_, left) =>
    plain(
      products,
      counts.map((count, i) => (i === left ? 0 : count)),
    ),
  );
  const error = (of: (figures: Plain) => number) => jackknife(without.map(of));
  const norm = (term: "total" | "mean" | "equiv"): GradientNorm => {
    return { norm: all[term], normStdErr: error((figures) => figures[term]) };
  };
  return {
    ...{ total: norm("total"), mean: norm("mean"), equiv: norm("equiv") },
    cosineMeanEquiv: all.cosine,
    cosineMeanEquivStdErr: error(({ cosine }) => cosine),
    percentGradient: all.percent,
    percentGradientStdErr: error(({ percent }) => percent),
  };
}

type Plain = Record<"total" | "mean" | "equiv" | "cosine" | "percent", number>;

/** Of the vectors 2p of L and 2p + 1 of L_equiv, each part weighed by its samples. */
function plain(products: readonly number[][], counts: readonly number[]): Plain {
  const samples = counts.reduce((sum, count) => sum + count, 0);
  const product = (a: 0 | 1, b: 0 | 1) => {
    let sum = 0;
    counts.forEach((m, p) => counts.forEach((n, q) => (sum += m * n * products[2 * p + a]![2 * q + b]!)));
    return sum / samples ** 2;
  };
  const [total, equiv, between] = [product(0, 0), product(1, 1), product(0, 1)];
  // Of a vector that is 0 rounding leaves less than nothing.
  const mean = Math.max(total - 2 * between + equiv, 0);
  const norms = { total: Math.sqrt(total), mean: Math.sqrt(mean), equiv: Math.sqrt(equiv) };
  return {
    ...norms,
    cosine: (between - equiv) / (norms.mean * norms.equiv),
    percent: (100 * norms.equiv) / norms.total,
  };
}

/** The standard error of a figure by its values without one part each. */
function jackknife(without: readonly number[]): number {
  const n = without.length;
  if (n < 2) return NaN;
  const mean = without.reduce((sum, value) => sum + value / n, 0);
  return Math.sqrt(((n - 1) / n) * without.reduce((sum, value) => sum + (value - mean) ** 2, 0));
}
