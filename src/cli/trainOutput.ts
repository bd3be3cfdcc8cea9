import { join } from "node:path";
import { formatBytes } from "../gpu/gpu.ts";
import type { RunEvent } from "../runs/folderRun.ts";
import { CHECKPOINTS } from "../runs/keptModels.ts";
import { RUN_FILES } from "../runs/runStage.ts";
import {
  evalTableHeader,
  evalTableRow,
  formatCount,
  formatDuration,
  formatRatio,
  isMeaningless,
  leastMean,
  progressLine,
  reduciblePercent,
} from "../report/table.ts";
import { formatPercent, skippedRemark } from "../report/format.ts";
import { sourceName } from "../molecules/builtinNames.ts";
import { taskNamed } from "../tasks/list.ts";
import { countKept, type KeptSteps } from "../training/keptSteps.ts";
import type { RunConfig } from "../training/runConfig.ts";
import type { EndEvent, ProgressEvent } from "../training/loop.ts";
import { formatMetric, type EvalRow, type MetricRow } from "../training/metrics.ts";
import { showProgress } from "./progress.ts";

/** What `voxtwirl train` shows: rows or a table on stdout, the live line and remarks on stderr. */
export class TrainOutput {
  #json: boolean;
  #quiet: boolean;
  #steps = 0;
  #keeps = false;
  readonly #progress = showProgress();
  #percent: number | undefined;
  #told = false;
  readonly #evaluations: EvalRow[] = [];

  constructor(options: { json: boolean; quiet: boolean }) {
    this.#json = options.json;
    this.#quiet = options.quiet;
  }

  /** @param folder the run's, to name it */
  show(event: RunEvent, folder: string): void {
    if (event.type === "note") this.warn(event.text);
    if (event.type === "start") this.#start(event.config, folder);
    if (event.type === "train") event.rows.forEach((row) => this.#row(row));
    if (event.type === "eval") this.#row(event.row);
    if (event.type === "progress") this.#progressed(event);
    if (event.type === "end") this.#end(event, folder);
  }

  #start(config: RunConfig, folder: string): void {
    this.#steps = config.training.steps;
    this.#keeps = config.keepCheckpoints !== undefined;
    if (this.#quiet || this.#json) return;
    const { training, heldout, source } = config.data;
    const { preset, twirl, precision } = config.training;
    const { keepCheckpoints: kept } = config;
    const half = precision === "f16" ? " in f16" : "";
    const samples = `${taskNamed(config.task).takes}s`;
    print(
      `preset ${preset}${half}: ${formatCount(training)} ${samples} to train on, ${formatCount(heldout)} held out ` +
        `(${sourceName(source)})`,
    );
    if (kept) print(`${keptLine(kept, config)} in ${join(folder, CHECKPOINTS)}`);
    print(`${folder}: percent of the held-out loss that is rotation symmetry not learned, over ${twirl} rotations`);
    print(evalTableHeader());
  }

  #row(row: MetricRow): void {
    if (row.type === "eval") {
      this.#percent = row.percentEquiv;
      this.#evaluations.push(row);
    }
    if (row.type === "eval" && isMeaningless(row)) this.#tellMeaningless(row);
    if (this.#json) {
      process.stdout.write(`${formatMetric(row)}\n`);
    } else if (row.type === "eval" && !this.#quiet) {
      this.clear();
      print(evalTableRow(row));
    }
  }

  /** Once in a row of such evaluations, and not of first weights. */
  #tellMeaningless({ step, lossTotal, lossZero }: EvalRow): void {
    if (step === 0 || this.#quiet || this.#json || this.#told) return;
    this.#told = true;
    this.warn(
      `step ${formatCount(step)}: lossTotal is ${formatRatio(lossTotal / lossZero)} of predicting zero; until it is ` +
        "below 1, percentEquiv (in brackets) means nothing",
    );
  }

  /** Where a task has another yardstick than zero, and a part of the loss that no net can take away. */
  #tellReducible(): void {
    const last = this.#evaluations.at(-1);
    if (last?.lossWiener === undefined) return;
    const filter = `lossTotal is ${formatRatio(last.lossTotal / last.lossWiener)} of the best linear filter's`;
    const least = leastMean(this.#evaluations);
    // The row of the lowest lossMean says nothing of what is left without it.
    if (last.lossMean === least) print(filter);
    else print(`${filter}; lost symmetry is at most ${formatPercent(reduciblePercent(last, least))} % of what is left`);
  }

  #progressed(progress: ProgressEvent): void {
    if (this.#quiet) return;
    const shown = { ...progress, steps: this.#steps, percent: this.#percent ?? null };
    this.#progress.show((width) => progressLine(shown, width));
  }

  warn(text: string): void {
    this.#progress.warn(text);
  }

  #end(result: EndEvent, folder: string): void {
    this.clear();
    if (this.#quiet || this.#json) return;
    if (result.skipped > 0) print(skippedRemark(result.skipped));
    this.#tellReducible();
    const state = result.interrupted ? "interrupted" : "done";
    print(`${state} at step ${formatCount(result.step)} after ${formatDuration(result.seconds)}; written:`);
    for (const name of Object.values(RUN_FILES)) print(`  ${join(folder, name)}`);
    if (this.#keeps) print(`  ${join(folder, CHECKPOINTS)}`);
    if (result.interrupted) print(`continue with: voxtwirl train --resume ${folder}`);
  }

  /** Shows nothing from here on but remarks. */
  silence(): void {
    this.clear();
    this.#json = false;
    this.#quiet = true;
  }

  /** Takes the live line away. */
  clear(): void {
    this.#progress.clear();
  }
}

function keptLine(kept: KeptSteps, { task, training }: RunConfig): string {
  const shapes = taskNamed(task)
    .parameters(training)
    .map(({ shape }) => shape);
  const bytes = 4 * shapes.reduce((sum, shape) => sum + shape.reduce((product, n) => product * n, 1), 0);
  const count = countKept(kept, training);
  return `keeps ${count === 1 ? "one model" : `${formatCount(count)} models`} of ${formatBytes(bytes)}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
