import { OCTAHEDRAL_ORDER } from "../equivariance/octahedral.ts";
import { TWIRL_COUNTS } from "../equivariance/twirlGain.ts";
import { formatCount } from "../report/format.ts";
import { formatSignificant } from "../report/quantities.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { SO3 } from "./arms.ts";
import type { Timings } from "./costs.ts";
import type { Arm, Curve, Experiment, ExperimentTable, Outcome, Verdict } from "./experiment.ts";
import { intervalFigures, intervalText, meanText, undecided } from "./outcome.ts";
import { estimate, ratio, type Estimate } from "./statistics.ts";

type Sized = TrainConfig & { readonly channels: readonly number[]; readonly groups: number };

const REGULAR_SIZE = 24;
/** Whole regular fields, about as many channels as the preset has. */
const wide = (preset: TrainConfig) => ({
  augment: "so3",
  channels: (preset as Sized).channels.map((count) => REGULAR_SIZE * Math.ceil(count / REGULAR_SIZE)),
  groups: 1,
});
/** About as many weights as the regular net of the same preset has that are free. */
const small = (preset: TrainConfig) => {
  const { channels, groups } = preset as Sized;
  return { augment: "so3", channels: channels.map((count) => groups * Math.max(1, Math.round(count / 12))) };
};
/** Those nets take some six times the operations of the preset's: fewer steps are as much work. */
const LARGE = { stepShare: 0.2 };

const TRIVIAL: Arm = { name: "trivial", changes: { augment: "so3", fields: "trivial" } };
const REGULAR: Arm = {
  name: "regular",
  changes: (preset) => ({ ...wide(preset), fields: "regular" }),
  ...LARGE,
};
const WIDE: Arm = { name: "so3, channels of regular", changes: wide, ...LARGE };
const SMALL: Arm = { name: "so3, weights of regular", changes: small };
const EQUIVARIANT = [TRIVIAL.name, REGULAR.name];

const TERA = 1e12;
const KS = TWIRL_COUNTS.filter((count) => [1, 2, 4, 8, 24].includes(count));

export const efficiency: Experiment = {
  name: "efficiency",
  question:
    "Does an ordinary net with augmentation reach a lower loss than an exactly equivariant one for the same work?",
  claim:
    "The loss penalty of not being equivariant is small throughout training, so that ordinary nets may reach a lower " +
    "test loss than equivariant ones for the same computing, unless those become as efficient (arXiv 2512.02303).",
  rule:
    `Judged by held-out lossTotal of "${SO3.name}" over that of the better one of the nets with ` +
    `"${TRIVIAL.name}" and "${REGULAR.name}" fields, at the most training FLOPs that all three have reached: ` +
    "interpolated between evaluations on logarithmic axes, paired by seed, a geometric mean with its 95 % t " +
    "interval. Holds when the interval ends below 1, does not hold when it begins above 1, otherwise not decided, as " +
    "with fewer than three seeds or 1,000 steps.",
  remarks: [
    "Nets with fields are equivariant under the 24 rotations of the cube, by tied weights; kernels between trivial " +
      "fields are isotropic, which is a poor equivariant net, and regular fields carry the group itself, 24 channels " +
      "a field. What the verdict says, it says of these two kinds; nets of spherical harmonics are neither.",
    "FLOPs are those of ordinary kernels: ours do not use the ties. For a k3 kernel between trivial fields one that " +
      "did would add up 27 inputs to 4 sums, once for all output channels, and take 4 multiply-adds for each pair of " +
      "channels where there are 27 now.",
    "The better one of two is chosen by the same numbers that judge it, which favours the equivariant side.",
    `"${WIDE.name}" has the FLOPs of the net with regular fields, "${SMALL.name}" about as many weights as are free ` +
      "in it.",
  ],
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3, TRIVIAL, REGULAR, WIDE, SMALL],
  costs: true,
  verdict,
  charts: (outcome) => [
    {
      title: "Held-out loss for work",
      yLabel: "lossTotal",
      xLabel: "TFLOP of training",
      xScale: "log",
      caption: "Held-out loss against the operations of training until then.",
      curves: outcome.arms.map(({ name }) => workCurve(outcome, name)),
    },
  ],
  tables: (outcome, timings) => [budgetTable(outcome, timings), twirledTable(outcome, timings)],
};

/** Held-out loss of an arm's seeds at the evaluations after step 0, against TFLOP. */
function workCurve(outcome: Outcome, name: string): Curve {
  const { runs, cost } = armOf(outcome, name);
  const steps = runs[0]!.readings.map(({ step }) => step).filter((step) => step > 0);
  const points = steps.map((step) => ({
    x: (step * (cost?.stepFlops ?? NaN)) / TERA,
    values: runs.map(({ readings }) => readings.find((one) => one.step === step)?.figures.lossTotal?.value ?? NaN),
  }));
  return { label: name, points };
}

function armOf(outcome: Outcome, name: string): Outcome["arms"][number] {
  return outcome.arms.find((arm) => arm.name === name)!;
}

/** The most work that all of these arms have done, in TFLOP. */
function budgetOf(outcome: Outcome, names: readonly string[]): number {
  return Math.min(...names.map((name) => workCurve(outcome, name).points.at(-1)!.x));
}

/** Each seed's loss at so much work; none before the first evaluation and after the last. */
function lossesAt(outcome: Outcome, name: string, work: number): number[] {
  const { points } = workCurve(outcome, name);
  const above = points.findIndex(({ x }) => x >= work * (1 - 1e-9));
  const [from, to] = [points[Math.max(0, above - 1)], points[above]];
  if (!from || !to || work < from.x * (1 - 1e-9)) return [];
  const part = from === to ? 1 : Math.log(work / from.x) / Math.log(to.x / from.x);
  return to.values.map((value, i) => Math.exp((1 - part) * Math.log(from.values[i]!) + part * Math.log(value)));
}

function over(outcome: Outcome, [a, b]: readonly [string, string], work: number): Estimate {
  return ratio(lossesAt(outcome, a, work), lossesAt(outcome, b, work));
}

function verdict(outcome: Outcome): Verdict {
  const judged = [SO3.name, ...EQUIVARIANT];
  const early = undecided(outcome, 1000, judged);
  if (early) return early;
  const work = budgetOf(outcome, judged);
  const found = EQUIVARIANT.map((name) => ({ name, over: over(outcome, [SO3.name, name], work) }));
  // The larger the ratio, the lower the equivariant net's loss.
  const best = found.reduce((better, next) => (next.over.mean > better.over.mean ? next : better));
  const crossing = crossingOf(outcome, best.name, work);
  const figures = {
    "training, TFLOP": work,
    ...Object.assign({}, ...found.map(({ name, over }) => intervalFigures(`${SO3.name} / ${name}`, over))),
    "curves cross at, TFLOP": crossing ?? null,
  } as Verdict["figures"];
  const said = found.map(({ name, over }) => `${intervalText(over)} times that with ${name} fields`).join(", ");
  const crossed =
    crossing === undefined
      ? "The mean curves of the better pair do not cross before."
      : `The mean curves of the better pair last cross at ${formatSignificant(crossing)} TFLOP.`;
  const reason = `At ${formatSignificant(work)} TFLOP of training the ordinary net's loss is ${said}. ${crossed}`;
  if (best.over.high < 1) return { verdict: "holds", reason, figures };
  return { verdict: best.over.low > 1 ? "does not hold" : "not decided", reason, figures };
}

/** Where the ordinary net's mean curve and another one's change places for the last time, in TFLOP. */
function crossingOf(outcome: Outcome, other: string, work: number): number | undefined {
  const places = [SO3.name, other].flatMap((name) => workCurve(outcome, name).points.map(({ x }) => x));
  const tried = [...new Set(places)].filter((x) => x <= work * (1 + 1e-9)).sort((a, b) => a - b);
  const signs = tried
    .map((x) => ({ x, sign: Math.sign(over(outcome, [SO3.name, other], x).mean - 1) }))
    .filter(({ sign }) => !Number.isNaN(sign));
  return signs.findLast(({ sign }, i) => i > 0 && sign !== signs[i - 1]!.sign)?.x;
}

function budgetTable(outcome: Outcome, timings: Timings | undefined): ExperimentTable {
  const work = budgetOf(
    outcome,
    [SO3.name, ...EQUIVARIANT].filter((name) => outcome.arms.some((arm) => arm.name === name)),
  );
  const rows = outcome.arms.map(({ name, cost }) => {
    const steps = (work * TERA) / (cost?.stepFlops ?? NaN);
    const seconds = timings?.seconds[name]?.step;
    const losses = lossesAt(outcome, name, work);
    return [
      name,
      formatCount(cost?.weights),
      formatSignificant((cost?.stepFlops ?? NaN) / 1e9),
      formatCount(Math.round(steps)),
      seconds === undefined ? "–" : formatSignificant(steps * seconds),
      losses.length > 0 ? meanText(estimate(losses)) : "–",
      losses.length > 0 && name !== SO3.name ? intervalText(over(outcome, [name, SO3.name], work)) : "–",
    ];
  });
  return {
    title: "At equal work",
    columns: ["arm", "free weights", "GFLOP a step", "steps", "seconds", "lossTotal", `over ${SO3.name}`],
    rows,
    caption:
      `At ${formatSignificant(work)} TFLOP of training. Means over seeds ± one standard error; ratios with 95 % ` +
      `intervals. Seconds${timings ? `: ${timings.adapter}` : " were not measured"}. A dash: no evaluation so early, ` +
      "or none so late.",
  };
}

/** What averaging over k rotations makes of the ordinary net, beside nets that need no averaging. */
function twirledTable(outcome: Outcome, timings: Timings | undefined): ExperimentTable {
  const row = (name: string, k: number) => {
    const { runs, cost } = armOf(outcome, name);
    const losses = runs.flatMap(({ readings }) => {
      const { lossMean, lossEquiv } = readings.at(-1)!.figures;
      const rest = (OCTAHEDRAL_ORDER - k) / (k * (OCTAHEDRAL_ORDER - 1));
      return lossMean && lossEquiv ? [lossMean.value! + rest * lossEquiv.value!] : [];
    });
    const seconds = timings?.seconds[name]?.prediction;
    return [
      name,
      formatCount(runs[0]!.readings.at(-1)!.step),
      formatCount(k),
      formatSignificant((k * (cost?.predictionFlops ?? NaN)) / 1e9),
      seconds === undefined ? "–" : formatSignificant(1000 * k * seconds),
      meanText(estimate(losses)),
    ];
  };
  const names = outcome.arms.map(({ name }) => name);
  const ks = (name: string) => (name === SO3.name ? KS : [1]);
  return {
    title: "Twirled predictions",
    columns: ["arm", "trained steps", "K", "GFLOP a prediction", "ms a prediction", "held-out loss"],
    rows: names.flatMap((name) => ks(name).map((k) => row(name, k))),
    caption:
      "At each arm's last step: the expected loss of averaging K different rotations of the cube, L_mean + L_equiv " +
      "(24 - K) / (23 K), and what it costs.",
  };
}
