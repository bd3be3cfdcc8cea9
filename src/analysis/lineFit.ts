import { decomposeSums, ratioOfSums, type SampleSums, type Sampling } from "../equivariance/estimators.ts";

/** The sums of all samples at theta(s). */
export interface LineSums {
  readonly s: number;
  readonly sums: readonly SampleSums[];
}

/**
 * L_equiv near the projected weights: offset + slope s + curvature s^2. A net that is exactly equivariant at s = 0 has
 * neither offset nor slope, as L_equiv has its least value there: L_equiv ~ curvature s^2. One that goes down by k3s2
 * is not equivariant whatever its kernels, and has both.
 */
export interface LineFit {
  /** Whether L_equiv is nothing but rounding at s = 0. */
  readonly exact: boolean;
  /** L_equiv at s = 0, as measured. */
  readonly offset: number;
  /** 0 where exact. */
  readonly slope: number;
  readonly curvature: number;
  /** Over samples; NaN with fewer than two. */
  readonly curvatureStdErr: number;
  /** By how much the curvature changes when only the two smallest s > 0 are used: whether they are small enough. */
  readonly curvatureChange: number;
  /** The largest part of the rise L_equiv(s) - offset that the fit may miss. */
  readonly tolerance: number;
  /** At the s of the line, in their order. */
  readonly fitted: readonly number[];
  /** The fit is within the tolerance at all s up to this one; 0 where it is so at none. */
  readonly holdsTo: number;
  /** The s that follows, where it is not; null where it is everywhere. */
  readonly failsAt: number | null;
}

/** Points at s > 0 that decide the fit. */
export const FITTED = 3;

/** Rounding in float32 leaves a percentEquiv of some 1e-11; that of k3s2 is larger than this by orders. */
const ROUNDING_PERCENT = 1e-8;

/**
 * The fit through s = 0 and the three smallest s > 0: L_equiv(s) - offset is taken for s^p times a polynomial of degree
 * 2, p = 2 where the net is exact at s = 0 and 1 elsewhere, so that terms up to s^4 or s^3 do not spoil the curvature.
 *
 * @param line s ascending from 0, at least four
 */
export function fitLine(line: readonly LineSums[], sampling: Sampling, tolerance: number): LineFit {
  const [first, ...rest] = line.map(({ s, sums }) => ({ s, ...decomposeSums(sums, sampling) }));
  const { lossEquiv: offset, percentEquiv } = first!;
  const exact = !(percentEquiv > ROUNDING_PERCENT);
  const near = line.slice(1, 1 + FITTED).map(({ s }) => s);
  const coefficients = (equivs: readonly number[], count = FITTED) => {
    const scaled = near.slice(0, count).map((s, i) => (equivs[i + 1]! - equivs[0]!) / (exact ? s ** 2 : s));
    const [a = 0, b = 0] = polynomial(near.slice(0, count), scaled);
    return exact ? { slope: 0, curvature: a } : { slope: a, curvature: b };
  };
  const all = [offset, ...rest.map(({ lossEquiv }) => lossEquiv)];
  const { slope, curvature } = coefficients(all);
  const fitted = line.map(({ s }) => offset + slope * s + curvature * s ** 2);
  const misses = rest.map(({ lossEquiv }, i) => {
    return !(Math.abs(lossEquiv - fitted[i + 1]!) <= tolerance * Math.abs(lossEquiv - offset));
  });
  const failed = misses.indexOf(true);
  const held = failed < 0 ? rest.length : failed;
  const bySample = line[0]!.sums.map((_, i) => coefficients(equivsOf(line, i, sampling)));
  return {
    ...{ exact, offset, slope, curvature },
    curvatureStdErr: ratioOfSums(
      bySample.map((one) => one.curvature),
      bySample.map(() => 1),
    ).stdErr,
    curvatureChange: Math.abs(coefficients(all, 2).curvature - curvature),
    ...{ tolerance, fitted },
    holdsTo: held === 0 ? 0 : rest[held - 1]!.s,
    failsAt: rest[held]?.s ?? null,
  };
}

/** L_equiv of one sample along the line. */
function equivsOf(line: readonly LineSums[], sample: number, sampling: Sampling): number[] {
  return line.map(({ sums }) => decomposeSums([sums[sample]!], sampling).lossEquiv);
}

/** Coefficients of the polynomial through 2 or 3 points, the constant first; by divided differences. */
function polynomial(x: readonly number[], y: readonly number[]): number[] {
  const [x0, x1, x2] = x as [number, number, number?];
  const [y0, y1, y2] = y as [number, number, number?];
  const d01 = (y1 - y0) / (x1 - x0);
  const line = [y0 - d01 * x0, d01, 0];
  if (x2 === undefined || y2 === undefined) return line;
  const d012 = ((y2 - y1) / (x2 - x1) - d01) / (x2 - x0);
  return [line[0]! + d012 * x0 * x1, line[1]! - d012 * (x0 + x1), d012];
}
