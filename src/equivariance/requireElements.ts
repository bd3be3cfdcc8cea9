import { VoxtwirlError } from "../errors.ts";
import { rotationFault } from "./cubeSymmetries.ts";
import type { Rotation, RotationGroup } from "./groups.ts";

/** What entries may be off by, as those of files in few digits are. */
const TOLERANCE = 0.01;

/**
 * @throws VoxtwirlError "bad-option" unless these are two or more elements of the group: different ones of a finite
 *   one, all in their order where they have weights
 */
export function requireElements(group: RotationGroup, rotations: readonly Rotation[]): void {
  const fail = (what: string, fix: string) => new VoxtwirlError("bad-option", what, fix);
  if (rotations.length < 2) throw fail(`there are ${rotations.length} rotations`, "Give at least two.");
  const all = group.enumerate?.();
  const seen = new Set<number>();
  rotations.forEach((rotation, i) => {
    const fault = rotation.length === 9 ? undefined : `has ${rotation.length} entries`;
    const foreign = fault ?? (all ? undefined : rotationFault(rotation, TOLERANCE, group.name !== "so3"));
    if (foreign !== undefined) throw fail(`rotation ${i} ${foreign}`, "Give nine numbers, row major, active.");
    if (all === undefined) return;
    const element = group.weights ? i : all.findIndex((other) => isNear(other, rotation));
    if (element < 0 || !isNear(all[element], rotation)) {
      throw fail(`rotation ${i} is not one of ${group.name}, or not in its place`, "Give the rotations of that group.");
    }
    if (seen.has(element)) throw fail(`rotation ${i} is there already`, "Give different elements of the group.");
    seen.add(element);
  });
  if (group.weights === undefined || rotations.length === group.order) return;
  throw fail(`${rotations.length} rotations are not all ${group.order} of ${group.name}`, "Give all of them.");
}

function isNear(a: Rotation | undefined, b: Rotation): boolean {
  return a !== undefined && a.every((value, k) => Math.abs(value - b[k]!) <= TOLERANCE);
}
