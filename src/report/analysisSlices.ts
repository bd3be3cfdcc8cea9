import { TERMS } from "../analysis/lossTerms.ts";
import type { SlicePoint } from "../analysis/slices.ts";
import type { SliceDirection, SliceLine, SlicePlane, TermSlices } from "../analysis/termSlices.ts";
import type { Decomposition } from "../equivariance/estimators.ts";
import { type ChartSpec, hasDrawable, renderChart } from "./chart.ts";
import { formatCount, formatLoss } from "./format.ts";
import { type HeatCell, heatMap } from "./heatMap.ts";
import { escapeHtml } from "./html.ts";
import { lossWithError, twoDecimals } from "./numbers.ts";
import { termSeries } from "./termSeries.ts";
import { isFiniteNumber } from "./types.ts";

/** How directions are called in texts. */
export const SLICE_NAMES: Readonly<Record<SliceDirection, string>> = {
  random: "a filter-normalised random direction",
  mean: "the leading eigenvector of L_mean",
  equiv: "the leading eigenvector of L_equiv",
};

const LOSSES = { total: "lossTotal", mean: "lossMean", equiv: "lossEquiv" } as const satisfies Record<
  (typeof TERMS)[number],
  keyof Decomposition
>;

/**
 * The losses along each line as curves, and on the plane as heat maps of the two terms.
 *
 * @param lossPer what losses are means over
 */
export function sliceFigures(result: TermSlices, lossPer: string): string {
  const lines = result.lines.map((line) => lineFigure(line, { ...result, lossPer }));
  return lines.join("") + (result.plane ? planeFigure(result.plane) : "");
}

function lineFigure(
  { direction, length, points }: SliceLine,
  { samples, rotations, lossPer }: TermSlices & { readonly lossPer: string },
): string {
  const name = SLICE_NAMES[direction];
  const text = (point: SlicePoint, loss: (typeof LOSSES)[keyof typeof LOSSES]) =>
    lossWithError(point[loss], point[`${loss}StdErr`]);
  const spec: ChartSpec = {
    id: `slice-${direction}`,
    description: `L, L_mean and L_equiv along ${name}, the losses on a logarithmic axis.`,
    yLabel: `loss per ${lossPer}`,
    xAxis: { name: "step along the direction, 0 at the model's weights", scale: "linear", tickLabel: place },
    series: TERMS.map((term) => ({
      ...termSeries(term),
      points: points.map((point) => ({ x: point.at[0]!, y: point[LOSSES[term]] })),
    })),
    hover: points.map((point) => ({
      x: point.at[0]!,
      title: `step ${place(point.at[0]!)}`,
      lines: TERMS.map((term) => {
        const { key, label } = termSeries(term);
        return { key, name: label, text: text(point, LOSSES[term]) };
      }),
    })),
    plotHeight: 280,
  };
  if (!hasDrawable(spec)) return `<p class="empty">No point along ${escapeHtml(name)} is known.</p>`;
  const one =
    direction === "random"
      ? "at 1 each output channel's weights have changed by their own length"
      : "were the term its parabola, it would be doubled at 1";
  const caption =
    `Along ${name}, of ${formatCount(samples)} molecules and ${rotations} rotations of each: ${one}, ` +
    `a step of length ${formatLoss(length)}.`;
  return `<figure>${renderChart(spec)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

function planeFigure({ directions, cosine, points }: SlicePlane): string {
  const [rows, columns] = [0, 1].map((axis) => [...new Set(points.map(({ at }) => at[axis]!))]) as [number[], number[]];
  const here = points.find(({ at }) => at.every((step) => step === 0));
  const map = (term: "mean" | "equiv") => {
    const { label } = termSeries(term);
    const origin = here?.[LOSSES[term]] ?? NaN;
    const shares = points.map((point) => point[LOSSES[term]] / origin).filter((share) => isFiniteNumber(share));
    const most = shares.reduce((a, b) => Math.max(a, b), 0);
    const cell = (a: number, b: number): HeatCell => {
      const point = points.find(({ at }) => at[0] === a && at[1] === b);
      const share = point ? point[LOSSES[term]] / origin : NaN;
      if (!point || !isFiniteNumber(share)) return { value: null };
      const where = `steps ${place(a)} and ${place(b)}`;
      return { value: share, title: `${where}: ${label} ${lossWithError(point[LOSSES[term]], null)}` };
    };
    return heatMap({
      description: `${label} on the plane of two eigenvectors, against its value at the model's weights.`,
      legend: `${label} over that of the model's weights`,
      domain: [0, most || 1],
      format: (value) => (Math.abs(value) < 100 ? twoDecimals(value) : value.toPrecision(2)),
      groups: [{ heading: `steps along ${SLICE_NAMES[directions[1]]}`, columns: columns.map(place) }],
      rows: [...rows].reverse().map((a) => ({ label: place(a), cells: columns.map((b) => cell(a, b)) })),
    });
  };
  const caption =
    `On the plane of both eigenvectors, whose cosine is ${twoDecimals(cosine)}: steps along ` +
    `${SLICE_NAMES[directions[0]]} from bottom to top, along ${SLICE_NAMES[directions[1]]} from left to right, ` +
    "0 and 0 being the model's weights. Where a term hardly changes with steps that the other one feels, it is flat " +
    "in that direction.";
  return `<figure>${map("mean")}${map("equiv")}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

const place = (step: number): string => String(Number(step.toPrecision(3))).replace("-", "−");
