import type { SampleSums, Sampling } from "../equivariance/estimators.ts";
import type { Loss } from "../equivariance/losses.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { WeightKind } from "../models/layouts.ts";

/** L, L_mean and L_equiv of arXiv 2512.02303: L = L_mean + L_equiv. */
export const TERMS = ["total", "mean", "equiv"] as const;
/** The loss, or one of its two terms. */
export type Term = (typeof TERMS)[number];

/** Where a parameter lies in a vector of weights. */
export interface WeightSlot {
  readonly name: string;
  readonly kind: WeightKind;
  /** As the engine stores it (src/models/layouts.ts). */
  readonly shape: readonly number[];
  /** Index of its first number. */
  readonly offset: number;
  readonly size: number;
}

/** Which samples, and who may stop it. */
export interface TermsOptions {
  /** The first sample, 0 by default, and the one after the last, all by default. */
  readonly from?: number;
  readonly to?: number;
  /** Stops before the next sample, with an error "aborted". */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The loss of a model and its two terms as functions of the weights alone: samples, rotations and noise are fixed, and
 * nothing is dropped out. All analyses of gradients and curvature ask for no more than this.
 *
 * Losses are means over samples, rotations and elements, estimated as `decomposeSums` does: for all elements of a group
 * exactly, for some of them without bias. A vector of weights holds the trained parameters one after another, as
 * `layout` says; a gradient is such a vector too.
 */
export interface LossTerms {
  readonly layout: readonly WeightSlot[];
  /** The model's own weights. Not to be written. */
  readonly weights: Float64Array;
  readonly samples: number;
  /**
   * Rotations of each sample, of which group, and how many numbers a sample has: the mean over all samples where these
   * differ, by which losses and gradients of some of them are divided too.
   */
  readonly sampling: Sampling;
  /** Of which the terms are: the squared error where it is not given. Others are known for all rotations only. */
  readonly loss?: Loss;
  /** Sums of each sample, in order: `decomposeSums(sums, sampling)` makes the losses of them. */
  sums(weights: Float64Array, options?: TermsOptions): Promise<SampleSums[]>;
  /** The gradient of a term, a mean over the samples, with respect to the weights. */
  gradient(term: Term, weights: Float64Array, options?: TermsOptions): Promise<Float64Array>;
  /**
   * G v for the Gauss-Newton matrix of a term, a mean over samples and numbers. With J_i the derivative of the i-th of
   * N twisted predictions by the weights, G v = (2/N) sum of J_i^T J_i v for the loss; for L_equiv J_i v are centred
   * (each less their mean over the rotations) and N is the divisor of its estimate; L_mean is the difference.
   *
   * @throws VoxtwirlError "unsupported" for another loss than the squared error
   */
  gaussNewtonProduct(
    term: Term,
    weights: Float64Array,
    direction: Float64Array,
    options?: TermsOptions,
  ): Promise<Float64Array>;
}
