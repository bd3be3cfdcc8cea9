/** What a measurement's own numbers say against it, a line each. */
import type { BetterReading, RotationReading } from "../equivariance/conventions.ts";

/** The reading of the rotations that explains predictions far better. */
export function readingRemark({ reading, lossTotal, lossTotalAsked, samples }: BetterReading, measured: number): string {
  const on = samples < measured ? `On the first ${samples} samples, ` : "";
  const [how, question] = wording(reading);
  const text = `${how} lossTotal would be ${short(lossTotal)} instead of ${short(lossTotalAsked)}: ${question}?`;
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
  const order = axes === "zyx" ? "the axes reversed (z y x)" : `the axes in the order ${[...axes].join(" ")}`;
  const parts = [
    ...(transposed ? ["the transposed matrices"] : []),
    ...(axes === "xyz" ? [] : [order]),
    ...(flipped === "" ? [] : [`the ${flipped} axis flipped`]),
  ];
  const only = parts.length === 1;
  const question = only && transposed ? "are the rotations passive" : "is that what the rotations are for";
  return [`with ${parts.join(" and ")}`, question];
}

/** A loss above that of predicting zero, or targets that are zero; undefined where there is nothing to say. */
export function zeroRemark(loss: number, zero: number, names = ["lossTotal", "lossZero"]): string | undefined {
  if (!(loss > zero)) return undefined;
  if (zero === 0) return "All targets are zero: is that the right file?";
  return `${names[0]} is above ${names[1]}: predicting zero would do better. Are predictions and targets of one order, unit and kind?`;
}

/** Two digits, as a remark needs them. */
function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
