import { formatCount, formatLoss } from "./format.ts";
import { isFiniteNumber } from "./types.ts";

/** With a true minus sign, and never -0.00. */
export function twoDecimals(value: number): string {
  return value
    .toFixed(2)
    .replace(/^-(?=0\.00$)/, "")
    .replace("-", "−");
}

/** "0.31 ± 0.02", without an error that is not known; a dash for a value that is not. */
export function withError(
  value: number | null | undefined,
  error: number | null | undefined,
  format: (value: number) => string,
): string {
  if (!isFiniteNumber(value)) return "–";
  return isFiniteNumber(error) ? `${format(value)} ± ${format(error)}` : format(value);
}

/** A loss, a norm or an eigenvalue with its error, which has two digits: "1.404e-3 ± 2.3e-4". */
export function lossWithError(value: number | null | undefined, error: number | null | undefined): string {
  const text = formatLoss(value).replace(/^-/, "−");
  if (!isFiniteNumber(value) || !isFiniteNumber(error)) return text;
  const plain = error < 100 ? error.toPrecision(2) : formatCount(error);
  return `${text} ± ${error === 0 ? "0" : error >= 0.1 && error < 1e4 ? plain : error.toExponential(1)}`;
}
