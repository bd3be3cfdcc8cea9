import type { FrameColumn } from "../molecules/frame.ts";
import { quoted } from "./lines.ts";

/** A column, or several of one name, of an XYZ file's atom lines. */
export interface XyzColumn {
  readonly name: string;
  readonly kind: FrameColumn["kind"];
  /** Of how many words it is. */
  readonly width: number;
  /** Its first word, from 0. */
  readonly at: number;
}

/** Where the columns of an XYZ file's atom lines are, in words from 0. */
export interface XyzColumns {
  /** The symbol or atomic number. */
  readonly element: number;
  /** x; y and z follow. */
  readonly position: number;
  /** All others, in their order. */
  readonly others: readonly XyzColumn[];
}

/** `symbol x y z`, as every XYZ file has it that says nothing else. */
const plainColumns: XyzColumns = { element: 0, position: 1, others: [] };

/** Names of the columns that are read, the first first. */
const elementNames = [
  "species",
  "symbols",
  "symbol",
  "element",
  "elements",
  "z",
  "numbers",
  "atomic_numbers",
  "atomic_number",
];
const positionNames = ["pos", "positions", "position", "coords", "coordinates"];

/**
 * The columns that `Properties=name:type:width:...` names, the first of equal names; the usual ones where it names
 * none. A sentence where they cannot be read.
 */
export function xyzColumns(properties: string | undefined): XyzColumns | string {
  if (properties?.includes(":") !== true) return plainColumns;
  const parts = properties.trim().split(":");
  const found = new Map<string, XyzColumn>();
  let at = 0;
  for (let i = 0; i < parts.length; i += 3) {
    const kind = parts[i + 1]?.trim().toUpperCase() ?? "";
    const width = /^[A-Z]$/.test(kind) ? Number(parts[i + 2]) : NaN;
    if (!(Number.isInteger(width) && width > 0 && width < 1000)) {
      return `the columns ${quoted(properties)} are not name:type:width, one after another`;
    }
    const name = parts[i]!.trim();
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, { name, kind: isKind(kind) ? kind : "S", width, at });
    at += width;
  }
  const one = (names: readonly string[]) => names.map((name) => found.get(name)).find((column) => column !== undefined);
  const [element, position] = [one(elementNames), one(positionNames)];
  if (element?.width !== 1) return `the columns ${quoted(properties)} name no element (species:S:1 or Z:I:1)`;
  if (position?.width !== 3) return `the columns ${quoted(properties)} name no positions (pos:R:3)`;
  const others = [...found.values()].filter((column) => column !== element && column !== position);
  return { element: element.at, position: position.at, others };
}

function isKind(kind: string): kind is FrameColumn["kind"] {
  return kind === "R" || kind === "I" || kind === "S" || kind === "L";
}
