/** Names of arrays in .npz files of molecules, the first first. */
const names = {
  numbers: ["nuclear_charges", "z", "Z", "atomic_numbers", "numbers", "species", "atomic_number", "elements"],
  positions: ["coords", "R", "positions", "coordinates", "pos", "coord", "xyz"],
  energies: ["energies", "E", "energy"],
  forces: ["forces", "F", "force"],
  stress: ["stress", "stresses"],
  virial: ["virial", "virials"],
  cells: ["cell", "cells"],
  pbc: ["pbc"],
  twirlFrame: ["twirl_frame"],
  twirlRotation: ["twirl_rotation"],
  twirlCopy: ["twirl_copy"],
  twirlCopies: ["twirl_copies"],
  twirlRepeat: ["twirl_repeat"],
  twirlAngle: ["twirl_angle"],
  twirlOrder: ["twirl_order"],
} as const;

/** Those by which MD17 and rMD17 are known, whose labels are in kcal/mol. */
const md17 = [
  ["nuclear_charges", "coords"],
  ["z", "R"],
];

/** Arrays that may say in which units the others are. */
export const unitArrays = ["e_unit", "r_unit", "units", "unit", "energy_unit", "energy_units"].map(fileOf);

/** Files of an archive by what they hold. */
export interface ArrayNames {
  readonly numbers: string;
  readonly positions: string;
  readonly energies?: string;
  readonly forces?: string;
  readonly stress?: string;
  readonly virial?: string;
  readonly cells?: string;
  readonly pbc?: string;
  /** Of which frame each is a rotated copy. */
  readonly twirlFrame?: string;
  /** By which rotation. */
  readonly twirlRotation?: string;
  /** Which of how many of that frame. */
  readonly twirlCopy?: string;
  readonly twirlCopies?: string;
  /** Which of `REPEAT_KINDS` it is, from 1; 0 for none. */
  readonly twirlRepeat?: string;
  /** Of a pose near an axis, else NaN. */
  readonly twirlAngle?: string;
  /** Elements of the group of all copies, a single number. */
  readonly twirlOrder?: string;
}

/** A cell whose vectors may be rows or columns: sGDML has columns. */
export const latticeArray = fileOf("lattice");

/** A text: what all rotations are drawn from. */
export const twirlGroupArray = fileOf("twirl_group");

/** The arrays of molecules among an archive's files. */
export function npzArrays(files: readonly string[]): Partial<ArrayNames> & { readonly ofMd17: boolean } {
  const there = new Set(files);
  const of = (key: keyof typeof names) => names[key].map(fileOf).find((name) => there.has(name));
  const found = Object.fromEntries(
    (Object.keys(names) as (keyof typeof names)[]).flatMap((key) => {
      const name = of(key);
      return name === undefined ? [] : [[key, name] as const];
    }),
  ) as Partial<ArrayNames>;
  const ofMd17 = md17.some(([z, r]) => found.numbers === fileOf(z!) && found.positions === fileOf(r!));
  return { ...found, ofMd17 };
}

function fileOf(name: string): string {
  return `${name}.npy`;
}
