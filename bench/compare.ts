// What changed from one record to another beyond the noise, in words.
import { columns } from "../src/report/columns.ts";
import { formatMilliseconds } from "../src/report/quantities.ts";
import type { ComparedCase, Comparison, Verdict } from "./comparison.ts";

const ORDER: readonly Verdict[] = ["slower", "faster", "drift", "open", "none", "few"];
const WORDS: Readonly<Record<Verdict, string>> = {
  slower: "SLOWER",
  faster: "faster",
  none: "no change",
  drift: "drifts: no telling",
  few: "too few samples",
  open: "not enough kept: no telling",
};

const HEAD = ["case", "time", "A", "B", "change", "99 % interval", ""];
/** Columns of words. */
const TEXT = [0, 1, HEAD.length - 1];

/**
 * The comparison as people read it.
 *
 * @param a the name of the first record; `b` of the second
 */
export function comparisonLines(a: string, b: string, comparison: Comparison): string[] {
  const { cases, warnings, onlyInA, onlyInB, failed, level, threshold, regressions } = comparison;
  const sorted = [...cases].sort((x, y) => ORDER.indexOf(x.verdict) - ORDER.indexOf(y.verdict));
  const rows = sorted.map(({ name, a, b, ratio, low, high, verdict, time }) => [
    name,
    time,
    formatMilliseconds(a.median),
    formatMilliseconds(b.median),
    percent(ratio),
    verdict === "few" || !Number.isFinite(high) ? "" : `${percent(low)} to ${percent(high)}`,
    WORDS[verdict],
  ]);
  const counts = ORDER.map((verdict) => [cases.filter((c) => c.verdict === verdict).length, WORDS[verdict]] as const);
  const tested = cases.filter((c) => c.verdict !== "few").length;
  const byChance = Number((tested * level).toPrecision(2));
  const told = counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words.toLowerCase()}`);
  return [
    `A ${a}: ${comparison.a}`,
    `B ${b}: ${comparison.b}`,
    ...warnings.map((warning) => `warning: ${warning}`),
    "",
    ...(rows.length > 0 ? columns([HEAD, ...rows], (i) => TEXT.includes(i)) : []),
    ...list("only in A", onlyInA),
    ...list("only in B", onlyInB),
    ...list("failed", failed),
    "",
    rows.length > 0 ? `${told.join(", ")}.` : "No benchmark is in both records.",
    `A change is told where the Mann-Whitney test gives p < ${level} and the interval of the ratio ` +
      `of medians leaves out`,
    `0 %; of ${tested} comparisons without any change at most ${byChance} are expected to be told for one by chance.`,
    ...missingSamples(cases),
    "Samples of one run do not show how much whole runs differ: where a change matters, run both again.",
    ...(regressions.length > 0 ? [`Slower by more than ${threshold} %: ${regressions.join(", ")}.`] : []),
  ];
}

/** What cannot be said where a record has aggregates in place of samples. */
function missingSamples(cases: readonly ComparedCase[]): string[] {
  const partial = cases.filter(({ a, b }) => !a.complete || !b.complete);
  if (partial.length === 0) return [];
  const unordered = partial.some(({ a, b }) => a.halves === undefined || b.halves === undefined);
  return [
    `Samples of ${partial.length} ${partial.length === 1 ? "case" : "cases"} were not kept: there a change is told ` +
      `only where it shows whatever they were${unordered ? ", and drifts may be hidden" : ""}.`,
  ];
}

const list = (heading: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : ["", `${heading}:`, ...names.map((name) => `  ${name}`)];

/** The change that a ratio is, with its sign: "+3.1 %", "-12.0 %". */
function percent(ratio: number): string {
  const change = 100 * (ratio - 1);
  return `${change < 0 ? "" : "+"}${change.toFixed(1)} %`;
}
