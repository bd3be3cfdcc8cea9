import { squaredError } from "../equivariance/losses.ts";
import { takenAway, takenAwayStdErr } from "../frames/frameGains.ts";
/** Tables of measured frames. */
import type { FrameMeasurement } from "../frames/frameMeasurement.ts";
import type { FrameTermDetails } from "../frames/termDetails.ts";
import type { FrameGain, FrameTermResult } from "../frames/termResult.ts";
import { dotPlot, type DotRow } from "./dotPlot.ts";
import { formatCount, formatLoss, formatPercent, formatPercentError, MISSING } from "./format.ts";
import { partName, type ChartedTerm } from "./frameCharts.ts";
import { escapeHtml, scrollTable } from "./html.ts";
import { lossWithError } from "./numbers.ts";

type Named = readonly [name: string, term: FrameTermResult];

const table = (label: string, head: readonly string[], rows: readonly (readonly string[])[]): string =>
  scrollTable(
    label,
    head,
    rows.map((row) => row.map(escapeHtml)),
  );

/** A little more than all, in percent, so that the last label has room. */
const AXIS = 102;

/** Names on axes. */
const short = (name: string): string => (name.length > 22 ? `${name.slice(0, 21)}…` : name);

/** Shares of terms with their intervals, as a picture; none where nothing has a label. */
export function shareFigure(terms: readonly Named[], loss: string): string {
  const known = terms.filter(([, { percentEquiv }]) => Number.isFinite(percentEquiv));
  if (known.length === 0) return "";
  const ends = known.flatMap(([, { percentEquiv, percentEquivInterval }]) => [
    percentEquiv,
    percentEquivInterval?.[1] ?? percentEquiv,
  ]);
  const most = Math.min(AXIS, 1.05 * Math.max(1e-6, ...ends));
  const plot = dotPlot({
    description: "Share of the loss that is lost symmetry, by term, with 95 % intervals.",
    panels: [
      {
        ...{ name: "percentEquiv, % of lossTotal", width: 1, range: [0, most] },
        series: [{ key: "percent", label: "share that is lost symmetry, 95 % interval", marker: "circle" }],
        format: (value) => `${formatPercent(value)} %`,
        tickLabel: (value) => `${Number(value.toPrecision(6))} %`,
      },
    ],
    rows: known.map(([name, { percentEquiv, percentEquivInterval }]): DotRow => ({
      label: short(name),
      values: [[{ value: percentEquiv, interval: percentEquivInterval }]],
    })),
  });
  return `<figure>${plot}<figcaption>${escapeHtml(sharesOf(loss))}</figcaption></figure>`;
}

function sharesOf(loss: string): string {
  const parts =
    loss === squaredError.name
      ? "lossTotal is the squared error of predictions for rotated copies, turned back. It is lossMean, the error of " +
        "their mean over rotations, and lossEquiv, how far they spread about it: of a symmetric program zero. "
      : `lossTotal is the loss (${loss}) of predictions for rotated copies, turned back, and lossMean that of their ` +
        "mean over rotations. lossEquiv is the gap between the two: of a symmetric program zero. ";
  return `${parts}percentEquiv is 100 lossEquiv / lossTotal. Errors and intervals are over structures.`;
}

/** Losses, and their roots. */
export function termTables(terms: readonly Named[], loss: string): string {
  const losses = terms.map(([name, term]) => [
    name,
    lossWithError(term.lossTotal, term.lossTotalStdErr),
    lossWithError(term.lossMean, term.lossMeanStdErr),
    lossWithError(term.lossEquiv, term.lossEquivStdErr),
    Number.isFinite(term.percentEquiv)
      ? `${formatPercentError(term.percentEquiv, term.percentEquivStdErr)} %`
      : MISSING,
    term.percentEquivInterval ? `${term.percentEquivInterval.map(formatPercent).join(" to ")} %` : MISSING,
  ]);
  const sizes = terms.map(([name, term]) => [
    name,
    ...[term.rmse, term.rmseMean, term.spreadRms, term.spreadMax, term.signalRms].map(formatLoss),
    term.unit ?? "the file's",
    formatCount(term.structures),
  ]);
  const head = ["term", "lossTotal", "lossMean", "lossEquiv", "percentEquiv", "95 % interval"];
  return (
    table("losses of terms", head, losses) +
    `<p class="caption">${escapeHtml(unitOf(loss))}, ± one standard error.</p>` +
    table(
      "sizes of terms",
      ["term", "rmse", "rmseMean", "spreadRms", "spreadMax", "signalRms", "unit", "structures"],
      sizes,
    ) +
    `<p class="caption">Roots of the squared error and of its parts in the term's own unit; spreadMax is the largest ` +
    `distance of a number, a vector or a tensor from its mean over rotations, signalRms the size of what is ` +
    `predicted.</p>`
  );
}

function unitOf(loss: string): string {
  return loss === squaredError.name ? "Losses in the square of the term's unit" : `Losses as ${loss} gives them`;
}

/** Below what a spread says nothing, and why. */
export function floorTable(terms: readonly Named[]): string {
  const rows = terms.map(([name, { floor, spreadRms }]) => [
    name,
    formatLoss(spreadRms),
    formatLoss(floor.value),
    FLOORS[floor.from],
    ...[floor.digits, floor.type, floor.repeats, floor.jitter].map(formatLoss),
    String(floor.bits),
  ]);
  const head = ["term", "spreadRms", "floor", "from", "digits", "type", "repeats", "jitter", "bits"];
  return (
    table("floors of terms", head, rows) +
    `<p class="caption">The floor is what something else than lost symmetry explains: the digits that predictions ` +
    `are written with, the type of their numbers, the same frame twice (repeats), the last digits of positions ` +
    `(jitter). The largest counts, or a tolerance that was given.</p>`
  );
}

const FLOORS: Readonly<Record<FrameTermResult["floor"]["from"], string>> = {
  digits: "digits",
  type: "type",
  repeats: "repeats",
  jitter: "jitter",
  tolerance: "tolerance given",
};

/** The structures that spread most. */
export function worstTable(name: string, term: FrameTermResult, { worst }: FrameTermDetails): string {
  const rows = worst.map((one) => [
    `${one.frame}`,
    one.formula,
    formatCount(one.atoms),
    formatCount(one.copies),
    formatLoss(one.spreadRms),
    formatLoss(one.rmse),
  ]);
  const unit = term.unit === null ? "" : `, ${term.unit}`;
  const head = ["frame", "formula", "atoms", "predictions", `spread${unit}`, `rmse${unit}`];
  const caption =
    "The structures whose predictions spread most, all numbers together; a single one may be farther from its mean " +
    "in another structure.";
  return `${table(`worst structures of ${name}`, head, rows)}<p class="caption">${escapeHtml(caption)}</p>`;
}

/** The parts of the squared spread as numbers. */
export function partsTable({ name, term: { byDegree, byParity } }: ChartedTerm): string {
  const parts = [...(byDegree.length > 1 ? byDegree : []), ...(byParity ?? [])];
  if (parts.length === 0) return "";
  const rows = parts.map((part) => [
    partName(part),
    lossWithError(part.loss, part.lossStdErr),
    `${formatPercent(part.percent)} %`,
  ]);
  return table(`parts of the squared spread of ${name}`, ["part", "squared", "of all"], rows);
}

/** What averaging gains and costs. */
export function gainTable(terms: readonly Named[]): string {
  const counts = terms[0]![1].gains.map(({ count }) => `K = ${count}`);
  const rows = terms.flatMap(([name, { gains, labelled, unit }]) => {
    const row = (what: string, cell: (gain: FrameGain) => string) => [name, what, ...gains.map(cell)];
    const units = unit === null ? "" : `, ${unit}`;
    const shares = (gain: FrameGain) => formatPercentError(takenAway(gain), takenAwayStdErr(gain));
    return [
      ...(labelled ? [row("taken away, %", shares), row(`rmse left${units}`, ({ rmse }) => formatLoss(rmse))] : []),
      row(`spread left${units}`, ({ spreadRms }) => formatLoss(spreadRms)),
    ];
  });
  const work = ["all", "work", ...terms[0]![1].gains.map(({ cost }) => `${formatCount(cost)} times`)];
  return table("gains of averaging", ["term", "what", ...counts], [work, ...rows]);
}

/** How often each thing was wrong. */
export function faultRows({ faults }: Pick<FrameMeasurement, "faults">): [string, string][] {
  return Object.entries(faults).map(([kind, count]) => [`faults, ${kind}`, formatCount(count)]);
}
