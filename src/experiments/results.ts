import { basename } from "node:path";
import { isAcrossTasks } from "./arms.ts";
import type { ArmCost } from "./costs.ts";
import type { Experiment, Outcome, Reading, Verdict } from "./experiment.ts";
import { finite } from "./figure.ts";
import { LABORATORY_FORMAT, type Settings } from "./laboratory.ts";
import type { PlannedRun } from "./plannedRun.ts";
import { estimate } from "./statistics.ts";

declare const VOXTWIRL_VERSION: string;

/** A run with all that was read off it. */
export interface FoundRun {
  readonly arm: string;
  readonly seed: number;
  /** Of its folder in `runs`. */
  readonly name: string;
  readonly adapter: string;
  readonly readings: readonly Reading[];
}

/** A mean over seeds; null where there are too few. */
interface MeanFigure {
  readonly seeds: number;
  readonly mean: number | null;
  readonly stdErr: number | null;
  /** 95 %, by Student's t. */
  readonly interval: readonly [low: number | null, high: number | null];
}

/** What results.json holds: nothing of time, so that the same runs give the same bytes. */
export interface ExperimentResults {
  readonly formatVersion: typeof LABORATORY_FORMAT;
  readonly type: "experiment";
  readonly experiment: string;
  readonly version: string;
  readonly question: string;
  readonly claim: string;
  readonly rule: string;
  readonly preset: string;
  readonly data: { readonly source: string; readonly sha256: string };
  readonly adapters: readonly string[];
  readonly steps: number;
  readonly seeds: readonly number[];
  /** The configuration of each arm, that of the first seed. */
  readonly arms: readonly {
    readonly name: string;
    readonly training: object;
    /** How many it is trained on: chains where the task takes those. */
    readonly molecules: number;
    /** Where arms have presets of their own, and with them data. */
    readonly data?: { readonly source: string; readonly sha256: string };
    /** Where the experiment asks for it. */
    readonly cost?: ArmCost;
  }[];
  readonly verdict: Verdict;
  readonly runs: readonly FoundRun[];
  /** Over seeds, with 95 % t intervals. */
  readonly means: readonly {
    readonly arm: string;
    readonly step: number;
    readonly figures: Readonly<Record<string, MeanFigure>>;
  }[];
}

/** What results say of arms, by their first runs. @param costs by arm */
export function describeArms(
  experiment: Experiment,
  runs: readonly PlannedRun[],
  costs: ReadonlyMap<string, ArmCost>,
): ExperimentResults["arms"] {
  return runs
    .filter(({ seed }) => seed === 1)
    .map(({ arm, config, data, material }) => {
      const cost = costs.get(arm);
      const own = isAcrossTasks(experiment) && { data: dataOf(material.source, material.file.sha256) };
      return { name: arm, training: config, molecules: data.train.count, ...own, ...(cost && { cost }) };
    });
}

export function experimentResults(of: {
  readonly experiment: Experiment;
  readonly settings: Settings;
  readonly arms: ExperimentResults["arms"];
  readonly found: readonly FoundRun[];
}): ExperimentResults {
  const { experiment, settings, arms, found } = of;
  const { name, question, claim, rule, verdict } = experiment;
  const { preset, source, sha256, steps, seeds } = settings;
  return {
    formatVersion: LABORATORY_FORMAT,
    type: "experiment",
    experiment: name,
    version: VOXTWIRL_VERSION,
    ...{ question, claim, rule, preset },
    data: dataOf(source, sha256),
    adapters: [...new Set(found.map(({ adapter }) => adapter))].sort(),
    steps,
    seeds: Array.from({ length: seeds }, (_, i) => i + 1),
    arms,
    verdict: verdict(outcomeOf({ steps, runs: found, arms })),
    runs: found,
    means: experiment.arms.flatMap((arm) => meansOf(arm.name, found)),
  };
}

/** Without its folder, which is another one elsewhere. */
const dataOf = (source: string, sha256: string) => ({ source: basename(source), sha256 });

/** What verdicts and reports are functions of. */
export function outcomeOf({ steps, runs, arms }: Pick<ExperimentResults, "steps" | "runs" | "arms">): Outcome {
  return {
    steps,
    arms: arms.map(({ name, cost }) => {
      return { name, runs: runs.filter(({ arm }) => arm === name), ...(cost && { cost }) };
    }),
  };
}

function meansOf(arm: string, found: readonly FoundRun[]): ExperimentResults["means"][number][] {
  const own = found.filter((run) => run.arm === arm);
  return own[0]!.readings.map(({ step, figures }) => {
    const entries = Object.keys(figures).map((name): [string, MeanFigure] => {
      const values = own.flatMap(({ readings }) => {
        const value = readings.find((reading) => reading.step === step)?.figures[name]?.value;
        return typeof value === "number" ? [value] : [];
      });
      const { seeds, mean, stdErr, low, high } = estimate(values);
      return [name, { seeds, mean: finite(mean), stdErr: finite(stdErr), interval: [finite(low), finite(high)] }];
    });
    return { arm, step, figures: Object.fromEntries(entries) };
  });
}
