import { formatCount } from "../report/format.ts";
import { taskOfPreset } from "../tasks/list.ts";
import { BELOW_PLATEAU, FLOOR_REMARK, PLATEAU_REMARK, SO3 } from "./arms.ts";
import { type Counted, PAPER, reached, reachFigures, reachText, stepsOver } from "./arrival.ts";
import type { Arm, Curve, Experiment, ExperimentChart, ExperimentTable, Outcome, Verdict } from "./experiment.ts";
import {
  intervalFigures,
  intervalText,
  meanText,
  pairsAt,
  percentChart,
  stepsOf,
  undecided,
  valuesAt,
} from "./outcome.ts";
import { type Estimate, estimate } from "./statistics.ts";

/** The smallest preset of a task, as `dip` has it too: the same runs. */
interface TaskArm extends Arm, Counted {
  readonly preset: string;
}

const VOXELS: TaskArm = { ...SO3, name: "voxels", preset: "tiny", below: 1 };
const FORCES: TaskArm = { ...SO3, name: "forces", preset: "forces-tiny", below: BELOW_PLATEAU };
const FLOW: TaskArm = { ...SO3, name: "flow", preset: "flow-tiny", below: 1 };
const ARMS = [VOXELS, FORCES, FLOW];
/** Those that are said to be quicker than voxels. */
const QUICK = [FORCES, FLOW];

export const tasksExperiment: Experiment = {
  name: "tasks",
  question: "Is the symmetry learned early in each of the three tasks, and in which of them first?",
  claim:
    "Within 1,000 to 10,000 training steps the share falls to 2 % or less in voxel denoising (VoxMol), force fields " +
    "(EScAIP) and flow matching of proteins (Proteina), in voxel denoising last (arXiv 2512.02303).",
  rule:
    "Two parts. First: in each task the 95 % t interval over seeds of percentEquiv ends at or below 2 % at some step " +
    "up to 10,000, lossTotal being below lossZero, of forces below half of it; refuted when the runs reach 10,000 " +
    "steps and in one task the interval begins above 2 % at all such steps from 1,000 on. Second: voxels come to 2 % " +
    "after forces and after flow. A seed comes there between two evaluations, or beyond its last; voxels' steps over " +
    "the other's, paired by seed, a geometric mean with its 95 % t interval, are above 1 even with the evaluation " +
    "before for voxels and the one after for the other; refuted when they are below 1 even the other way round. Holds " +
    "when both parts do, does not hold when one is refuted, otherwise not decided, as with fewer than three seeds or " +
    "1,000 steps.",
  remarks: [
    "Each task has its smallest preset, its built-in set and random rotations. Nets, data and batches differ: what " +
      "the order says, it says of these three.",
    "Losses have units of their own, so that only shares, and losses over those of predicting zero, are on one axis. " +
      "A step before the claim's 1,000 counts: earlier is as good.",
    PLATEAU_REMARK,
    `Of flow matching: ${FLOOR_REMARK}`,
    "Voxels are evaluated most often, which gives them the most chances to be found at 2 % early.",
  ],
  preset: VOXELS.preset,
  steps: 2000,
  seeds: 3,
  arms: ARMS,
  verdict,
  charts: (outcome) => [
    onSteps({
      ...percentChart(outcome, { y: PAPER.percent, label: "2 %, the claim", short: "2 %" }),
      caption:
        "The share of the held-out loss that is rotation symmetry not learned, in each task. It means something once " +
        "the loss below is under 1, of forces under a half.",
    }),
    onSteps({
      title: "Held-out loss over that of predicting zero",
      yLabel: "lossTotal / lossZero",
      caption: "How far each net is: 1 is what predicting zero has.",
      curves: outcome.arms.map(({ name }): Curve => {
        const points = stepsOf(outcome).map((x) => ({ x, values: overZero(outcome, name, x) }));
        return { label: name, points: points.filter(({ values }) => values.length > 0) };
      }),
      mark: { y: 1, label: "predicting zero", short: "zero" },
    }),
  ],
  tables: (outcome) => [orderTable(outcome), ...armsOf(outcome).map((arm) => taskTable(outcome, arm))],
};

/** On a logarithmic axis, which has no step 0. */
function onSteps(chart: ExperimentChart): ExperimentChart {
  const curves = chart.curves.map(({ label, points }) => ({ label, points: points.filter(({ x }) => x > 0) }));
  return { ...chart, xLabel: "training step", xScale: "log", curves };
}

/** lossTotal over lossZero of each seed. */
function overZero(outcome: Outcome, arm: string, step: number): number[] {
  const [total, zero] = pairsAt(outcome, step, [arm, "lossTotal"], [arm, "lossZero"]);
  return total.map((value, i) => value / zero[i]!);
}

function orderTable(outcome: Outcome): ExperimentTable {
  const rows = QUICK.filter((arm) => armsOf(outcome).includes(arm)).map((arm) => {
    const { least, most } = stepsOver(outcome, VOXELS, arm);
    return [`voxels / ${arm.name}`, ...[least, most].map((one) => (isKnown(one) ? intervalText(one) : "–"))];
  });
  return {
    title: "Steps to 2 %",
    columns: ["steps of", "at least", "at most"],
    rows,
    caption:
      "Each seed's steps until percentEquiv is at or below 2 %, of voxels over those of the other task: geometric " +
      "mean over seeds with its 95 % interval. A dash: a seed was there at its first evaluation, or never.",
  };
}

/** What is known of how many times the steps one task takes of another's. */
function boundText({ least, most }: ReturnType<typeof stepsOver>): string {
  const bounds = [
    ...(isKnown(least) ? [`at least ${intervalText(least)}`] : []),
    ...(isKnown(most) ? [`at most ${intervalText(most)}`] : []),
  ];
  return bounds.join(", ") || "not known";
}

const isKnown = ({ low }: Estimate): boolean => Number.isFinite(low);

function taskTable(outcome: Outcome, { name, preset }: TaskArm): ExperimentTable {
  const steps = stepsOf({ ...outcome, arms: outcome.arms.filter((arm) => arm.name === name) });
  const of = (figure: string, step: number) => meanText(estimate(valuesAt(outcome, name, step, figure)));
  return {
    title: `Task ${name}`,
    columns: ["step", "percentEquiv", "lossTotal / lossZero", "lossTotal", "lossMean", "lossEquiv"],
    rows: steps.map((step) => [
      formatCount(step),
      of("percentEquiv", step),
      meanText(estimate(overZero(outcome, name, step))),
      ...["lossTotal", "lossMean", "lossEquiv"].map((figure) => of(figure, step)),
    ]),
    caption:
      `Preset ${preset}: means over seeds ± one standard error. Losses are squared errors per ` +
      `${taskOfPreset(preset).lossPer}.`,
  };
}

const armsOf = ({ arms }: Outcome): TaskArm[] => ARMS.filter(({ name }) => arms.some((arm) => arm.name === name));

function verdict(outcome: Outcome): Verdict {
  const early = undecided(
    outcome,
    PAPER.from,
    ARMS.map(({ name }) => name),
  );
  if (early) return early;
  const reaches = ARMS.map((arm) => ({ name: arm.name, reach: reached(outcome, arm) }));
  const orders = QUICK.map((arm) => ({ name: arm.name, over: stepsOver(outcome, VOXELS, arm) }));
  const figures = Object.assign(
    {},
    ...reaches.map(({ name, reach }) => reachFigures(name, reach)),
    ...orders.map(({ name, over }) => ({
      ...intervalFigures(`steps of voxels / of ${name}, at least`, over.least),
      ...intervalFigures(`steps of voxels / of ${name}, at most`, over.most),
    })),
  ) as Verdict["figures"];
  const said = [
    ...reaches.map(({ name, reach }) => reachText(name, reach)),
    ...orders.map(({ name, over }) => `steps of voxels over those of ${name} ${boundText(over)}`),
  ];
  const reason = `${said.join("; ")}.`;
  if (reaches.every(({ reach }) => reach.first !== undefined) && orders.every(({ over }) => over.least.low > 1)) {
    return { verdict: "holds", reason, figures };
  }
  const isAbove = outcome.steps >= PAPER.to && reaches.some(({ reach }) => reach.above);
  const isFirst = orders.some(({ over }) => over.most.high < 1);
  return { verdict: isAbove || isFirst ? "does not hold" : "not decided", reason, figures };
}
