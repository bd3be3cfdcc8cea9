import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { AnyTask } from "../tasks/list.ts";
import type { ModelFile } from "../training/modelFile.ts";
import type { Packed } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import type { ArmCost, Timings } from "./costs.ts";

/** One way to train: a preset with changes. */
export interface Arm {
  readonly name: string;
  /** Another preset than the experiment's, of whatever task, trained on that task's built-in set. */
  readonly preset?: string;
  /** Which values of a preset's configuration it has instead: data, so that they can be printed. */
  readonly changes: ArmChanges | ((preset: TrainConfig) => ArmChanges);
  /** The share of the training molecules that it has, the same ones held out; 1 by default. */
  readonly share?: number;
  /** The share of the experiment's steps that it is trained for, in whole evaluations; 1 by default. */
  readonly stepShare?: number;
}

/** Values of a configuration, of whatever task. */
export type ArmChanges = Readonly<Record<string, unknown>>;

/**
 * A number read off a run, with its standard error where it has one: over molecules, for a trace over random vectors.
 * Null is not finite.
 */
export interface Figure {
  readonly value: number | null;
  readonly stdErr: number | null;
}

/** Numbers by their names. */
export type Figures = Readonly<Record<string, Figure>>;

/** What was read off a run at one step. */
export interface Reading {
  readonly step: number;
  readonly figures: Figures;
}

/** A run's readings, in the order of steps. */
export interface RunReadings {
  readonly seed: number;
  readonly readings: readonly Reading[];
}

/** All that an experiment has found: what verdicts and reports are functions of. */
export interface Outcome {
  readonly steps: number;
  readonly arms: readonly {
    readonly name: string;
    readonly runs: readonly RunReadings[];
    /** Where the experiment asks for it. */
    readonly cost?: ArmCost;
  }[];
}

/** What there is to measure a kept model. */
export interface ModelContext {
  readonly gpu: Gpu;
  readonly task: AnyTask;
  readonly model: ModelFile;
  /** Held-out samples of the model's run, posed and noised as in its evaluations with the run's seed. */
  readonly heldout: Packed;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Measures kept models, where an experiment needs more than the run's own evaluations. */
export interface ModelReader {
  /** The steps whose models are measured, of those that every run keeps. */
  at(kept: readonly number[]): number[];
  /** Training steps that take about as long as one measurement. */
  cost(config: TrainConfig): number;
  /** @throws VoxtwirlError "aborted" when the signal is raised */
  read(this: void, context: ModelContext): Promise<Figures>;
}

/** What the numbers say of the claim. */
export interface Verdict {
  readonly verdict: "holds" | "does not hold" | "not decided";
  /** One or two sentences with the numbers that decide it. */
  readonly reason: string;
  /** The same numbers; null where one is not known. */
  readonly figures: Readonly<Record<string, number | null>>;
}

/** Values of each seed at some places of a curve. */
export interface Curve {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly values: readonly number[] }[];
}

/** A figure of the report. */
export interface ExperimentChart {
  readonly title: string;
  readonly yLabel: string;
  readonly xLabel?: string;
  /** Of what `xLabel` names, "linear" by default. */
  readonly xScale?: "linear" | "log";
  readonly caption: string;
  readonly curves: readonly Curve[];
  /** A horizontal line, in the units of y. */
  readonly mark?: { readonly y: number; readonly label: string; readonly short: string };
}

/** A table of the report. */
export interface ExperimentTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly caption: string;
}

/** An experiment with another task: question and claim are the same. */
export type OtherTask = Pick<Experiment, "preset" | "steps"> &
  Partial<Omit<Experiment, "name" | "question" | "claim" | "others">>;

/** A claim put to the test: what is trained, what is measured, and by which rule it is judged. */
export interface Experiment {
  readonly name: string;
  readonly question: string;
  /** What is said, and by whom. */
  readonly claim: string;
  /** The rule of the verdict in words, stated before anything runs. */
  readonly rule: string;
  /** What it does not show, and why it is made as it is. */
  readonly remarks?: readonly string[];
  /** Of the task that it is stated for. */
  readonly preset: string;
  readonly steps: number;
  readonly seeds: number;
  readonly arms: readonly Arm[];
  /** Other tasks that it is for by their names, and what of the above and below is other with them. */
  readonly others?: Readonly<Record<string, OtherTask>>;
  /** Left out where the run's own evaluations are enough. */
  readonly models?: ModelReader;
  /** Whether operations are counted for `Outcome`, and seconds for its charts and tables. */
  readonly costs?: boolean;
  verdict(this: void, outcome: Outcome): Verdict;
  /** @param lossPer what losses are means over, as the task says */
  charts(this: void, outcome: Outcome, lossPer: string): ExperimentChart[];
  /** @param timings of the arms, where they are known */
  tables(this: void, outcome: Outcome, timings?: Timings): ExperimentTable[];
}
