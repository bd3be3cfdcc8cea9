import { requireWhole } from "../check.ts";
import { elementSymbol } from "../molecules/elements.ts";
import type { Frame, FrameColumn, InfoValue } from "../molecules/frame.ts";
import { checkFrame, requireFrame } from "./checkFrame.ts";
import { tensor } from "./frameLabels.ts";
import { infoText, inQuotes, realText } from "./infoValues.ts";
import { fixedText, TextBytes } from "./textBytes.ts";

/** How a frame is written. */
export interface WriteFrameOptions {
  /**
   * Digits behind the point of positions, cell and origin, from 0 to 20; by default as many as give back the same
   * numbers. Columns and values always have these.
   */
  digits?: number | undefined;
}

/**
 * A frame as extended XYZ text, which ASE and `readXyzFrames` read back to the last digit: species and pos, then the
 * frame's columns; `Lattice`, `Origin`, `pbc` and the frame's values on the comment line. A dummy atom is X.
 *
 * @throws VoxtwirlError "bad-molecule" for what no such file can hold: arrays of another length than the atoms, numbers
 *   that are no places, elements that there are not, names with blanks or colons, texts of columns that are no words;
 *   "bad-option" for what is no frame
 */
export function encodeXyzFrame(frame: Frame, options: WriteFrameOptions = {}): string {
  const into = new TextBytes();
  writeXyzFrame(into, frame, options);
  return new TextDecoder().decode(into.take());
}

/** `encodeXyzFrame` behind what stands there. @throws VoxtwirlError as it does, with nothing written */
export function writeXyzFrame(into: TextBytes, frame: Frame, { digits }: WriteFrameOptions): void {
  requireFrame(frame);
  checkFrame(frame);
  if (digits !== undefined) requireWhole("digits", digits, 0, 20);
  const { elements, positions, arrays } = frame;
  const columns = [...arrays.values()];
  into.text(`${elements.length}\n${comment(frame, digits)}\n`);
  for (let i = 0; i < elements.length; i++) {
    into.text(elements[i] === 0 ? "X" : elementSymbol(elements[i]!));
    for (let k = 0; k < 3; k++) {
      into.text(" ");
      const value = positions[3 * i + k]!;
      if (digits === undefined) into.text(realText(value));
      else into.fixed(value, digits);
    }
    for (const column of columns) {
      for (let k = 0; k < column.width; k++) into.text(` ${word(column, i * column.width + k)}`);
    }
    into.text("\n");
  }
}

function comment({ cell, pbc, origin, arrays, info }: Frame, digits: number | undefined): string {
  const places = (values: Float64Array) => `"${Array.from(values, (value) => place(value, digits)).join(" ")}"`;
  const columns = [...arrays].map(([name, { kind, width }]) => `:${name}:${kind}:${width}`);
  const parts = [
    ...(cell === undefined ? [] : [`Lattice=${places(cell)}`]),
    ...(origin === undefined ? [] : [`Origin=${places(origin)}`]),
    `Properties=species:S:1:pos:R:3${columns.join("")}`,
    ...(pbc === undefined ? [] : [`pbc="${pbc.map((one) => (one ? "T" : "F")).join(" ")}"`]),
    ...[...info].map(([key, value]) => `${inQuotes(key)}=${infoText(plainTensor(key, value))}`),
  ];
  return parts.join(" ");
}

/** ASE takes nine numbers, not nested, and nothing else for these two. */
function plainTensor(key: string, value: InfoValue): InfoValue {
  return key === "stress" || key === "virial" ? [...tensor(value)] : value;
}

function place(value: number, digits: number | undefined): string {
  return digits === undefined ? realText(value) : fixedText(value, digits);
}

function word(column: FrameColumn, at: number): string {
  switch (column.kind) {
    case "R":
    case "I":
      return realText(column.values[at]!);
    case "L":
      return column.values[at] === 0 ? "F" : "T";
    case "S":
      return column.values[at]!;
  }
}
