// The whole page: for each adapter its latest record, and how the records before led there.
import { formatCount } from "../../src/report/format.ts";
import { definitionList, escapeHtml } from "../../src/report/html.ts";
import { htmlPage, section } from "../../src/report/page.ts";
import { formatSignificant } from "../../src/report/quantities.ts";
import type { BenchRecord } from "../record.ts";
import { historyPanels } from "./history.ts";
import {
  type AdapterRecords,
  type CaseOutcome,
  folded,
  geometricMean,
  groupByAdapter,
  outcomes,
  ownResults,
  partsOf,
  peersOf,
  shortCommit,
} from "./model.ts";
import { ratioChart } from "./ratios.ts";
import { rooflineCharts, withoutArithmetic } from "./roofline.ts";
import { BENCH_STYLE } from "./style.ts";
import { contextPairs, engineTable, ownTable, recordTable, refusalList, workaroundList } from "./tables.ts";

const LEAD =
  "The same work on the same data by voxtwirl and by other engines, interleaved, with results checked against " +
  "references.";

const TABLE_NOTE =
  "Relative error: the largest of an output, by the norm of the reference. p10 to p90: of the time on the GPU " +
  "where it is known. The first run includes compilation.";

const sectionOf = (title: string, body: string): string => (body === "" ? "" : section(title, body));
const caption = (text: string): string => `<p class="caption">${escapeHtml(text)}</p>`;

/**
 * Records as one HTML file that needs nothing else, in light and dark, without script. A pure function of the records:
 * no date of its own, every text escaped.
 */
export function renderPage(records: readonly BenchRecord[]): string {
  const adapters = groupByAdapter(records);
  const count = records.length === 1 ? "One record" : `${formatCount(records.length)} records`;
  const on = adapters.length === 1 ? "one adapter" : `${formatCount(adapters.length)} adapters`;
  const links = adapters.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`);
  return htmlPage({
    title: "voxtwirl bench",
    style: BENCH_STYLE,
    header:
      `<p class="eyebrow">voxtwirl</p>\n<h1>Benchmarks</h1>\n` +
      `<p class="lead">${escapeHtml(LEAD)} ${count} on ${on}.</p>\n` +
      (adapters.length > 1 ? `<nav><ul>${links.join("")}</ul></nav>` : ""),
    body: adapters.map(adapterSection).join("\n"),
    footer: "One self-contained file, made by npm run bench:page from the records in bench/results.",
  });
}

function adapterSection(adapter: AdapterRecords): string {
  const { id, title, latest, records } = adapter;
  const found = outcomes(latest);
  const { context } = latest;
  const parts = [
    headline(latest, found),
    notes(latest),
    sectionOf("Against each peer", ratios(found)),
    sectionOf("Roofline", roofline(latest)),
    sectionOf("History", history(adapter)),
    sectionOf("Our cases", ownTable(latest) + caption(TABLE_NOTE)),
    peersOf(latest).length === 0 ? "" : sectionOf("Wall time of every engine", engineTable(latest, found)),
    sectionOf("What peers would not or could not do, in their words", refusalList(latest)),
    sectionOf("Workarounds that peers were given", workaroundList(latest)),
    sectionOf("How it was measured", definitionList(contextPairs(latest))),
    records.length > 1 ? sectionOf("Records", recordTable(records)) : "",
  ];
  const date = context.date.slice(0, 10);
  return (
    `<section id="${id}"><h2 class="adapter">${escapeHtml(title)}</h2>` +
    `<p class="lead">Latest record: ${escapeHtml(date)}, commit ${escapeHtml(shortCommit(context))}.</p>` +
    `${parts.join("\n")}</section>`
  );
}

function headline(record: BenchRecord, found: readonly CaseOutcome[]): string {
  const own = ownResults(record);
  const wrong = own.filter(({ right }) => right === false).length;
  const checked = own.filter(({ right }) => right !== undefined).length;
  const figure = (name: string, value: string, more: string, unit = ""): string =>
    `<div><dt>${escapeHtml(name)}</dt><dd class="value">${escapeHtml(value)}${unit && ` <small>${unit}</small>`}</dd>` +
    `<dd class="more">${escapeHtml(more)}</dd></div>`;
  const peers = peersOf(record).flatMap((engine) => {
    const ratios = found.flatMap(({ peers: list }) => list.find((peer) => peer.engine === engine)?.ratio ?? []);
    const mean = geometricMean(ratios);
    if (mean === undefined) return [];
    const faster = ratios.filter((ratio) => ratio > 1).length;
    const cases = ratios.length === 1 ? "1 case" : `${formatCount(ratios.length)} cases`;
    const more = `geometric mean of ${cases}; voxtwirl faster in ${formatCount(faster)}`;
    return [figure(`${engine} / ours`, `${formatSignificant(mean)}×`, more)];
  });
  const allRight = checked === own.length ? "all right" : `${formatCount(checked)} checked, all right`;
  const { gbPerSecond, gflops } = record.context.roofline;
  const figures = [
    figure("cases of voxtwirl", formatCount(own.length), wrong > 0 ? `${formatCount(wrong)} WRONG` : allRight),
    figure("large copy", formatSignificant(gbPerSecond), "read and written", "GB/s"),
    figure("multiply-adds", formatSignificant(gflops), "in registers, float32", "GFLOP/s"),
    ...peers,
  ];
  return `<dl class="figures">${figures.join("")}</dl>`;
}

/** What makes a record less worth. */
function notes({ context, results }: BenchRecord): string {
  const unstable = results.filter(({ stable }) => !stable);
  const [load = 0] = context.load_avg;
  const list = [
    context.interrupted ? "The run was stopped before its end." : "",
    load > 0.5
      ? `The machine had other work when the run began (load ${load.toFixed(1)}): times are long and scatter.`
      : "",
    context.dirty ? "The sources differed from the commit." : "",
    unstable.length > 0
      ? `${formatCount(unstable.length)} of ${formatCount(results.length)} results are unstable: ` +
        "halves of their samples differ by more than 5 %, or there are too few."
      : "",
  ].filter(Boolean);
  return list.length === 0
    ? ""
    : `<ul class="notes">${list.map((text) => `<li>${escapeHtml(text)}</li>`).join("")}</ul>`;
}

const KEYS =
  `<ul class="keys"><li><i class="faster"></i>voxtwirl is faster</li>` +
  `<li><i class="slower"></i>the peer is faster</li>` +
  `<li><i class="faster native"></i>fainter: the peer runs on the bare processor, not through WebGPU</li>` +
  `<li><i class="wrong"></i>wrong result: no ratio</li></ul>`;

function ratios(found: readonly CaseOutcome[]): string {
  const compared = found.filter(({ peers }) => peers.some(({ result, refusal }) => result || refusal?.case !== "*"));
  const charts = partsOf(compared, ({ ours }) => ours.suite).map(({ suite, items }) => {
    const chart = ratioChart(items);
    return suite === undefined ? chart : folded(suite, items.length, chart);
  });
  if (charts.length === 0) {
    return `<p class="empty">No peer was measured here: voxtwirl bench --against all --json FILE</p>`;
  }
  const marks = ["Time of the peer over ours, wall time until the result is there, on a logarithmic axis."];
  const results = found.flatMap(({ ours, peers }) => [ours, ...peers.flatMap(({ result }) => result ?? [])]);
  if (results.some(({ stable }) => !stable)) marks.push("~: samples are unstable.");
  if (results.some(({ workarounds }) => workarounds?.length)) marks.push("*: with a workaround, named below.");
  return `<figure>${KEYS}${charts.join("")}<figcaption>${escapeHtml(marks.join(" "))}</figcaption></figure>`;
}

function roofline(record: BenchRecord): string {
  const charts = rooflineCharts(record);
  if (charts === "") return `<p class="empty">No case of this record counts arithmetic and memory.</p>`;
  const without = withoutArithmetic(record).map((result) => result.case);
  const names = without.join(", ");
  const left = names === "" ? "" : ` Not shown, for they count no arithmetic or no memory: ${names}.`;
  const text =
    "FLOPs and bytes as the work needs them, each input read once; ceilings measured in the same run. " +
    `A case above the slope found its data in a cache.${left}`;
  return `<figure>${charts}<figcaption>${escapeHtml(text)}</figcaption></figure>`;
}

function history(adapter: AdapterRecords): string {
  const panels = historyPanels(adapter);
  if (panels === "") return `<p class="empty">A history begins with the second record of this adapter.</p>`;
  const text =
    "Median of each case over the records, oldest at the left, each panel with a logarithmic axis of its own; " +
    "dotted: the first record; hollow: unstable samples.";
  return `<figure>${panels}<figcaption>${escapeHtml(text)}</figcaption></figure>`;
}
