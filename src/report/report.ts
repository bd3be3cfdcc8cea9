import { requireArray, requireObject } from "../check.ts";
import { lossChart, percentChart } from "./charts.ts";
import {
  formatCount,
  formatDuration,
  formatLoss,
  formatPercent,
  formatPercentError,
  formatStepTime,
  MISSING,
} from "./format.ts";
import { type HeadlineFigure, headlineHtml } from "./headline.ts";
import { definitionList, escapeHtml, flattenConfig, scrollTable } from "./html.ts";
import { htmlPage, section, SELF_CONTAINED } from "./page.ts";
import { SCRIPT } from "./script.ts";
import { sliceFigure } from "./slices.ts";
import { formatRatio, isMeaningless, leastMean, lossRatio, percentText, reduciblePercent } from "./table.ts";
import { type EvalRow, isFiniteNumber, type MetricRow, type ReportInput, rowsOf } from "./types.ts";

export type { EvalRow, MetricRow, ReportInput, ReportTable, SliceInput, TrainRow } from "./types.ts";

const explanation = (samples: string): string =>
  `lossTotal is the squared error on held-out ${samples}, averaged over rotations: each input is rotated, the net's ` +
  "prediction rotated back and compared with the target. It splits in two: lossMean is the error that stays when the " +
  "rotated-back predictions of one input are averaged, and lossEquiv is how far they scatter about that average, " +
  "which is zero for a net that treats every orientation alike. percentEquiv, 100 × lossEquiv / lossTotal, is thus " +
  "the share of the loss that is rotation symmetry not learned; it means something once lossTotal is below lossZero, " +
  "the loss of predicting zero everywhere, for a net that predicts nothing is perfectly symmetric too.";

/** Escaped text with the names of the terms set apart. */
function emphasiseTerms(text: string): string {
  return escapeHtml(text).replace(/\b(loss(Total|Mean|Equiv|Zero)|percentEquiv)\b/g, "<b>$1</b>");
}

function headline(evals: readonly EvalRow[], metrics: readonly MetricRow[]): HeadlineFigure[] {
  const first = evals[0];
  const last = evals.at(-1);
  const percent = formatPercentError(last?.percentEquiv, last?.percentEquivStdErr);
  const [value, error] = percent.split(" ± ");
  const ratio = last ? lossRatio(last) : null;
  const lastStep = metrics.reduce((max, row) => (Number.isFinite(row.step) ? Math.max(max, row.step) : max), 0);
  const seconds = metrics.reduce((max, row) => (isFiniteNumber(row.seconds) ? Math.max(max, row.seconds) : max), -1);
  const start = first && `; was ${formatPercent(first.percentEquiv)}\u00a0% at step ${formatCount(first.step)}`;
  const perStep = formatStepTime((1000 * seconds) / lastStep);
  return [
    {
      name: "percentEquiv, held out",
      value: value!,
      small: value === MISSING ? undefined : error ? `± ${error} %` : "%",
      more: `symmetry not learned${first !== last ? start : ""}`,
    },
    {
      name: "lossTotal / lossZero",
      value: formatRatio(ratio),
      more: ratio === null ? "" : `${ratio < 1 ? "below 1: better" : "not yet better"} than predicting zero`,
    },
    {
      name: "steps",
      value: formatCount(lastStep),
      more: evals.length === 1 ? "1 evaluation" : `${formatCount(evals.length)} evaluations`,
    },
    {
      name: "time",
      value: formatDuration(seconds),
      more: perStep === MISSING ? "" : `${perStep} a step with evaluations`,
    },
  ];
}

const EVAL_COLUMNS: readonly [string, (row: EvalRow) => string][] = [
  ["step", (row) => formatCount(row.step)],
  ["time", (row) => formatDuration(row.seconds)],
  ["lossTotal", (row) => formatLoss(row.lossTotal)],
  ["lossMean", (row) => formatLoss(row.lossMean)],
  ["lossEquiv", (row) => formatLoss(row.lossEquiv)],
  ["lossZero", (row) => formatLoss(row.lossZero)],
  ["total / zero", (row) => formatRatio(lossRatio(row))],
  ["percentEquiv", (row) => (isMeaningless(row) ? `(${percentText(row)})` : percentText(row))],
];

type TaskFigure = "percentEquivExact" | "forceMae" | "energyMae" | "percentEquivEnergy" | "lossWiener";

/** Those of some tasks, shown where rows have them; `least` is the lowest lossMean of all rows. */
const TASK_COLUMNS: readonly [TaskFigure, string, (value: number, row: EvalRow, least: number) => string][] = [
  ["percentEquivExact", "exact", (value) => `${formatPercent(value)} %`],
  ["forceMae", "force MAE, meV/A", formatLoss],
  ["energyMae", "energy MAE, meV", formatLoss],
  ["percentEquivEnergy", "energy's share", (value) => `${formatPercent(value)} %`],
  ["lossWiener", "total / Wiener", (value, row) => formatRatio((row.lossTotal ?? NaN) / value)],
  ["lossWiener", "of reducible, at most", (_, row, least) => `${formatPercent(reduciblePercent(row, least))} %`],
];

const REDUCIBLE =
  "Wiener is the loss of the best linear filter, which is exactly equivariant. Part of the loss no net can take " +
  "away, and that part is at most the lowest lossMean above: of the rest, what is lost symmetry is between " +
  "percentEquiv and the last column.";

function evalTable(evals: readonly EvalRow[], lossPer: string, samples: string): string {
  if (evals.length === 0) return `<p class="empty">No evaluation has been recorded yet.</p>`;
  const more = TASK_COLUMNS.filter(([key]) => evals.some((row) => row[key] !== undefined));
  const least = leastMean(evals);
  const head = [...EVAL_COLUMNS.map(([name]) => name), ...more.map(([, name]) => name)];
  const rows = evals.map((row) => [
    ...EVAL_COLUMNS.map(([, text]) => escapeHtml(text(row))),
    ...more.map(([key, , text]) => {
      const value = row[key];
      return isFiniteNumber(value) ? text(value, row, least) : MISSING;
    }),
  ]);
  return (
    scrollTable("evaluations", head, rows) +
    `<p class="caption">Losses per ${escapeHtml(lossPer)}; percentEquiv ± one standard error over ${samples}, in ` +
    `brackets where the net does no better than predicting zero and the share means nothing.` +
    `${evals.some(({ lossWiener }) => lossWiener !== undefined) ? ` ${REDUCIBLE}` : ""}</p>`
  );
}

/**
 * A run's report as one HTML file that needs nothing else: headline figures, curves, slices of a held-out molecule, the
 * table of evaluations, configuration and adapter. Works from disk, without script, in light and dark, and in print.
 * Rows may be few, unordered or hold null; every text is escaped. A pure function of its input: no date, no randomness.
 * @throws VoxtwirlError "bad-shape" when a slice's array does not have grid * grid * channels values
 */
export function renderReport(input: ReportInput): string {
  requireObject("input", input, "Give { title, config, adapter, metrics }.");
  requireArray("metrics", input.metrics, "Give the rows of a run, as train tells them.");
  const evals = rowsOf(input.metrics, "eval");
  const train = rowsOf(input.metrics, "train");
  const { lossPer = "voxel and channel", subject = "A voxel denoiser", samples = "molecules" } = input;
  const lead = `${subject} in training, and which share of its held-out loss is rotation symmetry not learned.`;
  const notes = (input.notes ?? []).map((note) => `<li>${escapeHtml(note)}</li>`);
  const sections = [
    section("Symmetry not learned", percentChart(train, evals, samples)),
    section("Loss", lossChart(train, evals, { per: lossPer, trained: input.otherLoss !== true, samples })),
    section("What the terms mean", `<p>${emphasiseTerms(explanation(samples))}</p>`),
    input.slices ? section("One held-out molecule", sliceFigure(input.slices)) : "",
    ...(input.tables ?? []).map(({ title, head, rows, caption }) =>
      section(
        title,
        scrollTable(
          title.toLowerCase(),
          head.map(escapeHtml),
          rows.map((row) => row.map(escapeHtml)),
        ) + `<p class="caption">${escapeHtml(caption)}</p>`,
      ),
    ),
    section("Evaluations", evalTable(evals, lossPer, samples)),
    section("Configuration", definitionList(flattenConfig(input.config))),
    section("Adapter", definitionList(Object.entries(input.adapter))),
  ];
  return htmlPage({
    title: input.title,
    script: SCRIPT,
    images: true,
    header: `<p class="eyebrow">voxtwirl</p>
<h1>${escapeHtml(input.title)}</h1>
<p class="lead">${escapeHtml(lead)}</p>
${headlineHtml(headline(evals, input.metrics))}
${notes.length > 0 ? `<ul class="notes">${notes.join("")}</ul>` : ""}`,
    body: sections.filter(Boolean).join("\n"),
    footer: SELF_CONTAINED,
  });
}
