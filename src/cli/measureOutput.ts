import type { Decomposition } from "../equivariance/estimators.ts";
import type { TwirlGain } from "../equivariance/gain.ts";
import type { PoseResult } from "../equivariance/poseEstimator.ts";
import { formatLoss, formatPercentError } from "../report/format.ts";
import { formatRatio } from "../report/table.ts";

export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** One object on one line. JSON has no NaN: null stands for it. */
export function printJson(value: object): void {
  print([JSON.stringify(value)]);
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
  if (gains.length === 0) return ["The gain of averaging K predictions takes at least 4 samples to measure."];
  const [half, rest] = [Math.floor(samples / 2), Math.ceil(samples / 2)];
  return [
    `Loss taken away by averaging K predictions, on ${half} samples, and as predicted from the other ${rest}:`,
    `${"K".padStart(4)}${"gain".padStart(20)}${"predicted".padStart(20)}`,
    ...gains.map(({ count, percentGain, percentGainStdErr, percentPredicted, percentPredictedStdErr }) => {
      const [gain, predicted] = [
        percent(percentGain, percentGainStdErr),
        percent(percentPredicted, percentPredictedStdErr),
      ];
      return `${String(count).padStart(4)}${gain.padStart(20)}${predicted.padStart(20)}`;
    }),
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
