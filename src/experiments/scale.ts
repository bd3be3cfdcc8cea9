import { formatCount } from "../report/format.ts";
import { HALF_WIDTH, SO3 } from "./arms.ts";
import type { Arm, Experiment, Outcome, Verdict } from "./experiment.ts";
import {
  intervalFigures,
  intervalText,
  overSteps,
  pairsAt,
  percentChart,
  percentTable,
  stepsOf,
  undecided,
} from "./outcome.ts";
import { ratio } from "./statistics.ts";

const HALF_DATA: Arm = { ...SO3, name: "half the data", share: 1 / 2 };
const EIGHTH_DATA: Arm = { ...SO3, name: "an eighth of the data", share: 1 / 8 };
const OTHERS = [HALF_WIDTH, HALF_DATA, EIGHTH_DATA];

/** Robust: within this factor. */
const FACTOR = 2;

export const scale: Experiment = {
  name: "scale",
  question: "Does the share depend on the width of the net and on the number of training molecules?",
  claim: "How fast the symmetry is learned is robust to model and data-set size (arXiv 2512.02303).",
  rule:
    `Judged at the last step by each arm's percentEquiv over that of "${SO3.name}", paired by seed: a geometric mean ` +
    `with its 95 % t interval. Holds when all intervals lie within a factor of ${FACTOR}, does not hold when one ` +
    "lies outside of it as a whole, otherwise not decided, as with fewer than three seeds or 1,000 steps.",
  remarks: ["Arms with fewer molecules hold out the same ones."],
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3, ...OTHERS],
  others: { forces: { preset: "forces-tiny", steps: 2000 } },
  verdict,
  charts: (outcome, lossPer) => [
    percentChart(outcome),
    {
      title: "Held-out loss",
      yLabel: `squared error per ${lossPer}`,
      caption: "lossTotal of the same arms.",
      curves: outcome.arms.map(({ name }) => overSteps(outcome, name, "lossTotal")),
    },
  ],
  tables: (outcome) => [percentTable(outcome)],
};

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000, [SO3.name, ...OTHERS.map(({ name }) => name)]);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const found = OTHERS.map(({ name }) => ({
    name,
    over: ratio(...pairsAt(outcome, last, [name, "percentEquiv"], [SO3.name, "percentEquiv"])),
  }));
  const figures = Object.assign(
    {},
    ...found.map(({ name, over }) => intervalFigures(`${name} / ${SO3.name}`, over)),
  ) as Verdict["figures"];
  const said = found.map(({ name, over }) => `${name} ${intervalText(over)}`).join(", ");
  const reason = `percentEquiv over that of "${SO3.name}" at step ${formatCount(last)}: ${said}.`;
  const isWithin = found.every(({ over }) => over.low >= 1 / FACTOR && over.high <= FACTOR);
  const isOutside = found.some(({ over }) => over.high < 1 / FACTOR || over.low > FACTOR);
  return { verdict: isWithin ? "holds" : isOutside ? "does not hold" : "not decided", reason, figures };
}
