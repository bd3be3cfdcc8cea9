import { requirePositive, requireWhole } from "../check.ts";
import { ratioOfSums } from "../equivariance/estimators.ts";
import type { RitzValue } from "./lanczos.ts";

/** How the density is drawn. */
export interface DensityOptions {
  /** Products of each probe after the first, 16 by default: its Ritz values. */
  readonly steps?: number;
  /** Values on the axis, 256 by default. */
  readonly points?: number;
  /** Standard deviation of the Gaussian on each Ritz value, 1/100 of their range by default. */
  readonly smoothing?: number;
}

/** The density of eigenvalues: values that integrate to 1, and their standard errors over the probes. */
export interface SpectralDensity {
  readonly axis: number[];
  readonly values: number[];
  /** NaN with fewer than two probes. */
  readonly stdErrs: number[];
  readonly smoothing: number;
  readonly probes: number;
}

/** @throws VoxtwirlError "bad-option" for numbers that cannot be */
export function requireDensity({ steps, points, smoothing }: DensityOptions): void {
  if (steps !== undefined) requireWhole("density.steps", steps, 1);
  if (points !== undefined) requireWhole("density.points", points, 2);
  if (smoothing !== undefined) requirePositive("density.smoothing", smoothing);
}

/** Gaussians reach this many standard deviations over the ends of the axis. */
const REACH = 5;

/**
 * Stochastic Lanczos quadrature (Golub and Meurant; for nets arXiv 1901.10159): the Ritz values of a random start
 * vector with the squares of their first components are Gauss quadrature for its share of the spectrum, and the mean
 * over start vectors of independent entries is the spectrum's. Smoothed by Gaussians.
 *
 * @param probes Ritz values of each start vector
 */
export function spectralDensity(probes: readonly (readonly RitzValue[])[], options: DensityOptions): SpectralDensity {
  const all = probes.flat().map(({ value }) => value);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  // A matrix that is a multiple of the identity has one value, and any width will do.
  const smoothing = options.smoothing ?? ((most - least) / 100 || Math.abs(most) / 100 || 1);
  const points = options.points ?? 256;
  const start = least - REACH * smoothing;
  const spacing = (most - least + 2 * REACH * smoothing) / (points - 1);
  const axis = Array.from({ length: points }, (_, i) => start + i * spacing);
  const curves = probes.map((probe) => axis.map((at) => smoothed(probe, at, smoothing)));
  const means = axis.map((_, i) => meanAndError(curves.map((curve) => curve[i]!)));
  return {
    axis,
    values: means.map(({ value }) => value),
    stdErrs: means.map(({ stdErr }) => stdErr),
    smoothing,
    probes: probes.length,
  };
}

function smoothed(probe: readonly RitzValue[], at: number, width: number): number {
  const height = 1 / (width * Math.sqrt(2 * Math.PI));
  return probe.reduce(
    (sum, { value, weight }) => sum + weight * height * Math.exp(-(((at - value) / width) ** 2) / 2),
    0,
  );
}

/** What negative eigenvalues are of the sum of absolute ones: 0 for a positive semidefinite matrix. */
export function negativeShare(probes: readonly (readonly RitzValue[])[]): { value: number; stdErr: number } {
  const sizeOf = (sign: number) =>
    probes.map((probe) => probe.reduce((sum, { value, weight }) => sum + weight * Math.max(0, sign * value), 0));
  const below = sizeOf(-1);
  const above = sizeOf(1);
  return ratioOfSums(
    below,
    below.map((value, i) => value + above[i]!),
  );
}

/** Of how many eigenvalues a matrix has at or above a share of its largest one. */
export interface EigenvalueCount {
  /** Of lambdaMax. */
  readonly fraction: number;
  readonly count: number;
  /** Over the probes; NaN with fewer than two. */
  readonly stdErr: number;
}

/** How many of `size` eigenvalues are at least `fraction` of `largest`, by stochastic Lanczos quadrature. */
export function countAbove(
  probes: readonly (readonly RitzValue[])[],
  { fraction, largest, size }: { fraction: number; largest: number; size: number },
): EigenvalueCount {
  const above = ({ value }: RitzValue) => value >= fraction * largest;
  const counts = probes.map((probe) => probe.filter(above).reduce((sum, { weight }) => sum + size * weight, 0));
  const { value, stdErr } = meanAndError(counts);
  return { fraction, count: value, stdErr };
}

/** The mean of estimates and its standard error, NaN for fewer than two. */
export function meanAndError(values: readonly number[]): { value: number; stdErr: number } {
  return ratioOfSums(
    values,
    values.map(() => 1),
  );
}
