import type { Measurement } from "../equivariance/decomposition.ts";
import type { Decomposition } from "../equivariance/estimators.ts";
import type { HeldOutGain } from "../equivariance/heldOutGains.ts";
import { squaredError } from "../equivariance/losses.ts";
import type { TwirlGain } from "../equivariance/twirlGain.ts";
import type { PoseResult } from "../equivariance/poseEstimator.ts";
import type { PoseGain } from "../equivariance/poseGain.ts";
import { formatLoss, formatPercentError } from "../report/format.ts";
import { formatRatio } from "../report/table.ts";

/** Losses whose estimates are unbiased, and whose gains are predicted. */
const QUADRATIC: ReadonlySet<string> = new Set([squaredError.name, "brier"]);

/** Remarks, and an empty line after them where there are any. */
export function remarkLines(remarks: readonly string[]): string[] {
  return remarks.length === 0 ? [] : [...remarks, ""];
}

/** What a table of another loss than the squared error says first. */
export function lossLines(
  { loss, split }: Pick<Measurement, "loss" | "split">,
  { delta, estimated }: { readonly delta?: number | undefined; readonly estimated: boolean },
): string[] {
  if (loss === squaredError.name) return [];
  const name = delta === undefined ? loss : `${loss}, delta ${delta}`;
  return [
    split === "exact"
      ? `Loss: ${name}. An exact split: lossEquiv is the mean divergence of f_T from the mean prediction.`
      : `Loss: ${name}. No exact split: lossEquiv is the gap lossTotal - lossMean, at least 0 for a convex loss.`,
    ...(estimated && !QUADRATIC.has(loss)
      ? ["It is estimated from some of the rotations, and the jackknife leaves a small bias."]
      : []),
    "",
  ];
}

export function decompositionLines(result: Decomposition): string[] {
  return [
    loss("lossTotal", result.lossTotal, result.lossTotalStdErr, ratioNote(result.lossTotal, result.lossZero)),
    loss("lossMean", result.lossMean, result.lossMeanStdErr),
    loss("lossEquiv", result.lossEquiv, result.lossEquivStdErr),
    ...(Number.isNaN(result.lossZero) ? [] : [loss("lossZero", result.lossZero, NaN)]),
    line(
      "percentEquiv",
      percent(result.percentEquiv, result.percentEquivStdErr),
      "of lossTotal is symmetry not learned",
    ),
  ];
}

/** What there is to say of the task's other losses. */
export function termLines(terms: Readonly<Record<string, Decomposition>> = {}): string[] {
  return Object.entries(terms)
    .slice(1)
    .flatMap(([name, result]) => ["", `Of the ${name}:`, ...decompositionLines(result)]);
}

export function poseLines(result: PoseResult): string[] {
  return [
    loss(
      "lossTotalPose",
      result.lossTotalPose,
      result.lossTotalPoseStdErr,
      ratioNote(result.lossTotalPose, result.lossZeroPose),
    ),
    loss("lossPose", result.lossPose, result.lossPoseStdErr),
    loss("lossZeroPose", result.lossZeroPose, NaN),
    line("percentPose", percent(result.percentPose, result.percentPoseStdErr), "of lossTotalPose depends on the pose"),
    "",
    "Interpolation alone (clean grids rotated, and back in the same way):",
    loss("lossTotalPoseFloor", result.lossTotalPoseFloor, NaN),
    loss("lossPoseFloor", result.lossPoseFloor, NaN),
    line(
      "percentPoseFloor",
      percent(result.percentPoseFloor, NaN),
      "of lossTotalPose: below it percentPose says little",
    ),
  ];
}

export function gainLines({ gains, samples, loss }: Pick<Measurement, "gains" | "samples" | "loss">): string[] {
  const measured = ({ percentGain, percentGainStdErr }: TwirlGain) => percent(percentGain, percentGainStdErr);
  const what = "Loss taken away by averaging K predictions";
  if (!QUADRATIC.has(loss)) {
    return gainTable(gains, `${what}, on all ${samples} samples:`, ["gain"], (gain) => [measured(gain)]);
  }
  return gainTable(gains, halves(what, samples), ["gain", "predicted"], (gain) => [
    measured(gain),
    percent(gain.percentPredicted, gain.percentPredictedStdErr),
  ]);
}

/** Of two halves: what one predicts and what was found on the other. */
export function heldOutLines(heldOut: readonly HeldOutGain[]): string[] {
  if (heldOut.length === 0) return [];
  const range = (value: number, [low, high]: readonly [number, number]) =>
    `${value.toFixed(2)} % (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const lines = heldOut.map(
    (half) =>
      `  predicted by ${half.predictingSamples} samples: ` +
      `${range(half.percentPredicted, half.percentPredictedInterval)}; found on the other ${half.measuringSamples}: ` +
      range(half.percentMeasured, half.percentMeasuredInterval),
  );
  return [
    "",
    `Loss taken away by averaging all ${heldOut[0]!.count} predictions, each half once predicting (95 % intervals):`,
    ...lines,
  ];
}

export function poseGainLines(gains: readonly PoseGain[], samples: number): string[] {
  const columns = ["gain", "predicted", "with noise"];
  const head = halves("Loss taken away by averaging over K poses", samples);
  const lines = gainTable(gains, head, columns, (gain) => [
    percent(gain.percentGainPose, gain.percentGainPoseStdErr),
    percent(gain.percentPredictedPose, gain.percentPredictedPoseStdErr),
    percent(gain.percentGainNoisyPose, gain.percentGainNoisyPoseStdErr),
  ]);
  if (gains.length === 0) return lines;
  return [...lines, "Each pose has fresh noise, which averages too: left out of the first two columns, in the last."];
}

function halves(what: string, samples: number): string {
  return `${what}, on ${Math.floor(samples / 2)} samples, and as predicted from the other ${Math.ceil(samples / 2)}:`;
}

function gainTable<T extends { count: number }>(
  gains: readonly T[],
  head: string,
  columns: readonly string[],
  cells: (gain: T) => string[],
): string[] {
  if (gains.length === 0) return ["The gain of averaging K predictions takes at least 4 samples to measure."];
  const row = (count: string, values: readonly string[]) =>
    `${count.padStart(4)}${values.map((value) => value.padStart(20)).join("")}`;
  return [head, row("K", columns), ...gains.map((gain) => row(String(gain.count), cells(gain)))];
}

function loss(name: string, value: number, stdErr: number, note = ""): string {
  return line(name, Number.isFinite(stdErr) ? `${formatLoss(value)} ± ${formatLoss(stdErr)}` : formatLoss(value), note);
}

function ratioNote(total: number, zero: number): string {
  return zero > 0 ? `${formatRatio(total / zero)} of the loss of predicting zero` : "";
}

function percent(value: number, stdErr: number): string {
  // What is zero by algebra shows as such, not as its rounding.
  const rounding = 1e-9;
  return `${formatPercentError(Math.abs(value) < rounding ? 0 : value, Math.abs(stdErr) < rounding ? 0 : stdErr)} %`;
}

function line(name: string, value: string, note: string): string {
  return `  ${name.padEnd(20)}${value.padEnd(24)}${note}`.trimEnd();
}
