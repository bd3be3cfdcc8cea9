import { join } from "node:path";
import { RUN_FILES } from "../node/runStage.ts";
import { evalTableHeader, evalTableRow, formatCount, formatDuration, progressLine } from "../report/table.ts";
import { skippedRemark } from "../report/format.ts";
import type { RunConfig } from "../training/config.ts";
import type { LoopProgress, LoopResult } from "../training/loop.ts";
import { formatMetric, type MetricRow } from "../training/metrics.ts";

/** A log gets the progress line this often, a terminal gets it live. */
const LOG_INTERVAL_MS = 10_000;

/** What `voxtwirl train` shows: rows or a table on stdout, the live line and remarks on stderr. */
export class TrainOutput {
  #json: boolean;
  #quiet: boolean;
  #steps = 0;
  readonly #terminal = process.stderr.isTTY === true;
  #lastLogged = performance.now();
  #percent: number | undefined;
  #shown = false;

  constructor(options: { json: boolean; quiet: boolean }) {
    this.#json = options.json;
    this.#quiet = options.quiet;
  }

  start(config: RunConfig, folder: string): void {
    this.#steps = config.training.steps;
    if (this.#quiet || this.#json) return;
    const { training, heldout, source } = config.data;
    const { preset, twirl, precision } = config.training;
    const half = precision === "f16" ? " in f16" : "";
    print(
      `preset ${preset}${half}: ${formatCount(training)} molecules to train on, ${formatCount(heldout)} held out ` +
        `(${source === "builtin" ? "built-in set" : source})`,
    );
    print(`${folder}: percent of the held-out loss that is rotation symmetry not learned, over ${twirl} rotations`);
    print(evalTableHeader());
  }

  row(row: MetricRow): void {
    if (row.type === "eval") this.#percent = row.percentEquiv;
    if (this.#json) {
      process.stdout.write(`${formatMetric(row)}\n`);
    } else if (row.type === "eval" && !this.#quiet) {
      this.clear();
      print(evalTableRow(row));
    }
  }

  progress(progress: LoopProgress): void {
    if (this.#quiet) return;
    const line = progressLine({ ...progress, steps: this.#steps, percent: this.#percent ?? null });
    if (this.#terminal) {
      process.stderr.write(`\r\x1b[K${line}`);
      this.#shown = true;
    } else if (performance.now() - this.#lastLogged > LOG_INTERVAL_MS) {
      process.stderr.write(`${line}\n`);
      this.#lastLogged = performance.now();
    }
  }

  warn(text: string): void {
    this.clear();
    process.stderr.write(`voxtwirl: ${text}\n`);
  }

  end(result: LoopResult, folder: string): void {
    this.clear();
    if (this.#quiet || this.#json) return;
    if (result.skipped > 0) print(skippedRemark(result.skipped));
    const state = result.interrupted ? "interrupted" : "done";
    print(`${state} at step ${formatCount(result.step)} after ${formatDuration(result.seconds)}; written:`);
    for (const name of Object.values(RUN_FILES)) print(`  ${join(folder, name)}`);
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
    if (this.#shown) process.stderr.write("\r\x1b[K");
    this.#shown = false;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
