import { VoxtwirlError } from "../errors.ts";
import { TWIRL_COUNTS } from "../equivariance/twirlGain.ts";
import { formatCount } from "../report/format.ts";
import { formatSignificant } from "../report/quantities.ts";
import { SO3 } from "./arms.ts";
import type { Timings } from "./costs.ts";
import type { Curve, Experiment, Figures, ModelContext, Outcome, Verdict } from "./experiment.ts";
import { intervalFigures, intervalText, meanText, pairsAt, stepsOf, undecided, valuesAt } from "./outcome.ts";
import { estimate, ratio } from "./statistics.ts";

const COUNTS = TWIRL_COUNTS.filter((count) => count > 1);
/** The ends of the range: gains of those between follow from the same share. */
const JUDGED = [2, 24];
/** An interval wider than this says too little. */
const FACTOR = 2;

export const twirling: Experiment = {
  name: "twirling",
  question: "How much does averaging over rotations at test time help, and is that known beforehand?",
  claim:
    "Averaging K rotated predictions takes away p (1 - 1/K) of the loss, p being the share that is symmetry not " +
    "learned; p M (K - 1) / (K (M - 1)) for K different ones of M rotations (arXiv 2512.02303).",
  rule:
    "Judged at the last step by the measured gain over the gain that other molecules predict, for K = 2 and 24: a " +
    `geometric mean over seeds with its 95 % t interval. Holds when both intervals have 1 in them and lie within a ` +
    `factor of ${FACTOR}, does not hold when one leaves 1 out, otherwise not decided, as with fewer than three seeds ` +
    "or 1,000 steps.",
  remarks: ["On the same molecules the two would be equal by algebra: one half predicts what the other shows."],
  preset: "tiny",
  steps: 1500,
  seeds: 3,
  arms: [SO3],
  others: { forces: { preset: "forces-tiny", steps: 2000 } },
  costs: true,
  models: {
    at: (kept) => kept.filter((step) => step >= 300 || step === kept.at(-1)),
    // Forward passes; a training step is three of each sample.
    cost: ({ heldout, batch }) => (24 * heldout) / (3 * batch),
    read,
  },
  verdict,
  charts: (outcome) => {
    const last = stepsOf(outcome).at(-1)!;
    return [
      {
        title: "Gain of averaging K predictions",
        yLabel: "% of lossTotal taken away",
        xLabel: "K, rotations averaged",
        caption: `Step ${formatCount(last)}: measured on one half of the held-out molecules, predicted from the other.`,
        curves: [byCount(outcome, last, "gain", "measured"), byCount(outcome, last, "predicted", "predicted")],
      },
      {
        title: "Gain of each forward pass more",
        yLabel: "% of lossTotal a pass",
        xLabel: "K, rotations averaged",
        caption: "The measured gain over K - 1, the forward passes that it takes more than one prediction does.",
        curves: [byCount(outcome, last, "gainPerPass", "gain / (K - 1)")],
      },
    ];
  },
  tables: (outcome, timings) => [
    {
      title: "Gains by K",
      columns: ["step", "K", "measured, %", "predicted, %", "measured / predicted", "gain a pass, %", "% a second"],
      rows: stepsOf(outcome).flatMap((step) =>
        COUNTS.map((count) => [
          formatCount(step),
          String(count),
          ...["gain", "predicted"].map((name) =>
            meanText(estimate(valuesAt(outcome, SO3.name, step, `${name}${count}`))),
          ),
          intervalText(over(outcome, step, count)),
          ...[1, timings?.seconds[SO3.name]?.prediction].map((seconds) => {
            if (seconds === undefined) return "–";
            const gains = valuesAt(outcome, SO3.name, step, `gainPerPass${count}`);
            return meanText(estimate(gains.map((gain) => gain / seconds)));
          }),
        ]),
      ),
      caption:
        "Means over seeds ± one standard error; the ratio with its 95 % interval. A pass more is one more prediction " +
        `of a molecule: ${passText(timings)}.`,
    },
  ],
};

function passText(timings: Timings | undefined): string {
  const seconds = timings?.seconds[SO3.name]?.prediction;
  if (seconds === undefined) return "it was not timed";
  return `${formatSignificant(1000 * seconds)} ms on ${timings!.adapter}`;
}

async function read({ gpu, task, model, heldout, seed, signal }: ModelContext): Promise<Figures> {
  const { precision } = model.config.training;
  const options = { group: "octahedral", rotations: 24, interpolation: "catmullRom" } as const;
  const measurer = await task.measure(gpu, { model, data: heldout, seed, precision, ...options });
  try {
    for (let i = 0; i < heldout.count; i++) {
      if (signal?.aborted) throw new VoxtwirlError("aborted", "the measurement was stopped", "Start it again.");
      await measurer.add(i);
    }
    const result = measurer.result();
    if (result.kind !== "decomposition") return {};
    const gains = result.gains.flatMap((gain): [string, Figures[string]][] => {
      const { count, percentGain, percentGainStdErr, percentPredicted, percentPredictedStdErr } = gain;
      if (count === 1) return [];
      const passes = count - 1;
      return [
        [`gain${count}`, { value: percentGain, stdErr: percentGainStdErr }],
        [`predicted${count}`, { value: percentPredicted, stdErr: percentPredictedStdErr }],
        [`gainPerPass${count}`, { value: percentGain / passes, stdErr: percentGainStdErr / passes }],
      ];
    });
    return Object.fromEntries(gains);
  } finally {
    measurer.destroy();
  }
}

function byCount(outcome: Outcome, step: number, name: string, label: string): Curve {
  const points = COUNTS.map((x) => ({ x, values: valuesAt(outcome, SO3.name, step, `${name}${x}`) }));
  return { label, points: points.filter(({ values }) => values.length > 0) };
}

function over(outcome: Outcome, step: number, count: number) {
  return ratio(...pairsAt(outcome, step, [SO3.name, `gain${count}`], [SO3.name, `predicted${count}`]));
}

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const found = JUDGED.map((count) => ({ count, over: over(outcome, last, count) }));
  const figures = Object.assign(
    {},
    ...found.map(({ count, over: one }) => intervalFigures(`K = ${count}: measured / predicted`, one)),
  ) as Verdict["figures"];
  const said = found.map(({ count, over: one }) => `${intervalText(one)} for K = ${count}`).join(", ");
  const reason = `Measured over predicted gain at step ${formatCount(last)}: ${said}.`;
  const hasOne = found.every(({ over: one }) => one.low <= 1 && one.high >= 1);
  const isNarrow = found.every(({ over: one }) => one.low >= 1 / FACTOR && one.high <= FACTOR);
  const isOut = found.some(({ over: one }) => one.low > 1 || one.high < 1);
  return { verdict: hasOne && isNarrow ? "holds" : isOut ? "does not hold" : "not decided", reason, figures };
}
