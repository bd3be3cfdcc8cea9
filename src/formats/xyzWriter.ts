import { VoxtwirlError } from "../errors.ts";
import { elementSymbol } from "../molecules/elements.ts";
import type { Frame, FrameColumn, InfoValue } from "../molecules/frame.ts";
import { tensor } from "./frameLabels.ts";
import { infoText, inQuotes, realText } from "./infoValues.ts";

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
 *   that are no places, elements that there are not, names with blanks or colons, texts of columns that are no words
 */
export function encodeXyzFrame(frame: Frame, options: WriteFrameOptions = {}): string {
  const { elements, positions, arrays } = frame;
  checkFrame(frame);
  const { digits } = options;
  const place = digits === undefined ? realText : (value: number) => fixed(value, digits);
  const columns = [...arrays].map(([, column]) => column);
  const lines = [String(elements.length), comment(frame, place)];
  for (let i = 0; i < elements.length; i++) {
    const symbol = elements[i] === 0 ? "X" : elementSymbol(elements[i]!);
    let line = `${symbol} ${place(positions[3 * i]!)} ${place(positions[3 * i + 1]!)} ${place(positions[3 * i + 2]!)}`;
    for (const column of columns) {
      for (let k = 0; k < column.width; k++) line += ` ${word(column, i * column.width + k)}`;
    }
    lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

function comment({ cell, pbc, origin, arrays, info }: Frame, place: (value: number) => string): string {
  const places = (values: Float64Array) => `"${Array.from(values, place).join(" ")}"`;
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

/** A number with so many digits behind the point; no minus before zero. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return value < 0 && value > -1 && Number(text) === 0 ? text.slice(1) : text;
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

function checkFrame({ elements, positions, cell, origin, arrays, info }: Frame): void {
  const n = elements.length;
  if (n === 0 || positions.length !== 3 * n) throw unfit(`${positions.length} coordinates are not those of ${n} atoms`);
  const places = { positions, cell: cell ?? new Float64Array(9), origin: origin ?? new Float64Array(3) };
  for (const [name, values] of Object.entries(places)) {
    if (!values.every(Number.isFinite)) throw unfit(`its ${name} has numbers that are not finite`);
  }
  if (places.cell.length !== 9) throw unfit(`its cell has ${places.cell.length} numbers, not 9`);
  if (places.origin.length !== 3) throw unfit(`its origin has ${places.origin.length} numbers, not 3`);
  const none = elements.find((element) => element > 118);
  if (none !== undefined) throw unfit(`it has the element ${none}`);
  for (const [name, { kind, width, values }] of arrays) {
    if (!/^[^\s:"'={}[\]\\]+$/.test(name)) throw unfit(`a column is named ${JSON.stringify(name)}`);
    if (values.length !== n * width) throw unfit(`its ${name} has ${values.length} entries, not ${n} of ${width}`);
    const bad = kind === "S" ? values.find((text) => !/^\S+$/.test(text)) : undefined;
    if (bad !== undefined) throw unfit(`its ${name} has the text ${JSON.stringify(bad)}, which is no word`);
    if (kind === "I" && !values.every(Number.isSafeInteger)) throw unfit(`its ${name} has numbers that are not whole`);
  }
  for (const key of info.keys()) {
    if (key === "" || /[\r\n]|^(properties|lattice|pbc|origin)$/i.test(key)) {
      throw unfit(`a value is named ${JSON.stringify(key)}`);
    }
  }
}

function unfit(what: string): VoxtwirlError {
  const fix = "Change it: an extended XYZ file cannot hold that.";
  return new VoxtwirlError("bad-molecule", `a frame cannot be written: ${what}`, fix);
}
