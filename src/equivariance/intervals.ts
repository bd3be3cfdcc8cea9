import { requireNumbers } from "../check.ts";
import { quantile } from "../quantiles.ts";
import { Random } from "../random.ts";
import { ratioOfSums } from "./estimators.ts";
import { studentT975 } from "./studentT.ts";

/** A ratio of sums over samples, with its standard error and interval; NaN where they cannot be told. */
export interface RatioInterval {
  readonly value: number;
  /** Linearised: see `ratioOfSums`. */
  readonly stdErr: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 999;
/** Samples beyond which skewness no longer counts, and resampling would cost more than it says. */
const MANY = 1024;
const FEW = 4;
const Z975 = 1.959964;

/**
 * (sum of above) / (sum of below) and an interval that holds the ratio of expectations in 95 of 100 data sets; with
 * `below` all 1 that of a mean.
 *
 * Losses of structures are skewed: at 32 with lognormal losses (sigma 1) a t interval by the linearised standard error
 * holds the truth in 88 % of data sets, not in 95. This is the bootstrap-t interval (Efron and Tibshirani, An
 * Introduction to the Bootstrap, 1993, 12.5) of the ratio's logarithm, where the ratio is positive: quantiles of
 * (log r* - log r) / (s* / r*) over resampled structures take the place of those of t. They are taken a little farther
 * out, at the normal probability of -sqrt(n / (n - 1)) t(n - 1), as a resample has the spread of n - 1 (Hesterberg, The
 * American Statistician 69, 2015, 371). Below 4 and above 1,024 samples it is the t interval of the logarithm.
 * Resampling is a function of the values alone.
 *
 * Of lognormal losses with sigma 0.5 and 1 and sizes that vary threefold, 95 % intervals held the truth in 94.7 and
 * 93.2 % of 1,000 data sets of 32 structures, in 96.0 and 93.7 % of 256; at 8 they are wide, and held 98.0 and 95.7 %.
 * t intervals held 94 and 88, 95 and 93, 91 and 83 %. Shares L_equiv / L of structures whose two parts are independent
 * and lognormal with sigma 1 are harder: some 90 % at 32 and 92 % at 256.
 *
 * @throws VoxtwirlError "bad-shape" for what are no numbers
 */
export function ratioInterval(above: readonly number[], below: readonly number[]): RatioInterval {
  requireNumbers("above", above);
  requireNumbers("below", below);
  const { value, stdErr } = ratioOfSums(above, below);
  const n = above.length;
  if (n < 2 || !Number.isFinite(stdErr)) return { value, stdErr, low: NaN, high: NaN };
  if (stdErr === 0) return { value, stdErr, low: value, high: value };
  const t = studentT975(n - 1);
  // Fewer structures have too few different resamples.
  const resampled = n < FEW || n > MANY ? [] : resamples(above, below, value);
  const positive = value > 0 && resampled.every((one) => one.value > 0);
  const [of, back, error] = positive
    ? [Math.log, Math.exp, (one: Resample) => one.stdErr / one.value]
    : [(x: number) => x, (x: number) => x, (one: Resample) => one.stdErr];
  const own = error({ value, stdErr });
  const centre = of(value);
  let [first, last] = [-t, t];
  if (resampled.length > 0) {
    const studentised = resampled.filter((one) => one.stdErr > 0).map((one) => (of(one.value) - centre) / error(one));
    const tail = normalBelow(-Math.sqrt(n / (n - 1)) * t);
    // Of some few structures no resample may lie far out on one side.
    first = Math.min(-Z975, quantile(studentised, tail));
    last = Math.max(Z975, quantile(studentised, 1 - tail));
  }
  return { value, stdErr, low: back(centre - last * own), high: back(centre - first * own) };
}

type Resample = Pick<RatioInterval, "value" | "stdErr">;

function resamples(above: readonly number[], below: readonly number[], ratio: number): Resample[] {
  const n = above.length;
  const random = new Random(n);
  const rest = Float64Array.from(above, (a, i) => a - ratio * below[i]!);
  const sizes = Float64Array.from(below);
  return Array.from({ length: RESAMPLES }, () => {
    let [sum, size, squares, products, sizeSquares] = [0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const drawn = random.int(n);
      const [e, b] = [rest[drawn]!, sizes[drawn]!];
      sum += e;
      size += b;
      squares += e * e;
      products += e * b;
      sizeSquares += b * b;
    }
    const off = sum / size;
    const residuals = Math.max(0, squares - 2 * off * products + off * off * sizeSquares);
    return { value: ratio + off, stdErr: Math.sqrt(residuals / (n * (n - 1))) / (size / n) };
  });
}

/** The probability that a normal number is below x < 0: within 2.5e-5 (Abramowitz and Stegun 26.2.16). */
function normalBelow(x: number): number {
  const k = 1 / (1 - 0.33267 * x);
  return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * (0.4361836 * k - 0.1201676 * k ** 2 + 0.937298 * k ** 3);
}
