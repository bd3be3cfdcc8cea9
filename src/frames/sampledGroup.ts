import { o3, so3, type Rotation, type RotationGroup } from "../equivariance/groups.ts";
import { determinant } from "../equivariance/matrices.ts";
import { groupNames, namedGroups, type GroupName } from "../equivariance/namedGroups.ts";

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
 * @param said the group's name in the file
 */
export function sampledGroup(rotations: readonly Rotation[], said?: string): SampledGroup | undefined {
  const quadrature = said?.startsWith("quadrature-") && isGroupName(said) ? namedGroups[said]() : undefined;
  if (quadrature !== undefined) return isWhole(quadrature, rotations) ? { name: said!, group: quadrature } : undefined;
  const group = rotations.some((rotation) => determinant(rotation) < 0) ? o3() : so3();
  const independent = { name: said ?? "independent", group };
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

function isGroupName(name: string): name is GroupName {
  return (groupNames as string[]).includes(name);
}

function isWhole(group: RotationGroup, rotations: readonly Rotation[]): boolean {
  const all = group.enumerate!();
  const near = (a: Rotation, b: Rotation) => a.every((value, k) => Math.abs(value - b[k]!) < 1e-6);
  return all.length === rotations.length && rotations.every((rotation, i) => near(rotation, all[i]!));
}

/** Of a matrix of whole numbers up to the rounding of ten digits; undefined of others. */
function nameOf(rotation: Rotation): string | undefined {
  const whole = rotation.map(Math.round);
  return rotation.every((value, i) => Math.abs(value - whole[i]!) < 1e-6)
    ? whole.map((value) => value + 0).join()
    : undefined;
}
