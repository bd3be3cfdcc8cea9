import { measureLatents } from "../analysis/latents.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatCount } from "../report/format.ts";
import { SO3 } from "./arms.ts";
import type {
  Arm,
  Experiment,
  ExperimentTable,
  Figures,
  ModelContext,
  OtherTask,
  Outcome,
  Verdict,
} from "./experiment.ts";
import {
  intervalFigures,
  intervalText,
  meanText,
  overSteps,
  pairsAt,
  stepsOf,
  stepsTable,
  undecided,
  valuesAt,
} from "./outcome.ts";
import { estimate, ratio } from "./statistics.ts";

const K3S2: Arm = { name: "k3s2", changes: { augment: "so3", down: "k3s2" } };
const K2S2: Arm = { name: "k2s2", changes: { augment: "so3", down: "k2s2" } };

const MOLECULES = 4;
const STEPS = [100, 300, 1000];
/** How many times more unlike: less than this is no effect to speak of. */
const EFFECT = 1.5;

/** What is compared, in words: the title of its chart, and what that shows. */
type Shown = readonly [title: string, caption: string];

const MAPS: Shown = [
  "Hidden maps under rotation",
  "How unlike a molecule's hidden maps are to those of the rotated molecule, rotated back; mean over layers.",
];
const FEATURES: Shown = [
  "Hidden features under rotation",
  "How unlike a chain's hidden features are to those of the rotated chain; mean over layers.",
];

/** A net without any downsampling. */
const FLOW: OtherTask = {
  ...{ preset: "flow-tiny", steps: 1000 },
  arms: [SO3],
  rule:
    "Nothing is downsampled in this net, so that by what is put to the test its features come to be alike. Judged at " +
    "the last step by 1 - cos of the hidden features of a chain and of the rotated chain, mean over layers, over " +
    "that of the same net at its initial weights, paired by seed: a geometric mean with its 95 % t interval. Holds " +
    `when the interval ends at or below 1 / ${EFFECT}, does not hold when it begins above that, otherwise not decided, ` +
    "as with fewer than three seeds or 1,000 steps.",
  remarks: [
    `Cosines are those of features less each channel's mean, over ${MOLECULES} held-out chains at most and the ` +
      "rotations of the cube but the identity. Features of different chains show what low is.",
    "Conditioning and pairs see distances alone and are alike by construction. Tokens begin with coordinates and end " +
      "in a vector that turns along, read off by a matrix: some of what they hold has to turn, so that they cannot " +
      "all be alike, which is a reason of its own.",
  ],
  verdict: trainedVerdict,
  charts: chartsOf(FEATURES),
};

export const latents: Experiment = {
  name: "latents",
  question: "Do hidden maps stay unlike under rotation because of how they are downsampled?",
  claim:
    "VoxMol's latents stay unlike under rotation although its output learns the symmetry (arXiv 2512.02303, which " +
    "leaves open why). Put to the test: it is the downsampling by k3 s2 p1, which breaks the symmetry of even grids.",
  rule:
    "Judged at the last step by 1 - cos of the hidden maps of a molecule and of the rotated molecule, rotated back, " +
    `mean over layers, of "${K3S2.name}" over that of "${SO3.name}" (k4s2), paired by seed: a geometric mean with ` +
    `its 95 % t interval. Holds when the interval begins at or above ${EFFECT}, does not hold when it ends below ` +
    `${EFFECT}, otherwise not decided, as with fewer than three seeds or 1,000 steps.`,
  remarks: [
    `Cosines are those of maps less each channel's mean, over ${MOLECULES} held-out molecules and the rotations of ` +
      "the cube but the identity. The same net at its initial weights, and maps of different molecules, show " +
      "what low is.",
    "The preset's own downsampling is that of the first arm: k4s2 in tiny.",
  ],
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3, K3S2, K2S2],
  others: { flow: FLOW },
  models: {
    at: (kept) => kept.filter((step) => STEPS.includes(step) || step === kept.at(-1)),
    // Forward passes of two nets; maps are read back and compared on the host, which takes about as long again.
    cost: ({ batch }) => (4 * MOLECULES * 24) / (3 * batch),
    read,
  },
  verdict,
  charts: chartsOf(MAPS),
  tables: (outcome) => [
    ...outcome.arms.map(({ name }) =>
      stepsTable(
        outcome,
        `1 - cos, ${name}`,
        Object.entries(LABELS).map(([figure, label]) => ({ arm: name, figure, label })),
        "Means over seeds ± one standard error, over layers.",
      ),
    ),
    layersTable(outcome),
  ],
};

function chartsOf([title, caption]: Shown): Experiment["charts"] {
  return (outcome) => [
    {
      ...{ title, caption },
      yLabel: "1 - centred cosine",
      curves: outcome.arms.flatMap(({ name }) => [
        overSteps(outcome, name, "unlike", `${name}, trained`),
        overSteps(outcome, name, "unlikeInitial", `${name}, initial weights`),
      ]),
    },
    {
      title: "Symmetry not learned, of the output",
      yLabel: "percentEquiv (% of lossTotal)",
      caption: "The same runs' share of the held-out loss.",
      curves: outcome.arms.map(({ name }) => overSteps(outcome, name, "percentEquiv")),
    },
  ];
}

/** Which layers make up the mean. */
function layersTable(outcome: Outcome): ExperimentTable {
  const last = stepsOf(outcome).at(-1)!;
  const names = outcome.arms.flatMap(({ runs }) =>
    runs.flatMap(({ readings }) => Object.keys(readings.at(-1)!.figures)),
  );
  const layers = [...new Set(names)].filter((name) => name.startsWith(LAYER));
  const rows = layers.map((name) => [
    name.slice(LAYER.length),
    ...outcome.arms.map((arm) => meanText(estimate(valuesAt(outcome, arm.name, last, name)))),
  ]);
  return {
    title: "1 - cos by layer",
    columns: ["layer", ...outcome.arms.map(({ name }) => name)],
    rows,
    caption: `Trained, step ${formatCount(last)}. Means over seeds ± one standard error.`,
  };
}

/** What the names of a layer's own figure begin with. */
const LAYER = "unlike.";

const LABELS = {
  unlike: "trained",
  unlikeInitial: "initial weights",
  unlikeOthers: "different samples",
  percentEquiv: "percentEquiv",
} as const;

async function read({ gpu, task, model, heldout, seed, signal }: ModelContext): Promise<Figures> {
  const { precision } = model.config.training;
  const measurer = await task.latents(gpu, { model, data: heldout, seed, precision });
  try {
    const indices = Array.from({ length: Math.min(MOLECULES, heldout.count) }, (_, i) => i);
    const { layers, interrupted } = await measureLatents(measurer, indices, { signal });
    if (interrupted) throw new VoxtwirlError("aborted", "the measurement was stopped", "Start again.");
    const mean = (of: (layer: (typeof layers)[number]) => number) => {
      const value = layers.reduce((sum, layer) => sum + of(layer), 0) / layers.length;
      return { value: Number.isFinite(value) ? 1 - value : null, stdErr: null };
    };
    const byLayer = layers.map(({ name, trained }) => {
      const { mean: value, stdErr } = trained.rotated.centred;
      return [`${LAYER}${name}`, { value: 1 - value, stdErr }] as const;
    });
    return {
      unlike: mean(({ trained }) => trained.rotated.centred.mean),
      unlikeInitial: mean(({ initial }) => initial.rotated.centred.mean),
      unlikeOthers: mean(({ trained }) => trained.others.centred.mean),
      ...Object.fromEntries(byLayer),
    };
  } finally {
    measurer.destroy();
  }
}

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000, [SO3.name, K3S2.name, K2S2.name]);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const over = (arm: string) => ratio(...pairsAt(outcome, last, [arm, "unlike"], [SO3.name, "unlike"]));
  const [three, two] = [over(K3S2.name), over(K2S2.name)];
  const figures = {
    ...intervalFigures(`1 - cos, ${K3S2.name} / ${SO3.name}`, three),
    ...intervalFigures(`1 - cos, ${K2S2.name} / ${SO3.name}`, two),
  };
  const reason =
    `At step ${formatCount(last)} 1 - cos of "${K3S2.name}" is ${intervalText(three)} times that of "${SO3.name}", ` +
    `that of "${K2S2.name}" ${intervalText(two)} times.`;
  if (three.low >= EFFECT) return { verdict: "holds", reason, figures };
  return { verdict: three.high < EFFECT ? "does not hold" : "not decided", reason, figures };
}

/** Of a net that downsamples nothing. */
function trainedVerdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const over = ratio(...pairsAt(outcome, last, [SO3.name, "unlike"], [SO3.name, "unlikeInitial"]));
  const figures = intervalFigures("1 - cos, trained / initial weights", over);
  const reason =
    `At step ${formatCount(last)} 1 - cos of the trained net's features is ${intervalText(over)} times that at its ` +
    "initial weights.";
  if (over.high <= 1 / EFFECT) return { verdict: "holds", reason, figures };
  return { verdict: over.low > 1 / EFFECT ? "does not hold" : "not decided", reason, figures };
}
