/** The rows of metrics.jsonl: one JSON object a line, appended as a run goes on. */
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";

/** One training step: loss as the mean per voxel and channel, gradient norm over all parameters, before clipping. */
export interface TrainRow {
  type: "train";
  step: number;
  /** Seconds of training since the run began, pauses between resumed parts left out. */
  seconds: number;
  loss: number;
  gradNorm: number;
  /** With loss scaling: what the gradients of the next step are multiplied by. */
  lossScale?: number;
  /** With loss scaling: the gradients overflowed, and the step changed nothing. `gradNorm` is then not finite. */
  skipped?: boolean;
}

/**
 * One held-out evaluation. All losses are means per voxel and channel, per component of the forces in
 * (eV/Angstrom)^2, or per coordinate of the velocities in nm^2; percents are of lossTotal.
 */
export interface EvalRow {
  type: "eval";
  step: number;
  seconds: number;
  lossTotal: number;
  lossMean: number;
  lossEquiv: number;
  lossZero: number;
  percentEquiv: number;
  percentEquivStdErr: number;
  /** Of force fields: mean absolute errors over rotations, of energies in meV and of forces in meV/Angstrom. */
  energyMae?: number;
  forceMae?: number;
  /** Of force fields: the energies' share, and that of the forces from the network's closed form. */
  percentEquivEnergy?: number;
  percentEquivExact?: number;
  /** Of flow matching: the loss of the best linear filter, which is equivariant. */
  lossWiener?: number;
}

/** What measures the held-out loss: a VoxelEvaluator, or another. */
export interface TrainEvaluator {
  /** Throws VoxtwirlError "aborted" when the signal stops it half-way, and may throw "not-finite" for a prediction. */
  evaluate(signal?: AbortSignal): Promise<Omit<EvalRow, "type" | "step" | "seconds">>;
}

/** A line of metrics.jsonl. */
export type MetricRow = TrainRow | EvalRow;

const FIELDS = {
  train: ["step", "seconds", "loss", "gradNorm"],
  eval: ["step", "seconds", "lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv", "percentEquivStdErr"],
} as const;

/** Those of some tasks, written where they are there. */
const MORE = ["energyMae", "forceMae", "percentEquivEnergy", "percentEquivExact", "lossWiener"] as const;

/** Of an evaluation, what rows have besides for its task. */
export function taskFigures(of: Partial<EvalRow>): Pick<EvalRow, (typeof MORE)[number]> {
  return Object.fromEntries(MORE.flatMap((field) => (field in of ? [[field, of[field]]] : [])));
}

/** One line of JSON without the newline, fields in a fixed order. JSON has no NaN or infinity: both become null. */
export function formatMetric(row: MetricRow): string {
  const values = row as unknown as Record<string, number>;
  const fields = [...FIELDS[row.type], ...MORE.filter((field) => field in row)];
  const entries = fields.map((field) => [field, Number.isFinite(values[field]) ? values[field] : null]);
  const { lossScale, skipped } = row.type === "train" ? row : {};
  return JSON.stringify({ ...Object.fromEntries([["type", row.type], ...entries]), lossScale, skipped });
}

/**
 * Reads metrics.jsonl. null becomes NaN; fields that are not known are left out.
 *
 * A last line without a newline that does not parse was cut by a crash and is dropped; anything else that is not a row
 * throws "bad-file" with the line's number.
 */
export function parseMetrics(text: string, fileName = "metrics.jsonl"): MetricRow[] {
  const lines = text.split("\n");
  const rows: MetricRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const row = parseRow(line);
    if (row) rows.push(row);
    else if (index < lines.length - 1) {
      throw new VoxtwirlError(
        "bad-file",
        `${fileName}, line ${index + 1} is not a metrics row: ${line.slice(0, 80)}`,
        "Remove that line, or start a new run.",
      );
    }
  }
  return rows;
}

function parseRow(line: string): MetricRow | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const source = value as Record<string, unknown>;
  const type = source.type;
  if (type !== "train" && type !== "eval") return undefined;
  const row: Record<string, unknown> = { type };
  for (const field of FIELDS[type]) {
    const number = source[field];
    if (number !== null && typeof number !== "number") return undefined;
    row[field] = number ?? NaN;
  }
  for (const field of MORE) if (field in source) row[field] = typeof source[field] === "number" ? source[field] : NaN;
  if (!Number.isSafeInteger(row.step)) return undefined;
  if (type === "train" && typeof source.lossScale === "number" && typeof source.skipped === "boolean") {
    row.lossScale = source.lossScale;
    row.skipped = source.skipped;
  }
  return row as unknown as MetricRow;
}
