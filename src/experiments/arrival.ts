/** When the share of symmetry not learned comes to what the paper says. */
import { formatCount } from "../report/format.ts";
import type { Outcome, Verdict } from "./experiment.ts";
import { intervalFigures, intervalText, stepsOf, valuesAt } from "./outcome.ts";
import { estimate, type Estimate, ratio } from "./statistics.ts";

/** In percent, and where: arXiv 2512.02303. */
export const PAPER = { percent: 2, from: 1000, to: 10_000 };

/** Where the interval over seeds of an arm's share first ends at or below the paper's, and where it is lowest. */
export interface Reach {
  readonly first: number | undefined;
  /** Whether it begins above at all steps of the paper's range. */
  readonly above: boolean;
  readonly best: Estimate;
  readonly at: number;
}

/** An arm, and below what of lossZero lossTotal has to be for its steps to count. */
export interface Counted {
  readonly name: string;
  readonly below: number;
}

/** Steps count where every seed is so good. */
export function reached(outcome: Outcome, { name: arm, below }: Counted): Reach {
  const steps = stepsOf(outcome).filter((step) => step <= PAPER.to);
  const places = steps
    .map((at) => ({ at, percent: estimate(valuesAt(outcome, arm, at, "percentEquiv")) }))
    .filter(({ at, percent }) => percent.seeds > 0 && isBelowZero(outcome, arm, at, below));
  const first = places.find(({ percent }) => percent.high <= PAPER.percent)?.at;
  const within = places.filter(({ at }) => at >= PAPER.from);
  const above = within.length > 0 && within.every(({ percent }) => percent.low > PAPER.percent);
  const none = { at: NaN, percent: estimate([]) };
  const lowest = places.reduce(
    (least, next) => (next.percent.mean < least.percent.mean ? next : least),
    places[0] ?? none,
  );
  return { first, above, best: lowest.percent, at: lowest.at };
}

/** The same in words. */
export function reachText(arm: string, { best, at, first }: Reach): string {
  const when = first === undefined ? "" : `first at or below 2 % at step ${formatCount(first)}, `;
  return `${arm}: ${when}at best ${intervalText(best)} % at step ${formatCount(at)}`;
}

/** And as numbers of a verdict. */
export function reachFigures(arm: string, { best, first }: Reach): Verdict["figures"] {
  return {
    ...intervalFigures(`${arm}: smallest percentEquiv`, best),
    [`${arm}: first step at 2 %`]: first ?? null,
  };
}

/** Whether every seed does better than predicting zero: a net that predicts nothing is perfectly symmetric. */
function isBelowZero(outcome: Outcome, arm: string, step: number, below: number): boolean {
  const [total, zero] = ["lossTotal", "lossZero"].map((figure) => valuesAt(outcome, arm, step, figure));
  return total!.every((value, i) => value < below * zero![i]!);
}

/**
 * How many times more steps one arm takes than another until a seed's share is at or below the paper's, paired by
 * seed. That is known to lie between two evaluations, and of a seed that never gets there to lie beyond the last one:
 * so there are two bounds.
 */
export function stepsOver(outcome: Outcome, slow: Counted, quick: Counted): { least: Estimate; most: Estimate } {
  const [a, b] = [arrivals(outcome, slow), arrivals(outcome, quick)];
  const seeds = [...a.keys()].filter((seed) => b.has(seed));
  const over = (of: keyof Arrival, by: keyof Arrival) =>
    ratio(
      seeds.map((seed) => a.get(seed)![of]),
      seeds.map((seed) => b.get(seed)![by]),
    );
  return { least: over("after", "by"), most: over("by", "after") };
}

/** A seed's last evaluation before it got there, 0 where the first one finds it there; and that which does. */
interface Arrival {
  readonly after: number;
  readonly by: number;
}

function arrivals(outcome: Outcome, { name, below }: Counted): Map<number, Arrival> {
  const found = new Map<number, Arrival>();
  for (const { seed, readings } of outcome.arms.find((arm) => arm.name === name)?.runs ?? []) {
    const trained = readings.filter(({ step }) => step > 0 && step <= PAPER.to);
    const at = trained.findIndex(({ figures: { percentEquiv, lossTotal, lossZero } }) => {
      const [percent, total, zero] = [percentEquiv, lossTotal, lossZero].map((one) => one?.value ?? NaN);
      return percent! <= PAPER.percent && total! < below * zero!;
    });
    const before = at < 0 ? trained.at(-1) : trained[at - 1];
    found.set(seed, { after: before?.step ?? 0, by: trained[at]?.step ?? Infinity });
  }
  return found;
}
