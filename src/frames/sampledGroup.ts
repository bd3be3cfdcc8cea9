import { cyclic4, fullOctahedral } from "../equivariance/cubeGroups.ts";
import { octahedral, type Rotation } from "../equivariance/groups.ts";

/** What the rotations of a frame are drawn from. */
export interface SampledGroup {
  readonly name: string;
  /** Elements of the group where they are different ones of it, Infinity for independent draws. */
  readonly order: number;
}

/** Names of elements, which have whole numbers, by those of their groups. */
let known: ReadonlyMap<string, ReadonlySet<string>> | undefined;

/**
 * What rotations are drawn from: different elements of the group that the file names, or of the octahedral group, that
 * with reflections or a cyclic one where they are all of its elements; else independent draws.
 *
 * @param said the group's name in the file
 */
export function sampledGroup(rotations: readonly Rotation[], said?: string): SampledGroup {
  const independent = { name: said ?? "independent", order: Infinity };
  const names = rotations.map(nameOf);
  if (names.includes(undefined) || new Set(names).size < names.length) return independent;
  known ??= new Map(
    [octahedral(), fullOctahedral(), cyclic4("x"), cyclic4("y"), cyclic4("z")].map((group) => [
      group.name,
      new Set(group.enumerate!().map((rotation) => nameOf(rotation)!)),
    ]),
  );
  for (const [name, elements] of known) {
    const fits = said === undefined ? elements.size === names.length : name === said;
    if (fits && names.every((one) => elements.has(one!))) return { name, order: elements.size };
  }
  return independent;
}

/** Of a matrix of whole numbers up to the rounding of ten digits; undefined of others. */
function nameOf(rotation: Rotation): string | undefined {
  const whole = rotation.map(Math.round);
  return rotation.every((value, i) => Math.abs(value - whole[i]!) < 1e-6)
    ? whole.map((value) => value + 0).join()
    : undefined;
}
