import { BELOW_PLATEAU, FLOOR_REMARK, HALF_WIDTH, PLATEAU_REMARK, SO3 } from "./arms.ts";
import { PAPER, reached, reachFigures, reachText } from "./arrival.ts";
import type { Experiment, OtherTask, Outcome, Verdict } from "./experiment.ts";
import { intervalText, overSteps, percentChart, percentTable, stepsOf, undecided, valuesAt } from "./outcome.ts";
import { ratio } from "./statistics.ts";

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

const FORCES: OtherTask = {
  ...{ preset: "forces-tiny", steps: 2000 },
  ...judgedBelow({ share: BELOW_PLATEAU, text: "half of lossZero" }),
  remarks: [...REMARKS, `${PLATEAU_REMARK} The rates are of that plateau too.`],
};

const FLOW: OtherTask = {
  ...{ preset: "flow-tiny", steps: 1000 },
  remarks: [...REMARKS, FLOOR_REMARK],
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
  others: { forces: FORCES, flow: FLOW },
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
  const arms = outcome.arms.map(({ name }) => ({
    name,
    reach: reached(outcome, { name, below: share }),
  }));
  const figures = Object.assign(
    {},
    ...arms.map(({ name, reach }) => ({
      ...reachFigures(name, reach),
      [`${name}: rate of L_equiv over L_mean`]: rate(outcome, name)?.mean ?? null,
    })),
  ) as Verdict["figures"];
  const reason = `${arms.map(({ name, reach }) => reachText(name, reach)).join("; ")}.`;
  if (arms.every(({ reach }) => reach.first !== undefined)) return { verdict: "holds", reason, figures };
  if (outcome.steps >= PAPER.to && arms.some(({ reach }) => reach.above)) {
    return { verdict: "does not hold", reason, figures };
  }
  return { verdict: "not decided", reason, figures };
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
