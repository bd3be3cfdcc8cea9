import { measureEquivariance } from "../equivariance/measure.ts";
import { VoxtwirlError } from "../errors.ts";
import { formatCount } from "../report/format.ts";
import { SO3 } from "./arms.ts";
import type { Experiment, ExperimentTable, Figures, ModelContext, Outcome, Verdict } from "./experiment.ts";
import { figure } from "./figure.ts";
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
import { type Estimate, estimate, ratio } from "./statistics.ts";
import { ASKED, CONTROL, SHIFT, SYMMETRIES } from "./symmetries.ts";

const MOLECULES = 8;
const STEPS = [0, 100, 300, 1000];
/** Under all rotations, of each molecule; each with two noises. */
const POSES = 12;
/** How many times higher the control's share is, at least. */
const FACTOR = 3;

export const groups: Experiment = {
  name: "groups",
  question: "Are other symmetries than rotations learned, and only those that the data have?",
  claim:
    "An ordinary net learns the symmetries that its data have, also those that it is never shown as such, as mirror " +
    "images; one that they have not, exchanging the elements, it does not (put to the test; arXiv 2512.02303 asks " +
    "about other groups than rotations as its first open question).",
  rule:
    "Judged at the last step by percentEquiv under permutations of the channels, the control, over percentEquiv " +
    `under each other group (${SYMMETRIES.map(({ label }) => label).join(", ")}), paired by seed: geometric means ` +
    `with 95 % t intervals. Holds when every interval begins at or above ${FACTOR}, does not hold when one ends ` +
    `below ${FACTOR}, otherwise not decided, as with fewer than three seeds or 1,000 steps.`,
  remarks: [
    `Of ${MOLECULES} held-out molecules. The noise moves with the input, which is exact under all of these groups. ` +
      `Of the permutations ${CONTROL.copies} are drawn for each molecule, where there are more; all others are ` +
      "enumerated.",
    "The training data are shown in random rotations and shifts, never mirrored. But many small molecules are their " +
      "own mirror images, so that rotations show those.",
    `Translations are by up to ${SHIFT} voxel along each axis, about the shift of the augmentation; voxels within ` +
      `${SHIFT} of the grid's faces are not compared. The network pads with zeros and molecules lie in the middle: ` +
      "translations of the periodic grid would cut them in two, as no data are. Convolutions have translations built " +
      "in but for padding and downsampling.",
    "A group loses at least as much as one that is part of it, in the mean over poses: C4 less than O, O less than " +
      "O_h. So shares say how much of a group is lost, not which element is harder.",
    "percentPose, under all rotations (SO(3)), is another, smaller quantity: atoms are rotated, each rotation has " +
      "noises of its own, and predictions are rotated back by interpolation, whose error stands beside it.",
  ],
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3],
  models: {
    at: (kept) => kept.filter((step) => STEPS.includes(step) || step === kept.at(-1)),
    // Forward passes, three of each sample in a training step, and half as long again for what the host does.
    cost: ({ batch }) => (1.5 * MOLECULES * PASSES) / (3 * batch),
    read,
  },
  verdict,
  charts: (outcome) => [
    {
      title: "Symmetry not learned, by group",
      yLabel: "percentEquiv (% of lossTotal)",
      caption: "The share of the held-out loss that each symmetry is of. C4 about x and y: in the table.",
      curves: ASKED.filter(({ label }) => !/C4 about [xy]/.test(label)).map(({ name, label }) =>
        overSteps(outcome, SO3.name, `percent.${name}`, label),
      ),
    },
    {
      title: "All rotations: percentPose",
      yLabel: "percentPose (%)",
      caption: "By another estimator, not to be compared with the shares above; and what interpolation adds to it.",
      curves: [
        overSteps(outcome, SO3.name, "percentPose", "SO(3)"),
        overSteps(outcome, SO3.name, "percentPoseFloor", "interpolation"),
      ],
    },
  ],
  tables: (outcome) => [
    groupsTable(outcome),
    byGroup(outcome, "percent", "percentEquiv"),
    byGroup(outcome, "lossEquiv", "lossEquiv"),
    stepsTable(
      outcome,
      "All rotations",
      Object.entries(POSE_LABELS).map(([figure, label]) => ({ arm: SO3.name, figure, label })),
      "percentPose, lossPose and what interpolation adds to percentPose; means over seeds ± one standard error.",
    ),
  ],
};

/** Forward passes of one molecule. */
const PASSES = ASKED.reduce((sum, { copies }) => sum + copies, 2 * POSES);

const POSE_LABELS = {
  percentPose: "percentPose",
  lossPose: "lossPose",
  percentPoseFloor: "interpolation, %",
} as const;

function byGroup(outcome: Outcome, figure: string, title: string): ExperimentTable {
  const columns = ASKED.map(({ name, label }) => ({ arm: SO3.name, figure: `${figure}.${name}`, label }));
  return stepsTable(outcome, title, columns, "Means over seeds ± one standard error.");
}

function groupsTable(outcome: Outcome): ExperimentTable {
  const last = stepsOf(outcome).at(-1)!;
  const mean = (figure: string) => meanText(estimate(valuesAt(outcome, SO3.name, last, figure)));
  return {
    title: "Groups",
    columns: ["group", "copies", "percentEquiv", "lossEquiv", "lossTotal / lossZero", "control / group"],
    rows: ASKED.map((asked) => [
      asked.label,
      String(asked.copies),
      ...["percent", "lossEquiv", "overZero"].map((figure) => mean(`${figure}.${asked.name}`)),
      asked === CONTROL ? "" : intervalText(over(outcome, CONTROL.name, asked.name)),
    ]),
    caption:
      `Step ${formatCount(last)}: means over seeds ± one standard error; the control's share over the group's with ` +
      "its 95 % interval. Copies of each molecule at most.",
  };
}

async function read(context: ModelContext): Promise<Figures> {
  return { ...(await underGroups(context)), ...(await underAllRotations(context)) };
}

async function underGroups({ gpu, task, model, heldout, seed, signal }: ModelContext): Promise<Figures> {
  const { precision } = model.config.training;
  const held = await task.samples(gpu, { model, data: heldout, seed, precision });
  try {
    const { input, output, predict } = held;
    const samples = await Promise.all(
      Array.from({ length: Math.min(MOLECULES, heldout.count) }, (_, i) => held.sample(i)),
    );
    const entries: [string, Figures[string]][] = [];
    for (const { name, copies, make } of ASKED) {
      const group = make(input);
      if (!group) continue;
      const options = { group, twirl: Math.min(copies, group.order), input, output, seed, ...(signal && { signal }) };
      const found = await measureEquivariance(predict, samples, options);
      entries.push(
        [`percent.${name}`, figure(found.percentEquiv, found.percentEquivStdErr)],
        [`lossEquiv.${name}`, figure(found.lossEquiv, found.lossEquivStdErr)],
        [`overZero.${name}`, figure(found.lossTotal / found.lossZero)],
      );
    }
    return Object.fromEntries(entries);
  } finally {
    held.destroy();
  }
}

async function underAllRotations({ gpu, task, model, heldout, seed, signal }: ModelContext): Promise<Figures> {
  const { precision } = model.config.training;
  const options = { group: "so3", rotations: POSES, interpolation: "catmullRom" } as const;
  const measurer = await task.measure(gpu, { model, data: heldout, seed, precision, ...options });
  try {
    for (let i = 0; i < Math.min(MOLECULES, heldout.count); i++) {
      if (signal?.aborted) throw new VoxtwirlError("aborted", "the measurement was stopped", "Start it again.");
      await measurer.add(i);
    }
    const found = measurer.result();
    if (found.kind !== "pose") return {};
    return {
      percentPose: figure(found.percentPose, found.percentPoseStdErr),
      lossPose: figure(found.lossPose, found.lossPoseStdErr),
      percentPoseFloor: figure(found.percentPoseFloor),
    };
  } finally {
    measurer.destroy();
  }
}

/** One group's share over another's at the last step. */
function over(outcome: Outcome, above: string, below: string): Estimate {
  const last = stepsOf(outcome).at(-1)!;
  return ratio(...pairsAt(outcome, last, [SO3.name, `percent.${above}`], [SO3.name, `percent.${below}`]));
}

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, 1000);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const found = SYMMETRIES.map(({ name, label }) => ({ label, over: over(outcome, CONTROL.name, name) }));
  const figures = Object.assign(
    {},
    ...found.map(({ label, over: one }) => intervalFigures(`control / ${label}`, one)),
    intervalFigures("O_h / O", over(outcome, "fullOctahedral", "octahedral")),
  ) as Verdict["figures"];
  const said = found.map(({ label, over: one }) => `${intervalText(one)} times that of ${label}`).join(", ");
  const reason = `At step ${formatCount(last)} the share of permuted channels is ${said}.`;
  if (found.every(({ over: { low } }) => low >= FACTOR)) return { verdict: "holds", reason, figures };
  const isLow = found.some(({ over: { high } }) => high < FACTOR);
  return { verdict: isLow ? "does not hold" : "not decided", reason, figures };
}
