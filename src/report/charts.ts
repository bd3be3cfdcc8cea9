import { type ChartSpec, hasDrawable, type HoverPoint, renderChart } from "./chart.ts";
import { smooth, smoothingWindow, thinEvenly, thinExtremes } from "./curves.ts";
import { formatCount, formatDuration, formatLoss } from "./format.ts";
import { escapeHtml } from "./html.ts";
import type { ChartPoint } from "./paths.ts";
import { formatRatio, lossRatio, percentText } from "./table.ts";
import { type EvalRow, isFiniteNumber, type TrainRow } from "./types.ts";

/** The share that the source paper (arXiv 2512.02303) reports all its models to reach, in percent. */
const PAPER_PERCENT = 2;
/** Drawn points of a training curve; more than the chart has pixels would only cost time. */
const DRAWN = 450;
/** Tooltip positions. */
const HOVERED = 600;

/** A chart in its figure, or a frame that says why there is none. */
function figure(spec: ChartSpec, caption: string, empty: string): string {
  if (!hasDrawable(spec)) return `<p class="empty">${escapeHtml(empty)}</p>`;
  // A number stays on one line with its per cent sign.
  const text = escapeHtml(caption).replaceAll(" %", "\u00a0%");
  return `<figure>${renderChart(spec)}<figcaption>${text}</figcaption></figure>`;
}

function leftOut(count: number): string {
  if (count === 0) return "";
  const [values, are] = count === 1 ? ["value", "is"] : ["values", "are"];
  return ` ${formatCount(count)} ${values} that ${are} not finite or not above zero ${are} left out.`;
}

const heading = (step: number, seconds: number | null): string =>
  `step ${formatCount(step)}` + (isFiniteNumber(seconds) ? `, ${formatDuration(seconds)}` : "");

const countUndrawable = (points: readonly ChartPoint[]): number =>
  points.filter((point) => !isFiniteNumber(point.y) || point.y <= 0).length;

/** What the losses of a chart are. */
export interface LossKind {
  /** What they are means over. */
  readonly per: string;
  /** Whether the training loss is the same loss, and so has a place on the same axis. */
  readonly trained: boolean;
  /** What samples are: molecules. */
  readonly samples: string;
}

/** Loss terms, loss of predicting zero and, where it is the same loss, training loss over steps. */
export function lossChart(
  all: readonly TrainRow[],
  evals: readonly EvalRow[],
  { per, trained, samples }: LossKind,
): string {
  const train = trained ? all : [];
  const term = (pick: (row: EvalRow) => number | null): ChartPoint[] =>
    evals.map((row) => ({ x: row.step, y: pick(row) }));
  const raw = train.map((row) => ({ x: row.step, y: row.loss }));
  const window = smoothingWindow(raw.length);
  const smoothed = smooth(raw, window);
  const terms: ChartSpec["series"] = [
    { key: "loss-total", label: "lossTotal", points: term((row) => row.lossTotal), marker: "circle", layer: 1 },
    // Dashed and often next to lossTotal, so it goes over it.
    { key: "loss-mean", label: "lossMean", points: term((row) => row.lossMean), marker: "square", layer: 2 },
    { key: "loss-equiv", label: "lossEquiv", points: term((row) => row.lossEquiv), marker: "diamond", layer: 1 },
    { key: "loss-zero", label: "lossZero", points: term((row) => row.lossZero) },
  ];
  const shown = evals.length > 0 ? terms : [];
  const name = window > 1 ? "training loss, smoothed" : "training loss";
  const lines: ChartSpec["series"] = [
    { key: "train-smooth", label: name, points: thinEvenly(smoothed, DRAWN) },
    { key: "train-raw", label: "each step", points: thinExtremes(raw, DRAWN), layer: -1 },
  ];
  const training = raw.length === 0 ? [] : lines.slice(0, window > 1 ? 2 : 1);
  const hover = evals.length > 1 ? evalHover(evals, smoothed) : trainHover(train, smoothed);
  const lost = countUndrawable(raw) + shown.reduce((sum, series) => sum + countUndrawable(series.points), 0);
  const parts = [
    `Losses are means per ${per}, on a logarithmic axis.`,
    evals.length > 0
      ? `lossTotal and its two parts lossMean and lossEquiv come from held-out ${samples} and averaged (EMA) ` +
        "weights; lossZero is what predicting zero everywhere costs."
      : "",
    raw.length > 0
      ? "The training loss is that of each step's batch and of the weights being trained; " +
        (window > 1
          ? `faint: each logged step, line: geometric mean of ${window} neighbouring ones.`
          : "too few steps to smooth it.")
      : "",
    trained ? "" : "The loss that is trained is another one; metrics.jsonl has it for each step.",
  ];
  const spec: ChartSpec = {
    id: "loss",
    description: `Loss terms of held-out ${samples} and training loss over training steps, logarithmic axis.`,
    yLabel: per === "voxel and channel" ? `squared error per ${per}` : "squared error",
    series: [...shown, ...training],
    plotHeight: 380,
    xInclude: stepRange(all, evals),
    hover,
  };
  return figure(spec, parts.filter(Boolean).join(" ") + leftOut(lost), "No loss has been recorded yet.");
}

/** First and last step of the run: both charts cover it, so that they can be read one above the other. */
function stepRange(train: readonly TrainRow[], evals: readonly EvalRow[]): number[] {
  return [train[0], train.at(-1), evals[0], evals.at(-1)].flatMap((row) => (row ? [row.step] : []));
}

function evalHover(evals: readonly EvalRow[], smoothed: readonly ChartPoint[]): HoverPoint[] {
  const training = (step: number): HoverPoint["lines"] =>
    smoothed.length === 0
      ? []
      : [{ key: "train-smooth", name: "training", text: formatLoss(nearest(smoothed, step).y) }];
  return thinEvenly(evals, HOVERED).map((row) => ({
    x: row.step,
    title: heading(row.step, row.seconds),
    lines: [
      { key: "loss-total", name: "lossTotal", text: formatLoss(row.lossTotal) },
      { key: "loss-mean", name: "lossMean", text: formatLoss(row.lossMean) },
      { key: "loss-equiv", name: "lossEquiv", text: formatLoss(row.lossEquiv) },
      { key: "loss-zero", name: "lossZero", text: formatLoss(row.lossZero) },
      ...training(row.step),
    ],
  }));
}

function trainHover(train: readonly TrainRow[], smoothed: readonly ChartPoint[]): HoverPoint[] {
  const both = train.map((row, i) => ({ row, smoothed: smoothed[i]!.y }));
  return thinEvenly(both, HOVERED).map(({ row, smoothed: mean }) => ({
    x: row.step,
    title: heading(row.step, row.seconds),
    lines: [
      { key: "train-raw", name: "training", text: formatLoss(row.loss) },
      { key: "train-smooth", name: "smoothed", text: formatLoss(mean) },
    ],
  }));
}

/** The point with the nearest x, by bisection; points in order of x, at least one. */
function nearest(points: readonly ChartPoint[], x: number): ChartPoint {
  let low = 0;
  let high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]!.x <= x) low = middle;
    else high = middle;
  }
  return x - points[low]!.x <= points[high]!.x - x ? points[low]! : points[high]!;
}

/**
 * The stretch from the first evaluation on in which the net does no better than predicting zero, up to where lossTotal
 * crosses lossZero for good; there the share of the loss says little.
 */
export function untrustedRange(evals: readonly EvalRow[]): { from: number; to: number } | null {
  const bad = evals.map((row) => (lossRatio(row) ?? 0) >= 1);
  const last = bad.lastIndexOf(true);
  if (last < 0) return null;
  const row = evals[last]!;
  const next = evals[last + 1];
  const after = next && lossRatio(next);
  // The crossing, linear in step and in the logarithm of the ratio, as the eye reads it off the chart.
  const excess = Math.log(lossRatio(row)!);
  const to = next && after ? row.step + ((next.step - row.step) * excess) / (excess - Math.log(after)) : row.step;
  return { from: evals[0]!.step, to };
}

/** percentEquiv over steps with its error band and the paper's line; `train` only tells which steps the axis covers. */
export function percentChart(train: readonly TrainRow[], evals: readonly EvalRow[], samples: string): string {
  const points = evals.map((row) => ({ x: row.step, y: row.percentEquiv }));
  const band = evals.map((row) => {
    const complete = isFiniteNumber(row.percentEquiv) && isFiniteNumber(row.percentEquivStdErr);
    const [value, error] = complete ? [row.percentEquiv!, row.percentEquivStdErr!] : [null, 0];
    return { x: row.step, low: value === null ? null : value - error, high: value === null ? null : value + error };
  });
  const untrusted = untrustedRange(evals);
  const caveat =
    untrusted === null
      ? ""
      : untrusted.to > untrusted.from
        ? " Where lossTotal is not yet below lossZero (shaded), the share says little."
        : " lossTotal is not yet below lossZero, so the share says little so far.";
  const hasBand = band.some((point) => point.low !== null);
  const hover = thinEvenly(evals, HOVERED).map((row) => ({
    x: row.step,
    title: heading(row.step, row.seconds),
    lines: [
      { key: "percent", name: "percentEquiv", text: percentText(row) },
      { key: "loss-total", name: "lossTotal / lossZero", text: formatRatio(lossRatio(row)) },
    ],
  }));
  const spec: ChartSpec = {
    id: "percent",
    description: "percentEquiv, the share of the held-out loss due to symmetry not learned, over training steps.",
    yLabel: "percentEquiv (% of lossTotal)",
    yTickLabel: (value) => `${value >= 1e-3 ? value : value.toExponential()} %`,
    series: [{ key: "percent", label: "percentEquiv", points, marker: "circle" }],
    bands: hasBand ? [{ key: "percent", label: "± 1 standard error", points: band }] : [],
    rules: [{ key: "paper", label: "2 %, the paper's mark", short: "2 %", y: PAPER_PERCENT }],
    shade: untrusted ? { ...untrusted, label: "no better than predicting zero" } : undefined,
    hover,
    plotHeight: 310,
    // One per cent stays in view, so that the paper's line never lies on the axis.
    yInclude: [1],
    xInclude: stepRange(train, evals),
  };
  const caption =
    "Share of the held-out lossTotal that is rotation symmetry not learned, on a logarithmic axis. " +
    (hasBand ? `The band is one standard error of the ratio, over ${samples}, to either side. ` : "") +
    "The dashed line marks the 2 % that arXiv 2512.02303 reports its models to reach." +
    caveat +
    leftOut(countUndrawable(points));
  return figure(spec, caption, "No evaluation has been recorded yet.");
}
