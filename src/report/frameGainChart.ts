import { takenAway, takenAwayStdErr } from "../frames/frameGains.ts";
import type { FrameGain, FrameTermResult } from "../frames/termResult.ts";
import type { ChartBand, ChartSpec } from "./chart.ts";
import { formatLoss, formatPercent } from "./format.ts";
import { chartFigure, sizeLabel, type ChartedTerm } from "./frameCharts.ts";
import { powerLabel } from "./scale.ts";

/** What averaging K predictions gains, expected or measured: in percent of the loss; without labels by the spread. */
export function gainChart(of: ChartedTerm): string {
  return of.term.labelled ? shareChart(of) : leftChart(of);
}

const axisOf = (counts: readonly number[]) => ({
  name: "K, predictions averaged: so many times the work",
  ...({ scale: "log", tickLabel: String } as const),
  ticks: counts,
});

const hoverAt = (count: number, lines: readonly (readonly [key: string, name: string, text: string])[]) => ({
  x: count,
  title: `K = ${count}`,
  lines: lines.map(([key, name, text]) => ({ key, name, text })),
});

function shareChart({ name, id, term }: ChartedTerm): string {
  const { percentEquivInterval, percentEquiv } = term;
  const isMeasured = term.gains.some(({ percentGain }) => Number.isFinite(percentGain));
  const takes = isMeasured ? "took" : "is expected to take";
  // One alone gains nothing.
  const gains = term.gains.filter(({ count }) => count > 1);
  const band = (interval: readonly [number, number]): ChartBand => ({
    ...{ key: "percent", label: "95 % interval" },
    points: gains.map(({ count }) => {
      const [low, high] = interval.map((value) => (1 - 1 / count) * value);
      return { x: count, low: low!, high: high! };
    }),
  });
  const all = `all rotations: ${formatPercent(percentEquiv)} %`;
  const spec: ChartSpec = {
    id: `${id}-gain`,
    description: `Share of the loss of ${name} that averaging K predictions ${takes} away.`,
    yLabel: "taken away, % of lossTotal",
    yTickLabel: (value) => `${powerLabel(value)} %`,
    series: [
      {
        ...({ key: "percent", label: "taken away by averaging K", marker: "circle" } as const),
        points: gains.map((gain) => ({ x: gain.count, y: takenAway(gain) })),
      },
    ],
    bands: isMeasured ? [measuredBand(gains)] : percentEquivInterval ? [band(percentEquivInterval)] : [],
    rules: percentEquiv > 0 ? [{ key: "paper", label: all, short: "all", y: percentEquiv }] : [],
    xAxis: axisOf(gains.map(({ count }) => count)),
    hover: gains.map((gain) =>
      hoverAt(gain.count, [
        ["percent", "taken away", `${formatPercent(takenAway(gain))} ± ${formatPercent(takenAwayStdErr(gain))} %`],
        ["loss-total", "rmse that is left", formatLoss(gain.rmse)],
      ]),
    ),
    plotHeight: 200,
  };
  const caption = isMeasured
    ? "Measured: averages of K of the predictions, none in two of them, against single ones."
    : "Expected of independent rotations: the share that is lost symmetry, times 1 - 1/K. It never gains more than " +
      "all rotations would, and most of that with few.";
  return chartFigure(spec, caption);
}

function measuredBand(gains: readonly FrameGain[]): ChartBand {
  const points = gains.map((gain) => {
    const [at, error] = [takenAway(gain), takenAwayStdErr(gain)];
    return { x: gain.count, low: at - error, high: at + error };
  });
  return { key: "percent", label: "± 1 standard error", points };
}

function leftChart({ name, id, term }: ChartedTerm): string {
  const { gains } = term;
  const spec: ChartSpec = {
    id: `${id}-gain`,
    description: `Spread of ${name} that is left where K predictions are averaged, on logarithmic axes.`,
    yLabel: sizeLabel(term, "spread that is left"),
    series: [
      {
        ...({ key: "loss-equiv", label: "spread that is left", marker: "diamond" } as const),
        points: gains.map(({ count, spreadRms }) => ({ x: count, y: spreadRms })),
      },
    ],
    bands: leftBand(term),
    xAxis: axisOf(gains.map(({ count }) => count)),
    hover: gains.map(({ count, spreadRms }) => hoverAt(count, [["loss-equiv", "spread", formatLoss(spreadRms)]])),
    plotHeight: 200,
  };
  return chartFigure(spec, "Expected of independent rotations: the spread falls as one over the root of K.");
}

function leftBand({ gains, lossEquiv, lossEquivStdErr }: FrameTermResult): ChartBand[] {
  if (!Number.isFinite(lossEquivStdErr)) return [];
  const root = (loss: number, count: number) => Math.sqrt(Math.max(0, loss) / count);
  const points = gains.map(({ count }) => {
    return { x: count, low: root(lossEquiv - lossEquivStdErr, count), high: root(lossEquiv + lossEquivStdErr, count) };
  });
  return [{ key: "percent", label: "± 1 standard error", points }];
}
