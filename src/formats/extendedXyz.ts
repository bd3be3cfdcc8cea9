import { quoted } from "./lines.ts";
import { forcesColumn } from "./xyzLabels.ts";

/** Where the columns of an XYZ file's atom lines are, from 0. */
export interface XyzColumns {
  /** The symbol or atomic number. */
  readonly element: number;
  /** x; y and z follow. */
  readonly position: number;
  /** The first of three forces; undefined where there are none. */
  readonly forces?: number;
  /** Columns that are looked at, from the first on. */
  readonly needed: number;
}

/** `symbol x y z`, as every XYZ file has it that says nothing else. */
const plainColumns: XyzColumns = { element: 0, position: 1, needed: 4 };

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
 * The columns that the comment of an extended XYZ file names in `Properties=name:type:width:...`; the usual ones where
 * it names none. A sentence where they cannot be read. Cells and all other columns than forces are passed over.
 */
export function xyzColumns(comment: string): XyzColumns | string {
  const properties = propertiesOf(comment);
  if (properties === undefined || !properties.includes(":")) return plainColumns;
  const parts = properties.split(":");
  const found = new Map<string, { at: number; width: number; type: string }>();
  let at = 0;
  for (let i = 0; i < parts.length; i += 3) {
    const width = parts.length > i + 2 && /^[a-z]$/i.test(parts[i + 1]!.trim()) ? Number(parts[i + 2]) : NaN;
    if (!(Number.isInteger(width) && width > 0 && width < 1000)) {
      return `the columns ${quoted(properties)} are not name:type:width, one after another`;
    }
    const name = parts[i]!.trim().toLowerCase();
    if (!found.has(name)) found.set(name, { at, width, type: parts[i + 1]!.trim().toUpperCase() });
    at += width;
  }
  const one = (names: readonly string[]) => names.map((name) => found.get(name)).find((column) => column !== undefined);
  const [element, position] = [one(elementNames), one(positionNames)];
  if (element?.width !== 1) return `the columns ${quoted(properties)} name no element (species:S:1 or Z:I:1)`;
  if (position?.width !== 3) return `the columns ${quoted(properties)} name no positions (pos:R:3)`;
  const vectors = [...found].filter(([, { type, width }]) => type === "R" && width === 3).map(([name]) => name);
  const forces = found.get(forcesColumn(vectors) ?? "")?.at;
  const ends = [element.at + 1, position.at + 3, ...(forces === undefined ? [] : [forces + 3])];
  const columns = { element: element.at, position: position.at, needed: Math.max(...ends) };
  return forces === undefined ? columns : { ...columns, forces };
}

/** The value of `Properties` outside of other values' quotes. */
function propertiesOf(comment: string): string | undefined {
  let quotes = 0;
  let from = 0;
  for (const match of comment.matchAll(
    /(?<![\w"])properties\s*=\s*("[^"]{0,2000}"|'[^']{0,2000}'|\{[^}]{0,2000}\}|[^\s"'{]+)/gi,
  )) {
    for (; from < match.index; from++) if (comment[from] === '"') quotes++;
    if (quotes % 2 === 0) return match[1]!.replace(/^["'{]|["'}]$/g, "").trim();
  }
  return undefined;
}
