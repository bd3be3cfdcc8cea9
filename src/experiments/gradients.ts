import { type GradientResult, termGradients } from "../analysis/gradients.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatCount } from "../report/format.ts";
import { FLOOR_REMARK, SO3 } from "./arms.ts";
import type { Experiment, Figures, ModelContext, Outcome, Verdict } from "./experiment.ts";
import { gradientCost, withTerms } from "./modelTerms.ts";
import { intervalFigures, intervalText, overSteps, pairsAcross, stepsOf, stepsTable, undecided } from "./outcome.ts";
import { ratio } from "./statistics.ts";

const SIZE = { samples: 8, rotations: 24 };
/** Parts of the samples for the standard errors. */
const PARTS = 4;

const NORMS_REMARK =
  "The norms of the two terms do not add up: the cosine between them says how far they pull together.";

/**
 * What is said and judged from a step on.
 *
 * @param early before it a net does no better than predicting zero
 * @param least steps that it takes
 */
function judgedFrom(early: number, least: number): Pick<Experiment, "rule" | "verdict"> {
  return {
    rule:
      `Judged by |grad L_equiv| / |grad L| at the last step over that at step ${formatCount(early)}, paired by seed: ` +
      "a geometric mean with its 95 % t interval. Holds when the interval ends below 1, does not hold when it begins " +
      `above 1, otherwise not decided, as with fewer than three seeds or ${formatCount(least)} steps.`,
    verdict: (outcome) => undecided(outcome, least) ?? verdict(outcome, early),
  };
}

export const gradients: Experiment = {
  name: "gradients",
  question: "What part of the gradient comes from symmetry not learned, along training?",
  claim:
    "The gradient decomposes as the loss does, grad L = grad L_mean + grad L_equiv, and as the symmetry is learned " +
    "its part fades (after arXiv 2512.02303).",
  ...judgedFrom(100, 1000),
  remarks: [
    `Of ${SIZE.samples} held-out molecules under all rotations of the cube, at the averaged weights.`,
    NORMS_REMARK,
  ],
  preset: "tiny",
  steps: 1500,
  seeds: 3,
  arms: [SO3],
  others: {
    forces: { preset: "forces-tiny", steps: 3000, ...judgedFrom(1500, 2000) },
    flow: {
      ...{ preset: "flow-tiny", steps: 1000 },
      remarks: [
        "Of held-out chains at all times under all rotations of the cube, at the averaged weights.",
        NORMS_REMARK,
        FLOOR_REMARK,
      ],
    },
  },
  models: {
    at: (kept) => kept.filter((step) => step > 0),
    // Two gradients, and an evaluation of the losses, which is a third of one.
    cost: (config) => (2 + 1 / 3) * gradientCost(config, SIZE),
    read,
  },
  charts: (outcome) => [
    {
      title: "Shares of loss and gradient",
      yLabel: "%",
      caption: "100 |grad L_equiv| / |grad L| beside percentEquiv.",
      curves: [
        overSteps(outcome, SO3.name, "percentGradient", "of the gradient"),
        overSteps(outcome, SO3.name, "percentEquiv", "of the loss"),
      ],
    },
    {
      title: "Norms",
      yLabel: "norm of the gradient",
      caption: "Norms of the gradients of L, L_mean and L_equiv by all weights.",
      curves: (["total", "mean", "equiv"] as const).map((term) => overSteps(outcome, SO3.name, term, LABELS[term])),
    },
  ],
  tables: (outcome) => [
    stepsTable(
      outcome,
      "Along training",
      ["percentEquiv", "percentGradient", "cosine", "total", "mean", "equiv"].map((figure) => {
        return { arm: SO3.name, figure, label: LABELS[figure as keyof typeof LABELS] };
      }),
      "Means over seeds ± one standard error; the cosine is that between grad L_mean and grad L_equiv.",
    ),
  ],
};

const LABELS = {
  percentEquiv: "% of the loss",
  percentGradient: "% of the gradient",
  cosine: "cosine",
  total: "|grad L|",
  mean: "|grad L_mean|",
  equiv: "|grad L_equiv|",
} as const;

async function read(context: ModelContext): Promise<Figures> {
  const { signal } = context;
  const found = await withTerms(context, SIZE, (terms) => termGradients(terms, { parts: PARTS, signal }));
  if (found.interrupted) throw new VoxtwirlError("aborted", "the gradients were stopped", "Start again.");
  return figuresOf(found);
}

function figuresOf(found: GradientResult): Figures {
  const { cosineMeanEquiv, cosineMeanEquivStdErr, percentGradient, percentGradientStdErr } = found;
  const norms = (["total", "mean", "equiv"] as const).map((term) => {
    return [term, { value: found[term].norm, stdErr: found[term].normStdErr }] as const;
  });
  return {
    ...Object.fromEntries(norms),
    cosine: { value: cosineMeanEquiv, stdErr: cosineMeanEquivStdErr },
    percentGradient: { value: percentGradient, stdErr: percentGradientStdErr },
  };
}

function verdict(outcome: Outcome, early: number): Verdict {
  const last = stepsOf(outcome).at(-1)!;
  const share = [SO3.name, "percentGradient"] as const;
  const fallen = ratio(...pairsAcross(outcome, [...share, last], [...share, early]));
  const figures = intervalFigures(`share of the gradient, last / step ${formatCount(early)}`, fallen);
  const reason =
    `At step ${formatCount(last)} |grad L_equiv| / |grad L| is ${intervalText(fallen)} times what it was at step ` +
    `${formatCount(early)}.`;
  if (fallen.high < 1) return { verdict: "holds", reason, figures };
  return { verdict: fallen.low > 1 ? "does not hold" : "not decided", reason, figures };
}
