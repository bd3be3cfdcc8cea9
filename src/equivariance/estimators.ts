import { requireArray, requireNumbers, requireObject } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";

/**
 * What one held-out sample adds, summed over voxels and channels; m is the mean of its N twisted predictions f_i. For
 * other losses than the squared error `exactSums` has what stands in their place.
 */
export interface SampleSums {
  /** |m - y|^2 */
  readonly meanError: number;
  /** S = sum over i of |f_i - m|^2 */
  readonly spread: number;
  /** |y|^2 */
  readonly zeroError: number;
}

/** What one held-out sample adds to the terms of whatever loss, estimated, summed over its numbers. */
export interface SampleTerms {
  /** L */
  readonly total: number;
  /** L_equiv; L_mean is the rest. */
  readonly equiv: number;
  /** The loss of predicting zero. */
  readonly zero: number;
}

/** What the sums of a sample were made of. */
export interface Sampling {
  /** Rotations of each sample, N >= 2. */
  readonly rotations: number;
  /** Numbers in a sample (voxels times channels), the mean where samples differ: the losses are means over these. */
  readonly elements: number;
  /**
   * Elements of the group when the rotations are different ones drawn from it (all of them: exact enumeration), 24 by
   * default; `Infinity` when they are independent draws, from a finite group with replacement or from SO(3).
   */
  readonly groupOrder?: number;
}

/**
 * Means per voxel and channel over samples and rotations, and the share of the loss that is lost symmetry. l(f, y) is
 * the loss: |f - y|^2 unless another was asked for.
 */
export interface Decomposition {
  /** L = E l(f_T, y) */
  readonly lossTotal: number;
  /** L_mean = E l(mu, y); an estimate that is not clamped, so it may be negative. */
  readonly lossMean: number;
  /** L_equiv = L - L_mean; for the squared error E |f_T - mu|^2. */
  readonly lossEquiv: number;
  /** The loss of predicting zero; NaN where that has no meaning. */
  readonly lossZero: number;
  /** 100 L_equiv / L, a ratio of sums over samples. NaN where L is 0. */
  readonly percentEquiv: number;
  /** Standard error of percentEquiv over samples, linearised. NaN with fewer than two samples. */
  readonly percentEquivStdErr: number;
  /** Standard errors of the losses over samples; NaN with fewer than two. */
  readonly lossTotalStdErr: number;
  readonly lossMeanStdErr: number;
  readonly lossEquivStdErr: number;
}

/**
 * Unbiased estimates of the decomposition L = L_mean + L_equiv (arXiv 2512.02303 for the terms) from N rotations of
 * each sample. With Lh = |m - y|^2 + S/N, which is the plain mean of |f_i - y|^2:
 *
 * - L = Lh;
 * - L_equiv = S/(N - 1) for independent rotations, (M - 1)/M S/(N - 1) for N different ones of a group of M elements,
 *   which is S/M, the exact value, where N = M;
 * - L_mean = L - L_equiv.
 *
 * Nothing is clamped, since that would bias the means. The standard error of the ratio b/l of means over n samples is
 * sqrt(sum of (b_i - p l_i)^2 / (n (n - 1))) / mean l, p the ratio.
 *
 * @throws VoxtwirlError "bad-option" when N < 2 or N exceeds the group's order; "no-data" without samples.
 */
export function decomposeSums(samples: readonly SampleSums[], sampling: Sampling): Decomposition {
  requireArray("samples", samples, "Give sums of samples: see sampleSums.");
  requireObject("sampling", sampling, "Give { rotations, elements }.");
  return decomposeTerms(
    samples.map((sums) => squaredTerms(sums, sampling)),
    sampling,
  );
}

/** The unbiased terms of one sample for the squared error: see `decomposeSums`. */
export function squaredTerms(sums: SampleSums, sampling: Pick<Sampling, "rotations" | "groupOrder">): SampleTerms {
  const { rotations, groupOrder = OCTAHEDRAL_ORDER } = sampling;
  const correction = Number.isFinite(groupOrder) ? (groupOrder - 1) / groupOrder : 1;
  // Lh, the mean of |f_i - y|^2.
  const total = sums.meanError + sums.spread / rotations;
  return { total, equiv: (correction * sums.spread) / (rotations - 1), zero: sums.zeroError };
}

/**
 * The decomposition that the samples' terms add up to.
 *
 * @throws VoxtwirlError as `decomposeSums`
 */
export function decomposeTerms(samples: readonly SampleTerms[], sampling: Sampling): Decomposition {
  const { rotations, elements, groupOrder = OCTAHEDRAL_ORDER } = sampling;
  if (!Number.isInteger(rotations) || rotations < 2 || rotations > groupOrder) {
    const most = Number.isFinite(groupOrder) ? ` to ${groupOrder}` : " upwards";
    throw new VoxtwirlError(
      "bad-option",
      `a variance cannot be estimated from ${rotations} rotations`,
      `Use a whole number of rotations from 2${most}.`,
    );
  }
  if (!(elements > 0)) {
    throw new VoxtwirlError("bad-option", `${elements} elements have no mean`, "Give voxels times channels.");
  }
  if (samples.length === 0) {
    throw new VoxtwirlError("no-data", "there is no sample to average over", "Hold out at least one molecule.");
  }
  return pooledTerms(samples, elements);
}

/**
 * The decomposition of samples whose terms are estimated, each of as many rotations as it has.
 *
 * @param elements numbers in a sample; in each where they differ: all losses are sums over samples by sums of these
 */
export function pooledTerms(samples: readonly SampleTerms[], elements: number | readonly number[]): Decomposition {
  const totals = samples.map(({ total }) => total);
  const equivs = samples.map(({ equiv }) => equiv);
  const means = totals.map((total, i) => total - equivs[i]!);
  const all = typeof elements === "number" ? elements * samples.length : sum(elements);
  const scale = 1 / all;
  const lossTotal = sum(totals) * scale;
  const lossEquiv = sum(equivs) * scale;
  const share = ratioOfSums(equivs, totals);
  const [sizes, size] = typeof elements === "number" ? [samples.map(() => 1), elements] : [elements, 1];
  const stdErr = (values: readonly number[]) => ratioOfSums(values, sizes).stdErr / size;
  return {
    lossTotal,
    lossMean: lossTotal - lossEquiv,
    lossEquiv,
    lossZero: sum(samples.map(({ zero }) => zero)) * scale,
    percentEquiv: 100 * share.value,
    percentEquivStdErr: 100 * share.stdErr,
    lossTotalStdErr: stdErr(totals),
    lossMeanStdErr: stdErr(means),
    lossEquivStdErr: stdErr(equivs),
  };
}

/**
 * (sum of above) / (sum of below) and its standard error over the samples, linearised:
 * sqrt(sum of (a_i - r b_i)^2 / (n (n - 1))) / mean b. With `below` all 1 that is a mean and its standard error. The
 * standard error is NaN for fewer than two samples.
 */
export function ratioOfSums(above: readonly number[], below: readonly number[]): { value: number; stdErr: number } {
  const n = above.length;
  const value = sum(above) / sum(below);
  const residuals = above.map((a, i) => (a - value * below[i]!) ** 2);
  return { value, stdErr: n < 2 ? NaN : Math.sqrt(sum(residuals) / (n * (n - 1))) / (sum(below) / n) };
}

/**
 * The rows of sums that `twirlMerge` reduces to, f32 [N, 4], as sample sums.
 *
 * @throws VoxtwirlError "bad-shape" when the length is not a multiple of 4.
 */
export function sampleSums(rows: ArrayLike<number>): SampleSums[] {
  requireNumbers("rows", rows);
  if (rows.length % 4 !== 0) {
    throw new VoxtwirlError("bad-shape", `${rows.length} numbers are not rows of four sums`, "Pass all of [N, 4].");
  }
  return Array.from({ length: rows.length / 4 }, (_, n) => ({
    meanError: rows[4 * n]!,
    spread: rows[4 * n + 1]!,
    zeroError: rows[4 * n + 2]!,
  }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
