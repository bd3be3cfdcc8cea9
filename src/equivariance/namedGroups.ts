import { cyclic2, cyclic4, fullOctahedral, mirrors } from "./cubeGroups.ts";
import { o3, octahedral, so3, type RotationGroup } from "./groups.ts";
import { quadrature } from "./quadrature.ts";

/** The groups of rotations by their names, as commands and files have them. */
export const namedGroups = {
  so3: () => so3(),
  o3: () => o3(),
  octahedral,
  "full-octahedral": fullOctahedral,
  mirrors,
  "cyclic2-x": () => cyclic2("x"),
  "cyclic2-y": () => cyclic2("y"),
  "cyclic2-z": () => cyclic2("z"),
  "cyclic4-x": () => cyclic4("x"),
  "cyclic4-y": () => cyclic4("y"),
  "cyclic4-z": () => cyclic4("z"),
  "quadrature-3": () => quadrature(3),
  "quadrature-5": () => quadrature(5),
  "quadrature-7": () => quadrature(7),
  "quadrature-9": () => quadrature(9),
  "quadrature-11": () => quadrature(11),
} as const satisfies Record<string, () => RotationGroup>;

export type GroupName = keyof typeof namedGroups;

export const groupNames = Object.keys(namedGroups) as GroupName[];

export function isGroupName(name: string): name is GroupName {
  return Object.hasOwn(namedGroups, name);
}
