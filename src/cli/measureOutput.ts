import type { Decomposition } from "../equivariance/estimators.ts";
import type { TwirlGain } from "../equivariance/twirlGain.ts";
import type { PoseResult } from "../equivariance/poseEstimator.ts";
import type { PoseGain } from "../equivariance/poseGain.ts";
import { formatLoss, formatPercentError } from "../report/format.ts";
import { formatRatio } from "../report/table.ts";

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** One object on one line. JSON has no NaN: null stands for it. */
export function printJson(value: object): void {
  print([JSON.stringify(value)]);
}

/** Remarks, and an empty line after them where there are any. */
export function remarkLines(remarks: readonly string[]): string[] {
  return remarks.length === 0 ? [] : [...remarks, ""];
}

export function decompositionLines(result: Decomposition): string[] {
  return [
    loss("lossTotal", result.lossTotal, result.lossTotalStdErr, ratioNote(result.lossTotal, result.lossZero)),
    loss("lossMean", result.lossMean, result.lossMeanStdErr),
    loss("lossEquiv", result.lossEquiv, result.lossEquivStdErr),
    loss("lossZero", result.lossZero, NaN),
    line(
      "percentEquiv",
      percent(result.percentEquiv, result.percentEquivStdErr),
      "of lossTotal is symmetry not learned",
    ),
  ];
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

export function gainLines(gains: readonly TwirlGain[], samples: number): string[] {
  return gainTable(gains, samples, "Loss taken away by averaging K predictions", ["gain", "predicted"], (gain) => [
    percent(gain.percentGain, gain.percentGainStdErr),
    percent(gain.percentPredicted, gain.percentPredictedStdErr),
  ]);
}

export function poseGainLines(gains: readonly PoseGain[], samples: number): string[] {
  const columns = ["gain", "predicted", "with noise"];
  const lines = gainTable(gains, samples, "Loss taken away by averaging over K poses", columns, (gain) => [
    percent(gain.percentGainPose, gain.percentGainPoseStdErr),
    percent(gain.percentPredictedPose, gain.percentPredictedPoseStdErr),
    percent(gain.percentGainNoisyPose, gain.percentGainNoisyPoseStdErr),
  ]);
  if (gains.length === 0) return lines;
  return [...lines, "Each pose has fresh noise, which averages too: left out of the first two columns, in the last."];
}

function gainTable<T extends { count: number }>(
  gains: readonly T[],
  samples: number,
  what: string,
  columns: readonly string[],
  cells: (gain: T) => string[],
): string[] {
  if (gains.length === 0) return ["The gain of averaging K predictions takes at least 4 samples to measure."];
  const [half, rest] = [Math.floor(samples / 2), Math.ceil(samples / 2)];
  const row = (count: string, values: readonly string[]) =>
    `${count.padStart(4)}${values.map((value) => value.padStart(20)).join("")}`;
  return [
    `${what}, on ${half} samples, and as predicted from the other ${rest}:`,
    row("K", columns),
    ...gains.map((gain) => row(String(gain.count), cells(gain))),
  ];
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
