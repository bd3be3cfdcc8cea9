/** What a measurement's own numbers say against it, a line each. */
import { requireObject } from "../check.ts";
import type { BetterReading } from "../equivariance/betterReading.ts";
import type { RotationReading } from "../equivariance/rotationReadings.ts";
import { formatLoss } from "./format.ts";

/**
 * The reading of the rotations that explains predictions far better.
 *
 * @param measured how many samples were measured in all
 * @param lossName what the squared error of the readings is called where lossTotal is another loss
 */
export function readingRemark(better: BetterReading, measured: number, lossName = "lossTotal"): string {
  requireObject("better", better, "Give the betterReading of a measurement, where there is one.");
  const { reading, lossTotal, lossTotalAsked, samples } = better;
  const on = samples < measured ? `On the first ${samples} samples, ` : "";
  const [how, question] = wording(reading);
  const text = `${how} ${lossName} would be ${short(lossTotal)} instead of ${short(lossTotalAsked)}: ${question}?`;
  return on + (on ? text : text[0]!.toUpperCase() + text.slice(1));
}

function wording(reading: RotationReading): [how: string, question: string] {
  if (reading.kind === "rotated-back") {
    return ["with the predictions left as they are", "are they rotated back already"];
  }
  if (reading.kind === "rows") {
    const first = reading.rows.findIndex((row, i) => row !== i);
    const pair = `prediction ${first} with matrix ${reading.rows[first]}`;
    return [`with the same matrices in another order (${pair})`, "are they in the order of the predictions"];
  }
  const { transposed, axes, flipped } = reading;
  const order = axes === "zyx" ? "the axes reversed (z y x)" : `the axes in the order ${Array.from(axes).join(" ")}`;
  const parts = [
    ...(transposed ? ["the transposed matrices"] : []),
    ...(axes === "xyz" ? [] : [order]),
    ...(flipped === "" ? [] : [`the ${flipped} axis flipped`]),
  ];
  const only = parts.length === 1;
  const question = only && transposed ? "are the rotations passive" : "is that the convention of the matrices";
  return [`with ${parts.join(" and ")}`, question];
}

/** What may be wrong with a model, and with arrays, whose loss is above that of predicting zero. */
export const MODEL_ADVICE = "It has not learned yet, or the data is of another kind than it was trained on.";
export const ARRAYS_ADVICE = "Are predictions and targets in one order and unit, and rotated back in the right way?";

/** One line where a loss is above that of predicting zero, or where there is nothing to predict; else none. */
export function zeroRemarks(
  loss: number,
  zero: number,
  advice: string,
  [lossName, zeroName]: readonly [string, string] = ["lossTotal", "lossZero"],
): string[] {
  if (zero === 0) return ["All targets are zero: is that what the model should give?"];
  if (!(loss > zero)) return [];
  return [`Warning: ${lossName} is above ${zeroName}, predicting zero would do better. ${advice}`];
}

/** Two digits are what a remark needs. */
function short(value: number): string {
  return value >= 1e-3 && value < 100 ? value.toPrecision(2) : formatLoss(value);
}
