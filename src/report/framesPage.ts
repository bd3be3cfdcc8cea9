import { requireArray, requireObject } from "../check.ts";
import { squaredError } from "../equivariance/losses.ts";
import type { FrameMeasurement } from "../frames/frameMeasurement.ts";
import type { FrameTermResult } from "../frames/termResult.ts";
import type { Verdict } from "../frames/verdict.ts";
import { countOf, formatCount, formatLoss, formatPercent } from "./format.ts";
import { angleChart, nearChart, partsPlot, spreadChart, type ChartedTerm } from "./frameCharts.ts";
import { gainChart } from "./frameGainChart.ts";
import { frameFigure } from "./frameFigure.ts";
import { floorTable, gainTable, partsTable, shareFigure, termTables, worstTable } from "./frameTables.ts";
import { FRAMES_STYLE } from "./framesStyle.ts";
import { type HeadlineFigure, headlineHtml } from "./headline.ts";
import { definitionList, escapeHtml } from "./html.ts";
import { htmlPage, section, SELF_CONTAINED } from "./page.ts";
import { SCRIPT } from "./script.ts";

/** What the page of measured frames is made from. */
export interface FramesPageInput {
  readonly title: string;
  /** With `details`, for charts by structure and the picture. */
  readonly measurement: FrameMeasurement;
  /** By term, a line as the command prints it: "forces: rounding: ...". */
  readonly lines?: Readonly<Record<string, string>>;
  /** Remarks near the top. */
  readonly notes?: readonly string[];
  /** Names and values of what was measured: files, group, unit. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What `frameViewer` resolves to: the picture turns. It stands still without. */
  readonly viewer?: string | undefined;
  /** That of voxtwirl, to cite. */
  readonly version?: string | undefined;
}

const LEAD =
  "What a program predicts for rotated copies of frames, turned back, and how far it depends on the rotation. A " +
  "program that respects the symmetry gives one answer for all of them.";

/**
 * Measured frames as one HTML file that needs nothing else: verdicts and floors, a table of terms with their errors,
 * charts of each term, the structure whose predictions spread farthest, and what averaging gains. Works from disk,
 * without script, in light and dark, and in print. A pure function of its input.
 */
export function renderFrames(input: FramesPageInput): string {
  requireObject("input", input, "Give { title, measurement, facts }.");
  requireObject("measurement", input.measurement, "Give what measureFrames resolves to.");
  requireArray("facts", input.facts, "Give pairs of names and values, or [].");
  const { title, measurement, lines = {}, notes = [], facts, viewer, version } = input;
  const terms = Object.entries(measurement.terms);
  const charted = terms
    .filter(([name]) => name !== "energyPerAtom")
    .map(([name, term], i): ChartedTerm => ({ name, id: `t${i}`, term, details: measurement.details?.[name] }));
  const main = mainTerm(charted);
  const drawn = drawnTerm(charted, main);
  const sections = [
    section("Verdict", verdictList(charted, lines) + advice(measurement.verdicts) + floorTable(terms)),
    section("Terms", shareFigure(terms, measurement.loss) + termTables(terms, measurement.loss)),
    drawn === undefined ? "" : section("The farthest prediction", frameFigure(drawn, viewer !== undefined)),
    section("Charts of each term", charted.map((one) => termPart(one, one === main)).join("")),
    section("What averaging gains", gainText(measurement.loss) + gainTable(terms)),
    section("What was measured", definitionList(facts.map(([name, value]) => [name, value]))),
    section("How to cite", citation(version)),
  ];
  return htmlPage({
    title,
    style: FRAMES_STYLE,
    script: SCRIPT + (viewer ?? ""),
    header: `<p class="eyebrow">voxtwirl measure</p>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(LEAD)}</p>
${headlineHtml(headline(measurement, main))}
${notes.length > 0 ? `<ul class="notes">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>` : ""}`,
    body: sections.filter(Boolean).join("\n"),
    footer: SELF_CONTAINED,
  });
}

/** Forces, or the first that is there. */
function mainTerm(terms: readonly ChartedTerm[]): ChartedTerm {
  return terms.find(({ name }) => name === "forces") ?? terms[0]!;
}

/** The main term, or the first of vectors where that is none. */
function drawnTerm(terms: readonly ChartedTerm[], main: ChartedTerm) {
  const farthest = ({ details }: ChartedTerm) => details?.farthest ?? undefined;
  const one = [main, ...terms].find((term) => (farthest(term)?.vectors ?? null) !== null) ?? main;
  const structure = farthest(one);
  return structure && { name: one.name, unit: one.term.unit, structure };
}

const WORDS: Readonly<Record<Verdict, string>> = {
  rounding: "rounding",
  undecided: "undecided",
  "not-symmetric": "not symmetric",
  "not-deterministic": "not deterministic",
  "not-smooth": "not smooth",
};

const ADVICE: Readonly<Record<Verdict, string>> = {
  rounding: "the spread is below three times the floor: nothing is wrong.",
  undecided: "the spread is near the floor, or the floor is not known: give a tolerance, or frames with repeats.",
  "not-symmetric":
    "by a small share of the loss, the model has not learned all of the symmetry. By a large share it is a bug " +
    "(positions turned but not the cell, stress in another order) or a model without augmentation.",
  "not-deterministic": "look for parallel sums, dropout or random starts before anything else.",
  "not-smooth": "look for cutoffs, neighbour lists with a maximum, edges that are singular along an axis.",
};

const wordsOf = (verdicts: readonly Verdict[]): string => verdicts.map((one) => WORDS[one]).join(", ");

function verdictList(terms: readonly ChartedTerm[], lines: Readonly<Record<string, string>>): string {
  const items = terms.map(({ name, term: { verdicts } }) => {
    const [first] = verdicts;
    const head = `${name}: ${WORDS[first!]}`;
    const line = lines[name] ?? "";
    const rest = line.startsWith(`${head}: `) ? line.slice(head.length + 2) : line;
    return `<li class="${first}"><b>${escapeHtml(head)}</b><br>${unbroken(rest)}</li>`;
  });
  return `<ul class="verdicts">${items.join("")}</ul>`;
}

/** Numbers stay on a line. */
function unbroken(text: string): string {
  return escapeHtml(text).replace(/\d[\d.]*e-\d+/g, (number) => `<span class="n">${number}</span>`);
}

function advice(verdicts: readonly Verdict[]): string {
  const items = verdicts.map((one) => `<li><b>${WORDS[one]}</b>: ${escapeHtml(ADVICE[one])}</li>`);
  return `<ul class="advice muted">${items.join("")}</ul>`;
}

function headline({ structures, copies, verdicts }: FrameMeasurement, { name, term }: ChartedTerm): HeadlineFigure[] {
  const { percentEquiv, percentEquivInterval, spreadRms, floor, unit, labelled, signalRms } = term;
  const interval = percentEquivInterval ? `95 %: ${percentEquivInterval.map(formatPercent).join(" to ")} %; ` : "";
  const times = spreadRms / floor.value;
  const share: HeadlineFigure = labelled
    ? { name: `percentEquiv, ${name}`, value: formatPercent(percentEquiv), small: "%", more: `${interval}of the loss` }
    : {
        ...{ name: `spread / signal, ${name}`, value: formatPercent((100 * spreadRms) / signalRms), small: "%" },
        more: "without labels no share of a loss",
      };
  return [
    { name: `verdict, ${name}`, value: wordsOf(term.verdicts), more: `of all terms: ${wordsOf(verdicts)}` },
    share,
    {
      ...{ name: `spread, ${name}`, value: formatLoss(spreadRms), small: unit ?? undefined },
      more: Number.isFinite(times) && times < 1e5 ? `${formatLoss(times)} times the floor` : "far above the floor",
    },
    { name: "structures", value: formatCount(structures), more: countOf(copies, "prediction") },
  ];
}

function termPart(one: ChartedTerm, open: boolean): string {
  const { name, term, details } = one;
  const parts = [
    ["Spread by structure", spreadChart(one) + (details ? worstTable(name, term, details) : "")],
    ["By the angle of the rotation", angleChart(one)],
    ["Averaging K predictions", gainChart(one)],
    ["By how it turns", partsPlot(one) + partsTable(one)],
    ["Near an axis", nearChart(one)],
  ] as const;
  const shown = parts.flatMap(([title, html]) => (html === "" ? [] : [`<h3>${title}</h3>${html}`]));
  const summary = `${escapeHtml(name)} <span>${escapeHtml(summaryOf(term))}</span>`;
  return `<details class="term"${open ? " open" : ""}><summary>${summary}</summary>${shown.join("")}</details>`;
}

function summaryOf({ verdicts, spreadRms, unit }: FrameTermResult): string {
  const size = `${formatLoss(spreadRms)}${unit === null ? "" : ` ${unit}`}`;
  return `${wordsOf(verdicts)}; spread ${size}`;
}

function gainText(loss: string): string {
  const left =
    loss === squaredError.name
      ? "of the part that is lost symmetry 1/K is left, and the rest of the loss stays"
      : "what it took of the loss is measured, what is left of the squared error is by the formula";
  return (
    `<p>The mean of K predictions under independent rotations, turned back, is nearer to symmetric: ${left}. It ` +
    `takes K predictions in place of one, and no training.</p>`
  );
}

function citation(version: string | undefined): string {
  const link = `<a href="https://arxiv.org/abs/2512.02303">arXiv:2512.02303</a>`;
  return (
    `<ul class="cite"><li>The method: M. W. Shen, E. Nowara, M. Maser and K. Cho, <i>Training Dynamics of Learning ` +
    `3D-Rotational Equivariance</i>, Transactions on Machine Learning Research (2025), ${link}.</li>` +
    `<li>The program: ${escapeHtml(["voxtwirl", version ?? ""].join(" ").trim())}, the voxtwirl authors.</li></ul>`
  );
}
