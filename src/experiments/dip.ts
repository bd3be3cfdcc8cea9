import { formatCount } from "../report/format.ts";
import { HALF_WIDTH, SO3 } from "./arms.ts";
import type { Experiment, OtherTask, Outcome, Verdict } from "./experiment.ts";
import {
  intervalFigures,
  intervalText,
  overSteps,
  percentChart,
  percentTable,
  stepsOf,
  undecided,
  valuesAt,
} from "./outcome.ts";
import { estimate, ratio } from "./statistics.ts";

/** In percent, and where: arXiv 2512.02303. */
const PAPER = { percent: 2, from: 1000, to: 10_000 };

/**
 * What is said and judged where a net does clearly better than predicting zero.
 *
 * @param below what of lossZero lossTotal is to be below
 */
function judgedBelow(below: { readonly share: number; readonly text: string }): Pick<Experiment, "rule" | "verdict"> {
  return {
    rule:
      "Holds when in each width there is a step up to 10,000 at which the 95 % t interval over seeds of percentEquiv " +
      `ends at or below 2 %, lossTotal being below ${below.text}. Does not hold when the runs reach 10,000 steps and ` +
      "in one width the interval begins above 2 % at all such steps from 1,000 on. Otherwise not decided, as with " +
      "fewer than three seeds or 1,000 steps.",
    verdict: (outcome) => undecided(outcome, PAPER.from) ?? verdict(outcome, below.share),
  };
}

const REMARKS = [
  "The share may rise again when L_mean goes on falling faster than L_equiv: reaching 2 % is what is judged.",
  "Every evaluation is looked at and the lowest one told, without a correction for having many to choose from.",
  "The rates are the logarithmic falls of L_equiv and L_mean from the first evaluation after step 0 to step 1,000, " +
    "or the last one before; above 1 the symmetry is learned faster.",
];

/** Force fields fall to nearly no forces first, with hardly a share to speak of. */
const FORCES: OtherTask = {
  ...{ preset: "forces-tiny", steps: 2000 },
  ...judgedBelow({ share: 1 / 2, text: "half of lossZero" }),
  remarks: [
    ...REMARKS,
    "A force field first falls to nearly no forces, where lossTotal is just below lossZero and there is hardly a " +
      "symmetry to lose: steps count from half of lossZero on. The rates are of that plateau too.",
  ],
};

export const dip: Experiment = {
  name: "dip",
  question: "How fast does the share of the loss that is symmetry not learned fall in ordinary training?",
  claim: "Within 1,000 to 10,000 training steps the share falls to 2 % or less (arXiv 2512.02303).",
  ...judgedBelow({ share: 1, text: "lossZero" }),
  remarks: REMARKS,
  preset: "tiny",
  steps: 1500,
  seeds: 3,
  arms: [SO3, HALF_WIDTH],
  others: { forces: FORCES },
  charts: (outcome, lossPer) => [
    percentChart(outcome, { y: PAPER.percent, label: "2 %, the claim", short: "2 %" }),
    {
      title: "The two terms of the loss",
      yLabel: `squared error per ${lossPer}`,
      caption: "lossEquiv beside lossMean: which falls faster.",
      curves: outcome.arms.flatMap(({ name }) => [
        overSteps(outcome, name, "lossMean", `lossMean, ${name}`),
        overSteps(outcome, name, "lossEquiv", `lossEquiv, ${name}`),
      ]),
    },
  ],
  tables: (outcome) => [percentTable(outcome), ratesTable(outcome)],
};

function verdict(outcome: Outcome, share: number): Verdict {
  const arms = outcome.arms.map(({ name }) => ({ name, ...reached(outcome, name, share) }));
  const figures = Object.assign(
    {},
    ...arms.map(({ name, best, first }) => ({
      ...intervalFigures(`${name}: smallest percentEquiv`, best),
      [`${name}: first step at 2 %`]: first ?? null,
      [`${name}: rate of L_equiv over L_mean`]: rate(outcome, name)?.mean ?? null,
    })),
  ) as Verdict["figures"];
  const said = arms.map(({ name, best, at, first }) => {
    const lowest = `at best ${intervalText(best)} % at step ${formatCount(at)}`;
    return `${name}: ${first === undefined ? "" : `first at or below 2 % at step ${formatCount(first)}, `}${lowest}`;
  });
  const reason = `${said.join("; ")}.`;
  if (arms.every(({ first }) => first !== undefined)) return { verdict: "holds", reason, figures };
  if (outcome.steps >= PAPER.to && arms.some(({ above }) => above)) {
    return { verdict: "does not hold", reason, figures };
  }
  return { verdict: "not decided", reason, figures };
}

/** Where an arm's interval first ends at or below the paper's share, and where it is lowest. */
function reached(outcome: Outcome, arm: string, share: number) {
  const steps = stepsOf(outcome).filter((step) => step <= PAPER.to);
  const places = steps
    .map((at) => ({ at, percent: estimate(valuesAt(outcome, arm, at, "percentEquiv")) }))
    .filter(({ at, percent }) => percent.seeds > 0 && isBelowZero(outcome, arm, at, share));
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

/** Whether every seed does better than predicting zero: a net that predicts nothing is perfectly symmetric. */
function isBelowZero(outcome: Outcome, arm: string, step: number, share: number): boolean {
  const [total, zero] = ["lossTotal", "lossZero"].map((figure) => valuesAt(outcome, arm, step, figure));
  return total!.every((value, i) => value < share * zero![i]!);
}

/** By how many times faster L_equiv falls than L_mean, on logarithmic scales. */
function rate(outcome: Outcome, arm: string) {
  const steps = stepsOf(outcome).filter((step) => step > 0 && step <= PAPER.from);
  const [first, last] = [steps[0], steps.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const fall = (figure: string) => {
    const [from, to] = [first, last].map((step) => valuesAt(outcome, arm, step, figure));
    return from!.map((value, i) => Math.log(value / to![i]!));
  };
  const [equiv, mean] = [fall("lossEquiv"), fall("lossMean")];
  return mean.every((value) => value > 0) && equiv.every((value) => value > 0) ? ratio(equiv, mean) : undefined;
}

function ratesTable(outcome: Outcome) {
  const rows = outcome.arms.map(({ name }) => {
    const found = rate(outcome, name);
    return [name, found ? intervalText(found) : "–"];
  });
  const columns = ["arm", "rate of L_equiv / rate of L_mean"];
  return { title: "Rates", columns, rows, caption: "Geometric mean over seeds with its 95 % interval." };
}
