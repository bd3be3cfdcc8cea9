import { landscape } from "../analysis/landscape.ts";
import { decomposeSums } from "../equivariance/estimators.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatCount } from "../report/format.ts";
import { SO3 } from "./arms.ts";
import type {
  Curve,
  Experiment,
  ExperimentChart,
  ExperimentTable,
  Figures,
  ModelContext,
  ModelReader,
  Outcome,
  Verdict,
} from "./experiment.ts";
import { figure } from "./figure.ts";
import { gradientCost, withTerms } from "./modelTerms.ts";
import {
  intervalFigures,
  intervalText,
  overSteps,
  pairsAt,
  stepsOf,
  stepsTable,
  undecided,
  valuesAt,
} from "./outcome.ts";
import { type Estimate, ratio } from "./statistics.ts";

const SIZE = { samples: 4, rotations: 12 };
const TERMS = ["mean", "equiv"] as const;
/** Of lambda_max / lambda_k, the condition measure. */
const K = 5;
/** The spectrum is told as how many eigenvalues are at least these fractions of lambda_max. */
const FRACTIONS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/** Lanczos steps of the first probe, and of the other one. */
const HESSIAN = { products: 16, probes: 2, lambdas: [K], fractions: FRACTIONS, density: { steps: 10 } };
const GAUSS_NEWTON = { matrix: "gaussNewton", products: 8, probes: 2, lambdas: [] } as const;
/** Of two gradients each: the probes' steps, and those that check the largest eigenvalue. */
const PRODUCTS = TERMS.length * (16 + 10 + 2 + (8 + 1 + 1));

/** @param steps and the last one */
function modelsAt(steps: readonly number[]): ModelReader {
  return {
    at: (kept) => kept.filter((step) => steps.includes(step) || step === kept.at(-1)),
    cost: (config) => 2 * PRODUCTS * gradientCost(config, SIZE),
    read,
  };
}

function remarksOf(samples: string): string[] {
  return [
    `Of ${SIZE.samples} held-out ${samples} under ${SIZE.rotations} rotations, by ${HESSIAN.products} steps of ` +
      `Lanczos and ${HESSIAN.probes} probes for trace and spectrum. A net with more weights than it needs has no ` +
      `finite condition number: lambda_max / lambda_${K} is of the leading directions alone.`,
    "Gauss-Newton's matrix is the Hessian without the part in which predictions bend: that of L_mean is of the " +
      "averaged prediction (bias), that of L_equiv of how fast predictions part (variance).",
    "A small term of the loss is a flat one: lambda_max over the term itself is shown beside it, and is not judged.",
  ];
}

export const landscapeExperiment: Experiment = {
  name: "landscape",
  question: "Is the symmetry's part of the loss the smoother and better conditioned one?",
  claim: "L_equiv has the smoother, better-conditioned landscape than L_mean (arXiv 2512.02303).",
  rule:
    "Judged at the last step by lambda_max of L_equiv's Hessian over that of L_mean's (smoother), and by their " +
    `lambda_max / lambda_${K} (better conditioned), paired by seed: geometric means with 95 % t intervals. Holds ` +
    "when both intervals end below 1, does not hold when one of them begins above 1, otherwise not decided, as with " +
    "fewer than three seeds or 1,000 steps.",
  remarks: remarksOf("molecules"),
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3],
  others: {
    // Until step 1,000 or so it predicts nearly nothing.
    forces: { preset: "forces-tiny", steps: 2000, models: modelsAt([1500]) },
    flow: { preset: "flow-tiny", steps: 1000, remarks: remarksOf("chains, at all times") },
  },
  models: modelsAt([100, 300, 1000]),
  verdict,
  charts: (outcome) => [
    {
      title: "Largest curvature",
      yLabel: "lambda_max",
      caption: "The largest eigenvalue of each term's Hessian, and of its Gauss-Newton matrix, which may cover it.",
      curves: (["lambdaMax", "gaussNewtonMax"] as const).flatMap((name) =>
        TERMS.map((term) => {
          const label = `L_${term}${name === "lambdaMax" ? "" : ", Gauss-Newton"}`;
          return overSteps(outcome, SO3.name, `${name}.${term}`, label);
        }),
      ),
    },
    chart(
      outcome,
      "condition",
      "Condition of the leading directions",
      `lambda_max / lambda_${K}`,
      "How unlike the leading curvatures are: 1 where they are all the same.",
    ),
    chart(outcome, "trace", "Trace", "trace", "Hutchinson's estimate of the sum of all eigenvalues."),
    spectrumChart(outcome),
  ],
  tables: (outcome) => [
    ratiosTable(outcome),
    ...TERMS.map((term) =>
      stepsTable(
        outcome,
        `L_${term}`,
        Object.entries(LABELS).map(([name, label]) => ({ arm: SO3.name, figure: `${name}.${term}`, label })),
        "Means over seeds ± one standard error.",
      ),
    ),
  ],
};

const LABELS = {
  lambdaMax: "lambda_max",
  lambdaMin: "lambda_min",
  condition: `lambda_max / lambda_${K}`,
  trace: "trace",
  traceOverMax: "trace / lambda_max",
  negativeShare: "negative share",
  lambdaMaxOverLoss: "lambda_max / loss",
  gaussNewtonMax: "lambda_max, Gauss-Newton",
  gaussNewtonTrace: "trace, Gauss-Newton",
} as const;

function chart(outcome: Outcome, name: keyof typeof LABELS, title: string, yLabel: string, caption: string) {
  const curves = TERMS.map((term) => overSteps(outcome, SO3.name, `${name}.${term}`, `L_${term}`));
  return { title, yLabel, caption, curves };
}

const countName = (fraction: number) => `from${fraction}` as const;

function spectrumChart(outcome: Outcome): ExperimentChart {
  const last = stepsOf(outcome).at(-1)!;
  const curves = TERMS.map((term): Curve => {
    const points = FRACTIONS.map((x) => ({ x, values: valuesAt(outcome, SO3.name, last, `${countName(x)}.${term}`) }));
    return { label: `L_${term}`, points: points.filter(({ values }) => values.length > 0) };
  });
  return {
    title: "Spectrum",
    yLabel: "eigenvalues from there on",
    xLabel: "fraction of lambda_max",
    xScale: "log",
    caption:
      `Step ${formatCount(last)}: how many eigenvalues are at least a fraction of the largest, by stochastic Lanczos ` +
      "quadrature. More of them: more directions that are as steep.",
    curves,
  };
}

/** L_equiv's figures over those of L_mean along training. */
function ratiosTable(outcome: Outcome): ExperimentTable {
  const names = ["lambdaMax", "condition", "trace", "lambdaMaxOverLoss", "gaussNewtonMax"] as const;
  const rows = stepsOf(outcome).map((step) => [
    formatCount(step),
    ...names.map((name) => intervalText(over(outcome, name, step))),
  ]);
  return {
    title: "L_equiv over L_mean",
    columns: ["step", ...names.map((name) => LABELS[name])],
    rows,
    caption: "Geometric means over seeds, paired, with 95 % intervals: below 1 L_equiv's is the smaller one.",
  };
}

async function read(context: ModelContext): Promise<Figures> {
  const { signal } = context;
  return withTerms(context, SIZE, async (terms) => {
    const found = await landscape(terms, { terms: TERMS, signal, ...HESSIAN });
    const flat = found.interrupted ? found : await landscape(terms, { terms: TERMS, signal, ...GAUSS_NEWTON });
    if (flat.interrupted) throw new VoxtwirlError("aborted", "the products were stopped", "Start again.");
    const { lossMean, lossEquiv } = decomposeSums(await terms.sums(terms.weights), terms.sampling);
    const losses = { mean: lossMean, equiv: lossEquiv };
    const entries = TERMS.flatMap((term) => {
      const { lambdaMax, lambdaMin, lambdas, counts, ...others } = found[term]!;
      const figures: Record<string, readonly [value: number, stdErr: number]> = {
        lambdaMax: [lambdaMax, NaN],
        lambdaMin: [lambdaMin, NaN],
        condition: [lambdas[0]?.maxOverLambda ?? NaN, NaN],
        trace: [others.trace, others.traceStdErr],
        traceOverMax: [others.traceOverMax, NaN],
        negativeShare: [others.negativeShare, others.negativeShareStdErr],
        lambdaMaxOverLoss: [lambdaMax / losses[term], NaN],
        gaussNewtonMax: [flat[term]!.lambdaMax, NaN],
        gaussNewtonTrace: [flat[term]!.trace, flat[term]!.traceStdErr],
        ...Object.fromEntries(counts!.map(({ fraction, count, stdErr }) => [countName(fraction), [count, stdErr]])),
      };
      return Object.entries(figures).map(([name, [value, stdErr]]) => {
        return [`${name}.${term}`, figure(value, stdErr)] as const;
      });
    });
    return Object.fromEntries(entries);
  });
}

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const [smooth, conditioned] = [over(outcome, "lambdaMax", last), over(outcome, "condition", last)];
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

/** A figure of L_equiv over that of L_mean. */
function over(outcome: Outcome, name: keyof typeof LABELS, step: number): Estimate {
  return ratio(...pairsAt(outcome, step, [SO3.name, `${name}.equiv`], [SO3.name, `${name}.mean`]));
}
