import { formatCount } from "../report/format.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { FLOOR_REMARK, SO3 } from "./arms.ts";
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
import { ratio, type Estimate } from "./statistics.ts";

const OCTAHEDRAL: Arm = { name: "octahedral", changes: { augment: "octahedral" } };
const NONE: Arm = { name: "none", changes: { augment: "none" } };
const PRINCIPAL: Arm = { name: "none, principal", changes: { augment: "none", pose: "principal" } };
const NOISY: Arm = { name: "so3, noise x 2", changes: (preset) => ({ augment: "so3", ...noisier(preset) }) };
const NOISY_PRINCIPAL: Arm = {
  name: "none, principal, noise x 2",
  changes: (preset) => ({ augment: "none", pose: "principal", ...noisier(preset) }),
};

function noisier(preset: TrainConfig) {
  const { sigma } = preset as TrainConfig & { readonly sigma: number };
  return { sigma: 2 * sigma };
}

/** How many times more of the loss is symmetry not learned: less than this is no effect to speak of. */
const EFFECT = 1.5;
const LEAST_STEPS = 1000;

/** Each arm without random rotations beside the one that differs in nothing else. */
const PAIRS: readonly (readonly [string, string])[] = [
  [OCTAHEDRAL.name, SO3.name],
  [NONE.name, SO3.name],
  [PRINCIPAL.name, SO3.name],
  [NOISY_PRINCIPAL.name, NOISY.name],
];

const POSES_REMARK =
  "Molecules of a file may lie at random already, which is augmentation by the file: the arm that decides has them " +
  "turned to their principal axes. With so3 the first pose does not matter, so it is trained with one pose only.";

export const ablation: Experiment = {
  name: "ablation",
  question: "Is it the augmentation by random rotations that teaches the symmetry?",
  claim: "Rotating training samples at random is what makes ordinary nets learn the symmetry (arXiv 2512.02303).",
  rule:
    `Judged at the last step by percentEquiv of "${PRINCIPAL.name}" over that of "${SO3.name}", paired by seed: a ` +
    `geometric mean with its 95 % t interval. Holds when the interval begins at or above ${EFFECT}, does not hold ` +
    `when it ends below ${EFFECT}, otherwise not decided, as with fewer than three seeds or 1,000 steps. Arms part ` +
    "at the first step from which on the interval stays above 1.",
  remarks: [
    POSES_REMARK,
    "Are voxels slow to part because a voxel's neighbours settle what it is? The second pair asks with a larger " +
      "receptive field: under noise of twice the deviation atoms can only be told by looking further. A deeper net " +
      "would not ask that, as tiny sees its whole grid, and stretched atoms would be another target.",
  ],
  preset: "tiny",
  steps: 1000,
  seeds: 3,
  arms: [SO3, OCTAHEDRAL, NONE, PRINCIPAL, NOISY, NOISY_PRINCIPAL],
  others: {
    forces: {
      ...{ preset: "forces-tiny", steps: 2000 },
      arms: [SO3, OCTAHEDRAL, NONE, PRINCIPAL],
      remarks: [POSES_REMARK, "The built-in frames are turned at random."],
    },
    flow: {
      ...{ preset: "flow-tiny", steps: 1000 },
      arms: [SO3, OCTAHEDRAL, NONE, PRINCIPAL],
      remarks: [
        "Chains of a file lie as their crystals do, which is augmentation by the file: the arm that decides has them " +
          "turned to their principal axes. Held-out chains are in random poses, whatever the arm.",
        FLOOR_REMARK,
      ],
    },
  },
  verdict,
  charts: (outcome, lossPer) => [
    percentChart(outcome),
    {
      title: "Held-out loss",
      yLabel: `squared error per ${lossPer}`,
      caption:
        "What the lack of augmentation costs in all." +
        (outcome.arms.some(({ name }) => name === NOISY.name) ? " Arms with other noise are other tasks." : ""),
      curves: outcome.arms.map(({ name }) => overSteps(outcome, name, "lossTotal")),
    },
  ],
  tables: (outcome) => [partingTable(outcome), percentTable(outcome)],
};

function verdict(outcome: Outcome): Verdict {
  const early = undecided(outcome, LEAST_STEPS, [PRINCIPAL.name, SO3.name]);
  if (early) return early;
  const last = stepsOf(outcome).at(-1)!;
  const apart = apartness(outcome, [PRINCIPAL.name, SO3.name], last);
  const parted = parting(outcome, [PRINCIPAL.name, SO3.name]);
  const figures = {
    ...Object.assign(
      {},
      ...pairsOf(outcome).map((pair) => intervalFigures(pair.join(" / "), apartness(outcome, pair, last))),
    ),
    "arms part at step": parted ?? null,
  } as Verdict["figures"];
  const when = parted === undefined ? "they do not part" : `they part at step ${formatCount(parted)}`;
  const reason =
    `At step ${formatCount(last)} "${PRINCIPAL.name}" has ${intervalText(apart)} times the percentEquiv of ` +
    `"${SO3.name}"; ${when}.`;
  if (apart.low >= EFFECT) return { verdict: "holds", reason, figures };
  return { verdict: apart.high < EFFECT ? "does not hold" : "not decided", reason, figures };
}

/** Those of which both arms were run. */
function pairsOf({ arms }: Outcome) {
  return PAIRS.filter((pair) => pair.every((name) => arms.some((arm) => arm.name === name)));
}

function apartness(outcome: Outcome, [a, b]: readonly [string, string], step: number): Estimate {
  return ratio(...pairsAt(outcome, step, [a, "percentEquiv"], [b, "percentEquiv"]));
}

/** The first step from which on the interval stays above 1. */
function parting(outcome: Outcome, pair: readonly [string, string]): number | undefined {
  const steps = stepsOf(outcome);
  const together = steps.findLastIndex((step) => !(apartness(outcome, pair, step).low > 1));
  return steps[together + 1];
}

function partingTable(outcome: Outcome) {
  const last = stepsOf(outcome).at(-1)!;
  const rows = pairsOf(outcome).map((pair) => {
    const parted = parting(outcome, pair);
    return [pair.join(" / "), intervalText(apartness(outcome, pair, last)), formatCount(parted)];
  });
  return {
    title: "Do the arms part",
    columns: ["arms", `ratio of percentEquiv at step ${formatCount(last)}`, "part at step"],
    rows,
    caption: "Geometric mean over seeds, paired, with its 95 % interval.",
  };
}
