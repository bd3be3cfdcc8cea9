import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MetricRow } from "../../src/training/metrics.ts";

/** Options of `train` for steps as small as they can be. */
export const SMALL_STEPS: readonly string[] = ["--grid", "8", "--resolution", "1", "--batch", "2"];

/** The same for force fields. */
export const SMALL_FORCE_STEPS: readonly string[] = ["--preset", "forces-tiny", "--batch", "2"];

const smallEvaluation = ["--heldout", "2", "--twirl", "3", "--seed", "4"];

/** Options of `train` for a run as small as it can be and still have all its parts. */
export const SMALL_RUN: readonly string[] = [...SMALL_STEPS, ...smallEvaluation];

/** The same for force fields. */
export const SMALL_FORCE_RUN: readonly string[] = [...SMALL_FORCE_STEPS, ...smallEvaluation];

/** The rows of a run's folder. */
export function metricRows(folder: string): MetricRow[] {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as MetricRow);
}

/** Rows as they are but for the time, in which no two runs are alike. */
export const withoutTime = (rows: readonly MetricRow[]): MetricRow[] => rows.map((row) => ({ ...row, seconds: 0 }));
