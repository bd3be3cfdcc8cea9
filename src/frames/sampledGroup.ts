import { o3, so3, type Rotation, type RotationGroup } from "../equivariance/groups.ts";
import { determinant } from "../equivariance/matrices.ts";
import { groupNames, isGroupName, namedGroups } from "../equivariance/namedGroups.ts";

/** What the rotations of a frame are drawn from. */
export interface SampledGroup {
  /** The group's name; "independent" where no file says it. */
  readonly name: string;
  readonly group: RotationGroup;
}

/** Groups whose elements are whole numbers, with the names of these. */
let known: ReadonlyMap<string, { readonly group: RotationGroup; readonly elements: ReadonlySet<string> }> | undefined;

/**
 * What rotations are drawn from: different elements of the group that the file names, or of a finite group where they
 * are all of its elements; else independent draws from all rotations, with reflections where there are such. Undefined
 * for a quadrature of which some are missing.
 *
 * @param inFile the group's name in the file, and how many elements it has where that is said
 */
export function sampledGroup(
  rotations: readonly Rotation[],
  inFile: { readonly name?: string | undefined; readonly order?: number | undefined } = {},
): SampledGroup | undefined {
  const { name: said, order } = inFile;
  const quadrature = said?.startsWith("quadrature-") && isGroupName(said) ? namedGroups[said]() : undefined;
  if (quadrature !== undefined) return isWhole(quadrature, rotations) ? { name: said!, group: quadrature } : undefined;
  const group = rotations.some((rotation) => determinant(rotation) < 0) ? o3() : so3();
  const independent = { name: said ?? "independent", group };
  if (said !== undefined && order !== undefined && !isGroupName(said) && areDifferent(rotations, order)) {
    // Only the file that it is from knows elements of which there is no copy.
    const enumerate = rotations.length === order ? { enumerate: () => [...rotations] } : {};
    return { name: said, group: { ...group, name: said, order, ...enumerate } };
  }
  const names = rotations.map(nameOf);
  if (names.includes(undefined) || new Set(names).size < names.length) return independent;
  known ??= new Map(
    groupNames.flatMap((name) => {
      const one: RotationGroup = namedGroups[name]();
      if (one.weights !== undefined || one.enumerate === undefined) return [];
      return [[name, { group: one, elements: new Set(one.enumerate().map((rotation) => nameOf(rotation)!)) }]];
    }),
  );
  for (const [name, one] of known) {
    const fits = said === undefined ? one.elements.size === names.length : name === said;
    if (fits && names.every((element) => one.elements.has(element!))) return { name, group: one.group };
  }
  return independent;
}

function isWhole(group: RotationGroup, rotations: readonly Rotation[]): boolean {
  const all = group.enumerate!();
  return all.length === rotations.length && rotations.every((rotation, i) => isNear(rotation, all[i]!));
}

/** Whether rotations can be different elements of so many. */
function areDifferent(rotations: readonly Rotation[], order: number): boolean {
  const isNew = (one: Rotation, i: number) => rotations.findIndex((other) => isNear(one, other)) === i;
  return rotations.length <= order && rotations.every(isNew);
}

function isNear(a: Rotation, b: Rotation): boolean {
  return a.every((value, k) => Math.abs(value - b[k]!) < 1e-6);
}

/** Of a matrix of whole numbers up to the rounding of ten digits; undefined of others. */
function nameOf(rotation: Rotation): string | undefined {
  const whole = rotation.map(Math.round);
  return rotation.every((value, i) => Math.abs(value - whole[i]!) < 1e-6)
    ? whole.map((value) => value + 0).join()
    : undefined;
}
