/**
 * What a report is made from. The rows are those of metrics.jsonl; numbers that JSON cannot hold (NaN, infinities)
 * arrive as null, so every measured value may be null here and is then shown as a gap.
 */

/** One logged training step. `loss` is the mean squared error per voxel and channel of that step's batch. */
export interface TrainRow {
  type: "train";
  step: number;
  /** Seconds since the run began. */
  seconds: number | null;
  loss: number | null;
  gradNorm?: number | null;
}

/** One held-out evaluation. Losses are means per voxel and channel; percent and its standard error are in percent. */
export interface EvalRow {
  type: "eval";
  step: number;
  /** Seconds since the run began. */
  seconds: number | null;
  lossTotal: number | null;
  lossMean: number | null;
  lossEquiv: number | null;
  lossZero: number | null;
  percentEquiv: number | null;
  percentEquivStdErr: number | null;
  /** Of force fields, see the rows of metrics.jsonl. */
  energyMae?: number | null;
  forceMae?: number | null;
  percentEquivEnergy?: number | null;
  percentEquivExact?: number | null;
  /** Of flow matching, see the rows of metrics.jsonl. */
  lossWiener?: number | null;
}

/** A row of a report. */
export type MetricRow = TrainRow | EvalRow;

/** One z slice of one held-out molecule. Every array is [grid, grid, channels] in the order (y, x, c). */
export interface SliceInput {
  grid: number;
  /** Element symbols, one a channel: "C", "H", "Cl", ... */
  channels: string[];
  /** Angstrom per voxel. */
  resolution: number;
  /** Index of the slice along z. */
  sliceIndex: number;
  /** The molecule's name, formula or SMILES. */
  name?: string;
  clean: Float32Array;
  noisy: Float32Array;
  denoised: Float32Array;
  /** Twisted prediction f_T minus the twirled prediction (the mean over rotations), for one rotation T. */
  twistedDifference: Float32Array;
}

/** A table of a report that a task fills. */
export interface ReportTable {
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
  /** What stands below. */
  caption: string;
}

/** Everything that {@link renderReport} draws. */
export interface ReportInput {
  title: string;
  /** What is trained, as the title's second line has it: "A voxel denoiser" by default. */
  subject?: string;
  /** What samples are: "molecules" by default. */
  samples?: string;
  /** What losses are means over: "voxel and channel" by default. */
  lossPer?: string;
  /** Whether training has another loss than is measured. */
  otherLoss?: boolean;
  /** The run's configuration; nested objects are shown with dotted keys. */
  config: Record<string, unknown>;
  adapter: Record<string, string>;
  metrics: readonly MetricRow[];
  slices?: SliceInput;
  tables?: readonly ReportTable[];
  /** Remarks shown near the top: skipped molecules, an interrupted run. */
  notes?: readonly string[];
}

/** True for a number that can be drawn or printed. */
export function isFiniteNumber(value: number | null | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

type RowOf<T extends MetricRow["type"]> = Extract<MetricRow, { type: T }>;

/** Rows of one type in order of their step; of rows with the same step (a resumed run) the last one stands. */
export function rowsOf<T extends MetricRow["type"]>(metrics: readonly MetricRow[], type: T): RowOf<T>[] {
  const byStep = new Map<number, RowOf<T>>();
  for (const row of metrics) {
    if (row.type === type && Number.isFinite(row.step)) byStep.set(row.step, row as RowOf<T>);
  }
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}
