/** How verdicts and reports look into an outcome. */
import { formatCount } from "../report/format.ts";
import { formatSignificant } from "../report/quantities.ts";
import type { Curve, ExperimentChart, ExperimentTable, Outcome, Verdict } from "./experiment.ts";
import { finite } from "./figure.ts";
import { estimate, type Estimate } from "./statistics.ts";

/** A verdict takes at least so many seeds. */
export const LEAST_SEEDS = 3;

/** The values of a figure for each seed that has one, in the order of seeds. */
export function valuesAt(outcome: Outcome, arm: string, step: number, figure: string): number[] {
  return [...bySeed(outcome, arm, step, figure).values()];
}

/** Values of two arms, or of two figures, of the seeds that have both. */
export function pairsAt(
  outcome: Outcome,
  step: number,
  a: readonly [arm: string, figure: string],
  b: readonly [arm: string, figure: string],
): [number[], number[]] {
  return pairsAcross(outcome, [...a, step], [...b, step]);
}

/** The same of two steps. */
export function pairsAcross(
  outcome: Outcome,
  a: readonly [arm: string, figure: string, step: number],
  b: readonly [arm: string, figure: string, step: number],
): [number[], number[]] {
  const [first, second] = [a, b].map(([arm, figure, step]) => bySeed(outcome, arm, step, figure)) as [
    Map<number, number>,
    Map<number, number>,
  ];
  const seeds = [...first.keys()].filter((seed) => second.has(seed));
  return [seeds.map((seed) => first.get(seed)!), seeds.map((seed) => second.get(seed)!)];
}

function bySeed(outcome: Outcome, arm: string, step: number, figure: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const { seed, readings } of outcome.arms.find(({ name }) => name === arm)?.runs ?? []) {
    const value = readings.find((reading) => reading.step === step)?.figures[figure]?.value;
    if (typeof value === "number" && Number.isFinite(value)) found.set(seed, value);
  }
  return found;
}

/** The steps at which something was read, of all arms, in order. */
export function stepsOf(outcome: Outcome): number[] {
  const all = outcome.arms.flatMap(({ runs }) => runs.flatMap(({ readings }) => readings.map(({ step }) => step)));
  return [...new Set(all)].sort((a, b) => a - b);
}

/**
 * Why nothing can be decided, whatever the numbers: too few seeds or steps, or an arm that was left out.
 *
 * @param needed names of the arms that the verdict speaks of
 */
export function undecided(outcome: Outcome, leastSteps: number, needed: readonly string[] = []): Verdict | undefined {
  const seeds = Math.min(...outcome.arms.map(({ runs }) => runs.length));
  const figures = { seeds, steps: outcome.steps };
  if (seeds < LEAST_SEEDS) {
    const were = seeds === 1 ? "There is one seed" : `There are ${seeds} seeds`;
    return { verdict: "not decided", reason: `${were}; it takes ${LEAST_SEEDS}.`, figures };
  }
  const missing = needed.find((name) => !outcome.arms.some((arm) => arm.name === name));
  if (missing !== undefined) {
    return { verdict: "not decided", reason: `The arm "${missing}" was not run; the verdict speaks of it.`, figures };
  }
  if (outcome.steps >= leastSteps) return undefined;
  const reason =
    `The runs have ${formatCount(outcome.steps)} steps; the claim speaks of ${formatCount(leastSteps)} ` +
    "and more of them.";
  return { verdict: "not decided", reason, figures };
}

/** A figure of an arm over the steps at which it was read. */
export function overSteps(outcome: Outcome, arm: string, figure: string, label = arm): Curve {
  const points = stepsOf(outcome).map((x) => ({ x, values: valuesAt(outcome, arm, x, figure) }));
  return { label, points: points.filter(({ values }) => values.length > 0) };
}

/** The share that is symmetry not learned, a curve for each arm; `mark` is the paper's 2 % by default. */
export function percentChart(
  outcome: Outcome,
  mark: NonNullable<ExperimentChart["mark"]> = { y: 2, label: "2 %", short: "2 %" },
): ExperimentChart {
  return {
    title: "Symmetry not learned",
    yLabel: "percentEquiv (% of lossTotal)",
    caption: "The share of the held-out loss that is rotation symmetry not learned.",
    curves: outcome.arms.map(({ name }) => overSteps(outcome, name, "percentEquiv")),
    mark,
  };
}

/** The same as numbers. */
export function percentTable(outcome: Outcome): ExperimentTable {
  const columns = outcome.arms.map(({ name }) => ({ arm: name, figure: "percentEquiv" }));
  return stepsTable(outcome, "percentEquiv", columns, "Percent of lossTotal.");
}

/** A figure of each arm, or other columns, by steps. */
export function stepsTable(
  outcome: Outcome,
  title: string,
  columns: readonly { readonly arm: string; readonly figure: string; readonly label?: string }[],
  caption: string,
): ExperimentTable {
  const rows = stepsOf(outcome).map((step) => [
    formatCount(step),
    ...columns.map(({ arm, figure }) => meanText(estimate(valuesAt(outcome, arm, step, figure)))),
  ]);
  return { title, columns: ["step", ...columns.map(({ arm, label = arm }) => label)], rows, caption };
}

/** "1.23 ± 0.11", mean and standard error. */
export function meanText({ mean, stdErr }: Estimate): string {
  const value = formatSignificant(mean);
  return Number.isFinite(stdErr) ? `${value} ± ${formatSignificant(stdErr)}` : value;
}

/** "1.23 (1.01 to 1.45)", mean and 95 % interval. */
export function intervalText({ mean, low, high }: Estimate): string {
  return `${formatSignificant(mean)} (${formatSignificant(low)} to ${formatSignificant(high)})`;
}

/** Numbers for a verdict's figures: mean and interval under a name. */
export function intervalFigures(name: string, { mean, low, high }: Estimate): Record<string, number | null> {
  return { [name]: finite(mean), [`${name}, low`]: finite(low), [`${name}, high`]: finite(high) };
}
