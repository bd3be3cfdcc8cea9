import { isBuiltin } from "../molecules/builtinNames.ts";
import { type ChartBand, type ChartSeries, hasDrawable, renderChart } from "../report/chart.ts";
import { formatCount } from "../report/format.ts";
import { definitionList, escapeHtml, flattenConfig } from "../report/html.ts";
import { htmlPage, section, SELF_CONTAINED } from "../report/page.ts";
import type { Marker } from "../report/paths.ts";
import { formatSignificant } from "../report/quantities.ts";
import { SCRIPT } from "../report/script.ts";
import { taskOfPreset } from "../tasks/list.ts";
import type { Timings } from "./costs.ts";
import type { Curve, Experiment, ExperimentChart, ExperimentTable, Verdict } from "./experiment.ts";
import { meanText } from "./outcome.ts";
import { type ExperimentResults, outcomeOf } from "./results.ts";
import { estimate } from "./statistics.ts";

const COLOURS = ["total", "mean", "equiv", "paper", "warn", "zero"];
const MARKERS: readonly Marker[] = ["circle", "square", "diamond", "triangle"];

const STYLE = `
${COLOURS.map(
  (colour, i) =>
    `.arm-${i} .line{stroke:var(--${colour})}.arm-${i} .markers{fill:var(--${colour})}` +
    `.band.arm-${i}{fill:var(--${colour});fill-opacity:.16}.tip .arm-${i} i{background:var(--${colour})}`,
).join("\n")}
.dashed .line{stroke-dasharray:6 4}
.verdict{margin:1.6rem 0 0;padding:1rem 1.2rem;border:1px solid var(--line);border-left:4px solid var(--zero);
 border-radius:8px;background:var(--panel)}
.verdict strong{display:block;font-size:1.35rem;font-weight:650;letter-spacing:-.01em}
.verdict.holds{border-left-color:var(--equiv)}.verdict.not{border-left-color:var(--mean)}
td:first-child,th:first-child{text-align:left}
`;

/** An experiment's page: a pure function of what its results.json and its timings.json hold. */
export function experimentReport(experiment: Experiment, results: ExperimentResults, timings?: Timings): string {
  const outcome = outcomeOf(results);
  const { lossPer } = taskOfPreset(results.preset);
  const charts = experiment
    .charts(outcome, lossPer)
    .map((chart, i) => section(chart.title, figure(chart, `chart-${i}`)));
  const tables = experiment.tables(outcome, timings).map((table) => section(table.title, tableHtml(table)));
  const { question, claim, rule, remarks = [] } = experiment;
  const title = `voxtwirl experiment, ${experiment.name}`;
  const paragraphs = [`Claim: ${claim}`, `Rule: ${rule}`, ...remarks].map((text) => `<p>${escapeHtml(text)}</p>`);
  return htmlPage({
    title,
    script: SCRIPT,
    style: STYLE,
    header: `<p class="eyebrow">voxtwirl experiment</p>
<h1>${escapeHtml(experiment.name)}</h1>
<p class="lead">${escapeHtml(question)}</p>
${verdictHtml(results.verdict)}`,
    body: [
      section("What is claimed, and how it is judged", paragraphs.join("")),
      ...charts,
      ...tables,
      section("The figures that decide", decidingFigures(results.verdict)),
      section("Runs", tableHtml(runsTable(results))),
      section("How it was made", definitionList(madeOf(results))),
    ].join("\n"),
    footer: SELF_CONTAINED,
  });
}

const CLASSES = { holds: "holds", "does not hold": "not", "not decided": "open" } as const;

function verdictHtml({ verdict, reason }: Verdict): string {
  const said = verdict[0]!.toUpperCase() + verdict.slice(1);
  return `<div class="verdict ${CLASSES[verdict]}"><strong>${said}</strong>${escapeHtml(reason)}</div>`;
}

/** A figure with its interval, where it has one. */
function decidingFigures({ figures }: Verdict): string {
  const isEnd = (name: string) => /, (low|high)$/.test(name);
  const rows = Object.entries(figures).filter(([name]) => !isEnd(name));
  return definitionList(
    rows.map(([name, value]) => {
      const [low, high] = [figures[`${name}, low`], figures[`${name}, high`]];
      const interval = low === undefined || high === undefined ? "" : ` (${numberText(low)} to ${numberText(high)})`;
      return [name, `${numberText(value)}${interval}`];
    }),
  );
}

/** Steps and seeds as they are. */
const numberText = (value: number | null): string =>
  Number.isInteger(value) ? formatCount(value) : formatSignificant(value);

function figure(
  { title, yLabel, xLabel, xScale = "linear", caption, curves, mark }: ExperimentChart,
  id: string,
): string {
  const drawn = curves.map((curve, i) => drawCurve(curve, i));
  const spec = {
    id,
    description: `${title}. ${caption}`,
    yLabel,
    ...(xLabel !== undefined && { xAxis: { name: xLabel, scale: xScale, tickLabel: numberText } }),
    series: drawn.map(({ series }) => series),
    bands: drawn.flatMap(({ band }) => band ?? []),
    rules: mark ? [{ key: "paper", ...mark }] : [],
    hover: hovers(curves, xLabel),
    plotHeight: 310,
  };
  if (!hasDrawable(spec)) return `<p class="empty">There is nothing above zero to draw.</p>`;
  const bands = spec.bands.length > 0 ? " Bands are one standard error over seeds to either side of the mean." : "";
  const text = escapeHtml(caption + bands).replaceAll(" %", "\u00a0%");
  return `<figure>${renderChart(spec)}<figcaption>${text}</figcaption></figure>`;
}

const keyOf = (i: number): string => `arm-${i % COLOURS.length}`;

function drawCurve({ label, points }: Curve, i: number): { series: ChartSeries; band: ChartBand | undefined } {
  const key = `${keyOf(i)}${i % 2 === 1 ? " dashed" : ""}`;
  const found = points.map(({ x, values }) => ({ x, ...estimate(values) }));
  const series = {
    ...{ key, label, marker: MARKERS[i % MARKERS.length]! },
    points: found.map(({ x, mean }) => ({ x, y: mean })),
  };
  if (!found.some(({ stdErr }) => Number.isFinite(stdErr))) return { series, band: undefined };
  const edges = found.map(({ x, mean, stdErr }) => ({ x, low: mean - stdErr, high: mean + stdErr }));
  return { series, band: { key: keyOf(i), points: edges } };
}

function hovers(curves: readonly Curve[], xLabel: string | undefined) {
  const places = [...new Set(curves.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  return places.map((x) => ({
    x,
    title: xLabel === undefined ? `step ${formatCount(x)}` : `${xLabel.split(",")[0]!} = ${x}`,
    lines: curves.flatMap(({ label, points }, i) => {
      const point = points.find((one) => one.x === x);
      return point ? [{ key: keyOf(i), name: label, text: meanText(estimate(point.values)) }] : [];
    }),
  }));
}

function tableHtml({ title, columns, rows, caption }: ExperimentTable): string {
  const head = columns.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`).join("");
  return (
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table><thead><tr>${head}</tr>` +
    `</thead><tbody>${body}</tbody></table></div><p class="caption">${escapeHtml(caption)}</p>`
  );
}

function runsTable({ runs }: ExperimentResults): ExperimentTable {
  const rows = runs.map(({ arm, seed, name, readings }) => {
    const last = readings.at(-1)?.figures.percentEquiv?.value;
    return [arm, String(seed), formatSignificant(last), `runs/${name}`];
  });
  const columns = ["arm", "seed", "percentEquiv", "folder"];
  return { title: "Runs", columns, rows, caption: "percentEquiv of the last evaluation." };
}

function madeOf(results: ExperimentResults): [string, string][] {
  const { version, preset, data, adapters, steps, seeds, arms } = results;
  const isAcross = arms.some((arm) => arm.data !== undefined);
  const made: [string, string][] = [
    ["adapter", adapters.join("; ")],
    ["steps", formatCount(steps)],
    ["seeds", seeds.join(", ")],
  ];
  if (isAcross) return [["version", version], ...made, ...arms.flatMap(wholeArm)];
  const { takes } = taskOfPreset(preset);
  const first = flattenConfig(arms[0]!.training as Record<string, unknown>);
  return [
    ["version", version],
    ["preset", preset],
    [`${takes}s`, sourceText(data)],
    [`SHA-256 of the ${takes}s`, data.sha256],
    ...made,
    ...arms.slice(1).map(({ name, training }): [string, string] => {
      const own = flattenConfig(training as Record<string, unknown>);
      const other = own.filter(([key, value]) => first.find(([name]) => name === key)?.[1] !== value);
      return [`arm ${name}`, other.map(([key, value]) => `${key} ${value}`).join(", ") || `fewer ${takes}s`];
    }),
    ...first.map(([key, value]): [string, string] => [`${arms[0]!.name}: ${key}`, value]),
  ];
}

const sourceText = ({ source }: ExperimentResults["data"]): string => (isBuiltin(source) ? "the built-in set" : source);

/** An arm with a preset and data of its own: beside others of another task there is nothing that they share. */
function wholeArm({ name, training, data }: ExperimentResults["arms"][number]): [string, string][] {
  const config = flattenConfig(training as Record<string, unknown>).map(([key, value]) => `${key} ${value}`);
  return [
    [`${name}: data`, `${sourceText(data!)}, SHA-256 ${data!.sha256}`],
    [`${name}: configuration`, config.join(", ")],
  ];
}
