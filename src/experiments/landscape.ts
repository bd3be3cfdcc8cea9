import { landscape } from "../analysis/landscape.ts";
import { decomposeSums } from "../equivariance/estimators.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatCount } from "../report/format.ts";
import { SO3 } from "./arms.ts";
import type { Experiment, Figures, ModelContext, Outcome, Verdict } from "./experiment.ts";
import { gradientCost, withTerms } from "./modelTerms.ts";
import { intervalFigures, intervalText, overSteps, pairsAt, stepsOf, stepsTable, undecided } from "./outcome.ts";
import { ratio } from "./statistics.ts";

const SIZE = { samples: 4, rotations: 12 };
const TERMS = ["mean", "equiv"] as const;
const PRODUCTS = 20;
const PROBES = 4;
/** Of lambda_max / lambda_k, the condition measure. */
const K = 5;
/** Two gradients each; two products more check the largest eigenvalue. */
const GRADIENTS = TERMS.length * 2 * (PRODUCTS + PROBES - 1 + 2);
const STEPS = [100, 300, 1000];

export const landscapeExperiment: Experiment = {
  name: "landscape",
  question: "Is the symmetry's part of the loss the smoother and better conditioned one?",
  claim: "L_equiv has the smoother, better-conditioned landscape than L_mean (arXiv 2512.02303).",
  rule:
    "Judged at the last step by lambda_max of L_equiv's Hessian over that of L_mean's (smoother), and by their " +
    `lambda_max / lambda_${K} (better conditioned), paired by seed: geometric means with 95 % t intervals. Holds ` +
    "when both intervals end below 1, does not hold when one of them begins above 1, otherwise not decided, as with " +
    "fewer than three seeds or 1,000 steps.",
  remarks: [
    `Of ${SIZE.samples} held-out molecules under ${SIZE.rotations} rotations, by ${PRODUCTS} steps of Lanczos and ` +
      `${PROBES} probes for the trace. A net with more weights than it needs has no finite condition number: ` +
      `lambda_max / lambda_${K} is of the leading directions alone.`,
    "A small term of the loss is a flat one: lambda_max over the term itself is shown beside it, and is not judged.",
  ],
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3],
  models: {
    at: (kept) => kept.filter((step) => STEPS.includes(step) || step === kept.at(-1)),
    cost: (config) => GRADIENTS * gradientCost(config, SIZE),
    read,
  },
  verdict,
  charts: (outcome) => [
    chart(outcome, "lambdaMax", "Largest curvature", "lambda_max", "The largest eigenvalue of each term's Hessian."),
    chart(
      outcome,
      "condition",
      "Condition of the leading directions",
      `lambda_max / lambda_${K}`,
      "How unlike the leading curvatures are: 1 where they are all the same.",
    ),
    chart(outcome, "trace", "Trace", "trace", "Hutchinson's estimate of the sum of all eigenvalues."),
  ],
  tables: (outcome) =>
    TERMS.map((term) =>
      stepsTable(
        outcome,
        `L_${term}`,
        Object.entries(LABELS).map(([name, label]) => ({ arm: SO3.name, figure: `${name}.${term}`, label })),
        "Means over seeds ± one standard error.",
      ),
    ),
};

const LABELS = {
  lambdaMax: "lambda_max",
  lambdaMin: "lambda_min",
  condition: `lambda_max / lambda_${K}`,
  trace: "trace",
  traceOverMax: "trace / lambda_max",
  lambdaMaxOverLoss: "lambda_max / loss",
} as const;

function chart(outcome: Outcome, name: keyof typeof LABELS, title: string, yLabel: string, caption: string) {
  const curves = TERMS.map((term) => overSteps(outcome, SO3.name, `${name}.${term}`, `L_${term}`));
  return { title, yLabel, caption, curves };
}

async function read(context: ModelContext): Promise<Figures> {
  const { signal } = context;
  return withTerms(context, SIZE, async (terms) => {
    const options = { terms: TERMS, products: PRODUCTS, probes: PROBES, lambdas: [K], signal };
    const found = await landscape(terms, options);
    if (found.interrupted) throw new VoxtwirlError("aborted", "the products were stopped", "Start again.");
    const { lossMean, lossEquiv } = decomposeSums(await terms.sums(terms.weights), terms.sampling);
    const losses = { mean: lossMean, equiv: lossEquiv };
    const entries = TERMS.flatMap((term) => {
      const { lambdaMax, lambdaMin, lambdas, ...others } = found[term]!;
      const figures = {
        lambdaMax: [lambdaMax, NaN],
        lambdaMin: [lambdaMin, NaN],
        condition: [lambdas[0]?.maxOverLambda ?? NaN, NaN],
        trace: [others.trace, others.traceStdErr],
        traceOverMax: [others.traceOverMax, NaN],
        lambdaMaxOverLoss: [lambdaMax / losses[term], NaN],
      } as const;
      return Object.entries(figures).map(([name, [value, stdErr]]) => {
        return [`${name}.${term}`, { value: known(value), stdErr: known(stdErr) }] as const;
      });
    });
    return Object.fromEntries(entries);
  });
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const over = (name: string) =>
    ratio(...pairsAt(outcome, last, [SO3.name, `${name}.equiv`], [SO3.name, `${name}.mean`]));
  const [smooth, conditioned] = [over("lambdaMax"), over("condition")];
  const figures = {
    ...intervalFigures("lambda_max, L_equiv / L_mean", smooth),
    ...intervalFigures(`lambda_max / lambda_${K}, L_equiv / L_mean`, conditioned),
  };
  const reason =
    `At step ${formatCount(last)} lambda_max of L_equiv is ${intervalText(smooth)} times that of L_mean, and its ` +
    `lambda_max / lambda_${K} ${intervalText(conditioned)} times.`;
  if (smooth.high < 1 && conditioned.high < 1) return { verdict: "holds", reason, figures };
  const isAbove = smooth.low > 1 || conditioned.low > 1;
  return { verdict: isAbove ? "does not hold" : "not decided", reason, figures };
}
