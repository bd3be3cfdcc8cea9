import { VoxtwirlError } from "../errors.ts";
import { CUBE_SYMMETRIES, cubeSymmetry, describeMatrix, isReflection } from "./cubeSymmetries.ts";
import { cyclic2, cyclic4, mirrors } from "./cubeGroups.ts";
import type { RotationGroup } from "./groups.ts";
import { OCTAHEDRAL_ORDER } from "./octahedral.ts";

/** What the rotations of a sample are: different ones of a group of the cube's symmetries, or independent draws. */
export type RotationSource = "octahedral" | "full-octahedral" | "so3" | CubeSubgroup;

/** Names of smaller groups of the cube's symmetries. */
export type CubeSubgroup = "mirrors" | `cyclic${2 | 4}-${"x" | "y" | "z"}`;

/** Smaller groups of the cube's symmetries. */
const SUBGROUPS = {
  mirrors,
  "cyclic2-x": () => cyclic2("x"),
  "cyclic2-y": () => cyclic2("y"),
  "cyclic2-z": () => cyclic2("z"),
  "cyclic4-x": () => cyclic4("x"),
  "cyclic4-y": () => cyclic4("y"),
  "cyclic4-z": () => cyclic4("z"),
} as const satisfies Record<CubeSubgroup, () => RotationGroup>;

/** All there are. */
export const rotationSources = [
  "octahedral",
  "full-octahedral",
  "so3",
  ...(Object.keys(SUBGROUPS) as CubeSubgroup[]),
] as const;

function isSubgroup(source: RotationSource): source is CubeSubgroup {
  return source in SUBGROUPS;
}

/** Elements of the group that rotations are drawn from, Infinity for independent draws. */
export function groupOrderOf(source: RotationSource): number {
  if (isSubgroup(source)) return SUBGROUPS[source]().order;
  return { octahedral: OCTAHEDRAL_ORDER, "full-octahedral": CUBE_SYMMETRIES, so3: Infinity }[source];
}

export interface CubeRotations {
  /** Elements of the full octahedral group (see `CUBE_SYMMETRIES`), as the matrices had them. */
  readonly elements: readonly number[];
  /** "full-octahedral" also where "octahedral" was asked for and every sample has all 48. */
  readonly source: RotationSource;
}

/**
 * Which symmetries of the cube matrices are.
 *
 * @param matrices [..., rotations, 3, 3]: active, row major, x y z
 * @param rotations of each sample
 * @param name what to call the matrices in an error
 * @param fix what to do about one that is none
 * @throws VoxtwirlError "bad-file" that names the first matrix that is none, a reflection among rotations, and a
 *   rotation that stands twice in a sample, unless they are independent draws
 */
export function cubeRotations(
  matrices: ArrayLike<number>,
  rotations: number,
  source: RotationSource,
  name = "the rotations",
  fix = NOT_OF_CUBE,
): CubeRotations {
  const fail = (at: number, what: string, fix: string) => {
    const sample = matrices.length > 9 * rotations ? ` of sample ${Math.floor(at / rotations)}` : "";
    throw new VoxtwirlError("bad-file", `${name}: matrix ${at % rotations}${sample} ${what}`, fix);
  };
  const rowOf = (at: number) => Array.from({ length: 9 }, (_, i) => matrices[9 * at + i]!);
  const elements = Array.from({ length: matrices.length / 9 }, (_, at) => {
    const element = cubeSymmetry(rowOf(at));
    return element ?? fail(at, describeMatrix(rowOf(at)), fix);
  });
  const sets = Array.from({ length: elements.length / rotations }, (_, n) =>
    elements.slice(n * rotations, (n + 1) * rotations),
  );
  const whole = sets.every((set) => new Set(set).size === CUBE_SYMMETRIES);
  const used = source === "octahedral" && whole && rotations === CUBE_SYMMETRIES ? "full-octahedral" : source;
  if (isSubgroup(used)) {
    const members = new Set(SUBGROUPS[used]().enumerate!().map(cubeSymmetry));
    const foreign = elements.findIndex((element) => !members.has(element));
    if (foreign >= 0) fail(foreign, `is a symmetry of the cube, but no element of ${used}`, NOT_OF_GROUP);
  }
  const reflection = isSubgroup(used) ? -1 : elements.findIndex(isReflection);
  if (reflection >= 0 && used !== "full-octahedral") {
    const others = elements.filter(isReflection).length - 1;
    const also = ["", ", and so is 1 other"][others] ?? `, and so are ${others} others`;
    const cure = others + 1 === elements.length ? ALL_MIRRORED : MIRRORED;
    fail(reflection, `${describeMatrix(rowOf(reflection))}${also}`, cure);
  }
  const doubled = used === "so3" ? -1 : sets.findIndex((set) => new Set(set).size < rotations);
  if (doubled >= 0) {
    const set = sets[doubled]!;
    const second = set.findIndex((element, i) => set.indexOf(element) < i);
    const what = `is the rotation of matrix ${set.indexOf(set[second]!)} again`;
    fail(doubled * rotations + second, what, "For independent draws use --group so3.");
  }
  return { elements, source: used };
}

const NOT_OF_CUBE = "Give rotations of the cube, or rotate the predictions back yourself and give no rotations.";
const NOT_OF_GROUP = "Leave it out with its predictions, or name the group that has all: see --group.";
const MIRRORED =
  "Leave reflections out with their predictions; where mirror images are meant to count use --group full-octahedral.";
const ALL_MIRRORED = "Rows or columns may be swapped, or an axis reversed on one side alone: write them as rotations.";
