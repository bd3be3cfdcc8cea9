import { basename } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { RotationGroup } from "../equivariance/groups.ts";
import { matrixGroup } from "../equivariance/matrixGroup.ts";
import { isGroupName, namedGroups } from "../equivariance/namedGroups.ts";
import { readJson } from "../node/files.ts";
import { badOption, text } from "./args.ts";

const layout =
  'Give { "name": "d3", "matrices": [[[1, 0, 0], [0, 1, 0], [0, 0, 1]], ...] } with all elements, or "generators" in ' +
  "place of matrices.";

/** `--group`, of which some words are names of groups, and what ends in .json is a file of one. */
export function groupOption<const T extends string>(help: string, names: readonly T[]) {
  return text("--group <KIND|FILE>", help).argParser((value: string): T | `${string}.json` => {
    const found = names.find((name) => name === value) ?? (isGroupFile(value) ? value : undefined);
    if (found !== undefined) return found;
    throw badOption(`--group ${value} is not known`, `Use one of: ${names.join(", ")}; or a .json file of a group.`);
  });
}

export function isGroupFile(value: string): value is `${string}.json` {
  return /\.json$/i.test(value);
}

/** The group of a name, or of a file. */
export async function chosenGroup(value: string): Promise<RotationGroup> {
  return isGroupName(value) ? namedGroups[value]() : readGroupFile(value);
}

/**
 * Reads a finite group from a JSON file: its name, by default the file's, and `matrices`, all elements, or
 * `generators`; a list alone is of matrices. Each is three rows of three numbers, or nine.
 *
 * @throws VoxtwirlError "io" and "bad-file"
 */
export async function readGroupFile(path: string): Promise<RotationGroup> {
  const content = await readJson(path);
  const given = Array.isArray(content) ? { matrices: content as unknown } : content;
  const fail = (what: string, fix = layout) => new VoxtwirlError("bad-file", `${path}: ${what}`, fix);
  if (typeof given !== "object" || given === null) throw fail("is no group of matrices");
  const { name = basename(path).replace(/\.json$/i, ""), ...lists } = given as Readonly<Record<string, unknown>>;
  const known = ["matrices", "generators"];
  const other = Object.keys(lists).find((key) => !known.includes(key));
  if (other !== undefined) throw fail(`has ${JSON.stringify(other)}, which is not known`);
  if (typeof name !== "string" || name === "") throw fail("its name is no text");
  const of = (key: string) => (lists[key] === undefined ? {} : { [key]: matricesOf(key, lists[key], fail) });
  try {
    return matrixGroup({ name, ...of("matrices"), ...of("generators") });
  } catch (error) {
    if (error instanceof VoxtwirlError && error.code === "bad-option") throw fail(error.message, error.fix);
    throw error;
  }
}

/** Rows one after another. */
function matricesOf(key: string, given: unknown, fail: (what: string) => VoxtwirlError): number[][] {
  if (!Array.isArray(given)) throw fail(`${key} is no list`);
  return given.map((matrix: unknown, i) => {
    const numbers: unknown[] = Array.isArray(matrix) ? matrix.flat() : [];
    const rows = Array.isArray(matrix) && (matrix.length === 9 || matrix.length === 3);
    if (rows && numbers.length === 9 && numbers.every((value) => typeof value === "number")) return numbers;
    throw fail(`${key}[${i}] is no matrix of three rows of three numbers`);
  });
}
