import {
  formatCount,
  formatDuration,
  formatLoss,
  formatPercent,
  formatPercentError,
  formatStepTime,
  MISSING,
} from "./format.ts";
import { fitParts, type LinePart } from "./liveLine.ts";
import { type EvalRow, isFiniteNumber } from "./types.ts";

export { formatCount, formatDuration, formatLoss } from "./format.ts";

/** One column of the terminal table: its heading, its width in characters and what it shows. */
interface Column {
  heading: string;
  width: number;
  cell(row: EvalRow): string;
}

const COLUMNS: readonly Column[] = [
  { heading: "step", width: 10, cell: (row) => formatCount(row.step) },
  { heading: "lossTotal", width: 12, cell: (row) => formatLoss(row.lossTotal) },
  { heading: "lossMean", width: 12, cell: (row) => formatLoss(row.lossMean) },
  { heading: "lossEquiv", width: 12, cell: (row) => formatLoss(row.lossEquiv) },
  { heading: "total/zero", width: 11, cell: (row) => formatRatio(lossRatio(row)) },
  {
    heading: "percentEquiv",
    width: 22,
    cell: (row) => (isMeaningless(row) ? `(${percentText(row)})` : percentText(row)),
  },
];

/** percentEquiv ± its standard error with the sign: "3.40 ± 0.25 %". */
export function percentText(row: Pick<EvalRow, "percentEquiv" | "percentEquivStdErr">): string {
  const text = formatPercentError(row.percentEquiv, row.percentEquivStdErr);
  return text === MISSING ? text : `${text} %`;
}

/** Whether the net does no better than predicting zero, which has no symmetry to lose: its share means nothing. */
export function isMeaningless(row: Pick<EvalRow, "lossTotal" | "lossZero">): boolean {
  return (lossRatio(row) ?? 0) >= 1;
}

/** lossTotal / lossZero: below 1 the net does better than predicting zero. Null where it cannot be formed. */
export function lossRatio(row: Pick<EvalRow, "lossTotal" | "lossZero">): number | null {
  if (!isFiniteNumber(row.lossTotal) || !isFiniteNumber(row.lossZero) || row.lossZero <= 0) return null;
  return row.lossTotal / row.lossZero;
}

/** The lowest lossMean: no net can do without a loss as large as the irreducible one, which is no higher than this. */
export function leastMean(rows: readonly Pick<EvalRow, "lossMean">[]): number {
  return Math.min(...rows.map(({ lossMean }) => (isFiniteNumber(lossMean) ? lossMean : Infinity)));
}

/**
 * Most that lost symmetry can be, in percent, of what is left of the loss without its irreducible part F:
 * L_equiv / (L - F) grows with F, and F is at most `least`, a lossMean that was reached.
 */
export function reduciblePercent({ lossTotal, lossEquiv }: Pick<EvalRow, "lossTotal" | "lossEquiv">, least: number) {
  const left = (lossTotal ?? NaN) - least;
  return left > 0 ? Math.min(100, (100 * (lossEquiv ?? NaN)) / left) : 100;
}

/** A ratio near 1 with three decimals, fewer as it grows: "0.731", "71.3", "1,204". */
export function formatRatio(ratio: number | null): string {
  if (!isFiniteNumber(ratio)) return MISSING;
  if (ratio >= 1e6) return formatLoss(ratio);
  if (ratio >= 999.5) return formatCount(ratio);
  return ratio.toFixed(ratio < 9.9995 ? 3 : 1);
}

/** Headings of the held-out decomposition, aligned with {@link evalTableRow}; 79 characters, no line break. */
export function evalTableHeader(): string {
  return COLUMNS.map((column) => column.heading.padStart(column.width)).join("");
}

/** One evaluation as a line of the table; what is missing or not finite shows as a dash. No line break. */
export function evalTableRow(row: EvalRow): string {
  return COLUMNS.map((column) => column.cell(row).padStart(column.width)).join("");
}

/** What the live line shows. `percent` is the last evaluation's percentEquiv; `secondsLeft` the estimate to the end. */
export interface Progress {
  step: number;
  steps: number;
  loss: number | null;
  percent?: number | null;
  msPerStep: number | null;
  secondsLeft: number | null;
  /** Steps left out by loss scaling; shown where there are any. */
  skipped?: number;
}

/**
 * The live progress line, at most `width` characters and without control characters: the caller returns the carriage
 * and clears. When it would be too long, the least needed parts are left out, from the step time on.
 */
export function progressLine(progress: Progress, width = 79): string {
  const total = formatCount(progress.steps);
  const count = `${formatCount(progress.step)}/${total}`;
  const share = `${Math.floor((100 * progress.step) / progress.steps)} %`;
  const percent = isFiniteNumber(progress.percent) ? `percent ${formatPercent(progress.percent)}` : "";
  const parts: LinePart[] = [
    { text: `step ${count.padStart(2 * total.length + 1)}`, short: count, least: share, need: 5 },
    { text: `loss ${formatLoss(progress.loss)}`, need: 3 },
    { text: percent, need: 2 },
    { text: progress.skipped ? `${formatCount(progress.skipped)} skipped` : "", need: 2 },
    { text: `${formatStepTime(progress.msPerStep)}/step`, need: 1 },
    { text: `${formatDuration(progress.secondsLeft)} left`, need: 4 },
  ];
  return fitParts(parts, width);
}
