import { requireArray, requireObject } from "../check.ts";
import { chainDrawings, type ChainTrace } from "./chainDrawing.ts";
import { formatCount } from "./format.ts";
import { type HeadlineFigure, headlineHtml } from "./headline.ts";
import { histogram, type HistogramSpec } from "./histogram.ts";
import { definitionList, escapeHtml, scrollTable } from "./html.ts";
import { htmlPage, section, SELF_CONTAINED } from "./page.ts";

/** A histogram and what it tells. */
export interface SamplesHistogram extends HistogramSpec {
  readonly title: string;
  readonly caption: string;
}

/** What the page of sampled chains is made from. */
export interface SamplesPageInput {
  readonly title: string;
  readonly figures: readonly HeadlineFigure[];
  readonly sampled: readonly ChainTrace[];
  /** Some to compare them with, and what these are called. */
  readonly others: readonly ChainTrace[];
  readonly othersName: string;
  /** Rows of a table, the first of names. */
  readonly table: readonly (readonly string[])[];
  readonly histograms: readonly SamplesHistogram[];
  /** Names and values of what it was made with. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

/** More would only make the page large. */
const DRAWN = 24;
const OTHERS_DRAWN = 4;

const LEAD =
  "Chains of C-alpha atoms that a flow-matching model made of noise. It was not told what a protein looks like: how " +
  "far neighbours are apart, how tightly chains fold and whether they have helices and strands is what it learned.";

/**
 * Sampled chains as one HTML file that needs nothing else: drawings, and their geometry beside that of others, in a
 * table and as histograms. A pure function of its input.
 */
export function renderSamples(input: SamplesPageInput): string {
  requireObject("input", input, "Give { title, sampled, others, othersName, table, histograms, facts }.");
  requireArray("sampled", input.sampled, "Give the chains' traces.");
  const { title, figures, sampled, others, othersName, table, histograms, facts } = input;
  const [head = [], ...rows] = table;
  const left = sampled.length - DRAWN;
  const more = left > 0 ? `<p class="muted">and ${formatCount(left)} more</p>` : "";
  return htmlPage({
    title,
    style: STYLE,
    header: `<p class="eyebrow">voxtwirl sample</p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(LEAD)}</p>
${figures.length > 0 ? headlineHtml(figures) : ""}`,
    body: [
      section("Chains", legend() + chainDrawings(sampled.slice(0, DRAWN)) + more),
      section(`To compare: ${othersName}`, chainDrawings(others.slice(0, OTHERS_DRAWN))),
      section(
        "Geometry",
        scrollTable(
          "geometry",
          head,
          rows.map((row) => row.map(escapeHtml)),
        ),
      ),
      ...histograms.map(({ title: name, caption, ...spec }) =>
        section(name, `<figure>${histogram(spec)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`),
      ),
      section("How it was made", definitionList(facts.map(([name, value]) => [name, value]))),
    ].join("\n"),
    footer: SELF_CONTAINED,
  });
}

function legend(): string {
  const kinds = [
    ["helix", "helix"],
    ["strand", "strand"],
    ["wrong", "helix of the wrong hand"],
    ["", "neither"],
  ] as const;
  const items = kinds.map(([key, name]) => `<li><i class="${key}"></i>${name}</li>`);
  return `<ul class="kinds">${items.join("")}</ul>`;
}

const STYLE = `
.traces{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem;margin-top:.8rem}
.traces svg{display:block;width:100%;background:var(--panel);border:1px solid var(--line);border-radius:8px}
.traces figcaption{margin-top:.3rem;text-align:center}
.traces path{fill:none;stroke:var(--zero);stroke-width:2.4;stroke-linecap:round}
.traces .under{stroke:var(--panel);stroke-width:5;stroke-linecap:butt}
.traces .helix{stroke:var(--total)}.traces .strand{stroke:var(--mean)}.traces .wrong{stroke:var(--paper)}
.traces circle{fill:var(--zero)}
.kinds{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:0;padding:0;list-style:none;font-size:.86rem}
.kinds li{display:flex;align-items:center;gap:.45rem}
.kinds i{width:1.4rem;height:.25rem;border-radius:2px;background:var(--zero);print-color-adjust:exact;
 -webkit-print-color-adjust:exact}
.kinds .helix{background:var(--total)}.kinds .strand{background:var(--mean)}.kinds .wrong{background:var(--paper)}
.histogram .sampled .line{stroke:var(--total)}.histogram .others .line{stroke:var(--mean);stroke-dasharray:6 4}
td:first-child,th:first-child{text-align:left;white-space:pre}
@media screen and (max-width:44rem){.traces{grid-template-columns:repeat(2,1fr)}}
`;
