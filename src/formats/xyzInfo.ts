/** What the comment of an extended XYZ file says of a frame: its cell, and values by their names. */
import type { Frame, InfoValue } from "../molecules/frame.ts";
import { flatNumbers } from "./frameLabels.ts";
import { infoValue } from "./infoValues.ts";
import { quoted, realNumber } from "./lines.ts";
import { Unusable } from "./records.ts";
import type { CommentValue } from "./xyzComment.ts";
import { qm9Name } from "./qm9.ts";

type Values = ReadonlyMap<string, CommentValue | undefined>;

/** Keys that are no values of the frame. */
const structural = ["properties", "lattice", "pbc", "origin"];

/** A key that is no value of the frame in lower case; undefined for others. */
function structuralName(key: string): string | undefined {
  return structural.find((name) => name.length === key.length && name === key.toLowerCase());
}

export type FrameCell = Pick<Frame, "cell" | "pbc" | "origin">;

/**
 * `Lattice`, `pbc` and `Origin`. Without `pbc`, a frame with a cell repeats along all of its vectors, as ASE takes it.
 *
 * @param tolerant passes over a cell that cannot be read, and takes any true `pbc` for all
 * @throws Unusable in strict readings, with the line
 */
export function frameCell(values: Values, line: number, tolerant: boolean): FrameCell {
  const lower = new Map<string, CommentValue | undefined>();
  for (const [key, value] of values) {
    const name = structuralName(key);
    if (name !== undefined && !lower.has(name)) lower.set(name, value);
  }
  const numbers = (key: string, sizes: readonly number[], fix: string) => {
    if (!lower.has(key)) return undefined;
    const found = flatNumbers(infoValue(lower.get(key)));
    if (found !== undefined && sizes.includes(found.length) && found.every(Number.isFinite)) return found;
    if (tolerant) return undefined;
    throw new Unusable("cells that cannot be read", line, `${key} is ${quoted(lower.get(key)?.text ?? "")}`, fix);
  };
  const lattice = numbers("lattice", [3, 9], 'Write Lattice="ax ay az bx by bz cx cy cz", in Angstrom.');
  const origin = numbers("origin", [3], 'Write Origin="x y z", in Angstrom.');
  const text = lower.get("pbc")?.text;
  const pbc = text === undefined ? undefined : (periodicity(text) ?? tolerantPbc(text, tolerant, line));
  const all = lower.has("lattice");
  return {
    ...(lattice && { cell: lattice.length === 9 ? Float64Array.from(lattice) : diagonal(lattice) }),
    pbc: pbc ?? [all, all, all],
    ...(origin && { origin: Float64Array.from(origin) }),
  };
}

/** Three truth values, or one for all. */
function periodicity(text: string): [boolean, boolean, boolean] | undefined {
  const words = (text.match(/[^\s,[\]]+/g) ?? []).map((word) => word.toLowerCase());
  const found = words.map((word) =>
    /^(t|true|1)$/.test(word) ? true : /^(f|false|0)$/.test(word) ? false : undefined,
  );
  if (found.includes(undefined) || (found.length !== 1 && found.length !== 3)) return undefined;
  const [a, b = a, c = a] = found;
  return [a!, b!, c!];
}

function tolerantPbc(text: string, tolerant: boolean, line: number): [boolean, boolean, boolean] {
  if (!tolerant) {
    throw new Unusable("cells that cannot be read", line, `pbc is ${quoted(text)}`, 'Write pbc="T T F".');
  }
  const any = /\b(t|true|1)\b/i.test(text);
  return [any, any, any];
}

/** A cell of right angles by its three lengths. */
function diagonal([a, b, c]: readonly number[]): Float64Array {
  return Float64Array.of(a!, 0, 0, 0, b!, 0, 0, 0, c!);
}

/** The cell of lines `VEC1 x y z`, as many as the directions along which the atoms repeat. */
export function vectorCell(lines: readonly string[], last: number): FrameCell {
  const cell = new Float64Array(9);
  const pbc: [boolean, boolean, boolean] = [false, false, false];
  lines.forEach((line, i) => {
    const [name, ...words] = line.trim().split(/\s+/, 4);
    const at = Number(name!.slice(3)) - 1;
    const vector = words.map((word) => realNumber(word) ?? NaN);
    if (vector.length !== 3 || !vector.every(Number.isFinite)) {
      const message = `expected three numbers after ${name}, found ${quoted(words.join(" "))}`;
      throw new Unusable("cells that cannot be read", last - lines.length + 1 + i, message, "Write VEC1 x y z.");
    }
    cell.set(vector, 3 * at);
    pbc[at] = true;
  });
  return { cell, pbc };
}

/** The values of a comment; of one without any `key=value` the text, as `comment`. */
export function commentInfo(comment: string, values: Values): Map<string, InfoValue> {
  if (values.size === 0) {
    const text = qm9Name(comment) ?? comment.trim();
    return new Map(text === "" ? [] : [["comment", text]]);
  }
  const info = new Map<string, InfoValue>();
  for (const [key, value] of values) {
    if (structuralName(key) !== undefined || (value === undefined && !/^[A-Za-z_][\w-]*$/.test(key))) continue;
    info.set(key, infoValue(value));
  }
  return info;
}
