import { covalentRadius } from "../molecules/elements.ts";
import type { Bond, Molecule } from "../molecules/molecule.ts";
import { Unusable } from "./records.ts";

/** Molecules of so few atoms lie in one plane whatever they are. */
const alwaysFlat = 3;
/** Lengths of this ratio or less are one. */
const same = 1.01;
/** A carbon-carbon bond of this length in Angstrom or more is a single one. */
const singleCarbons = 1.45;

/**
 * Refuses a record of an SD file that is a flat drawing, whose lengths mean nothing.
 *
 * Coordinates decide. With an atom off the plane z = 0 the record is a molecule whatever its program line says. In the
 * plane it is a drawing unless columns 21 and 22 (or the end) of its program line say 3D; a molecule of two or three
 * atoms, which always has a plane, needs no such code unless the line says 2D. And it is a drawing, whatever the code,
 * where all atoms are at one point, a carbon has four single bonds, or the bonds are of one length as no molecule's
 * are.
 */
export function refuseDrawing(molecule: Molecule, program: string, line: number): void {
  const { elements, positions } = molecule;
  if (elements.length < 2) return;
  for (let i = 2; i < positions.length; i += 3) if (positions[i] !== 0) return;
  const why = whyDrawing(molecule, program);
  if (why === undefined) return;
  throw new Unusable(
    "flat drawings",
    line,
    `the molecule is a flat drawing (2D): ${why}`,
    "Make 3D coordinates first, e.g. with Open Babel: obabel in.sdf -O out.sdf --gen3d.",
  );
}

function whyDrawing(molecule: Molecule, program: string): string | undefined {
  const { elements, positions } = molecule;
  if (positions.every((value, i) => value === positions[i % 3])) return "all its atoms are at one point";
  const code = program.slice(20, 22).toUpperCase();
  const solid = code === "3D" || /3D\s*$/i.test(program.slice(22));
  if (code === "2D") return "its program line says 2D, and all z are 0";
  if (!solid && elements.length > alwaysFlat) return "all z are 0, and its program line does not say 3D";
  if (hasFlatTetrahedron(molecule)) return "a carbon with four single bonds lies in the plane z = 0";
  // Two atoms may be as far apart as a calculation put them.
  return solid && elements.length === 2 ? undefined : whyBondsAreDrawn(molecule);
}

function hasFlatTetrahedron({ elements, bonds = [] }: Molecule): boolean {
  const singles = new Uint32Array(elements.length);
  for (const { a, b, order } of bonds) {
    if (order !== 1) continue;
    singles[a]!++;
    singles[b]!++;
  }
  return singles.some((count, i) => count > 3 && elements[i] === 6);
}

/** Why the bonds are a drawing's. That all have one length is not enough: benzene's and carbon dioxide's have, too. */
function whyBondsAreDrawn(molecule: Molecule): string | undefined {
  const { elements, bonds = [] } = molecule;
  if (bonds.length === 0) return undefined;
  const lengths = bonds.map((bond) => bondLength(molecule, bond));
  const short = bonds.filter((bond, i) => isDrawnShort(lengths[i]! / radii(bond, elements), bond, elements));
  if (short.length > bonds.length / 2) return "most of its bonds are shorter than any between these elements";
  const median = [...lengths].sort((a, b) => a - b)[lengths.length >> 1]!;
  const equal = bonds.filter((_, i) => lengths[i]! <= median * same && median <= lengths[i]! * same);
  // A large drawing has the odd bond that bridges a ring.
  if (equal.length < 0.9 * bonds.length) return undefined;
  const size = `all its bonds are ${Number(median.toFixed(3))} A long`;
  if (equal.some((bond) => !isPlausible(median, bond, elements))) {
    return `${size}, which is no length between these elements`;
  }
  if (joinsUnlike(equal, elements)) return `${size}, whatever they join`;
  if (hasDrawnAngle(molecule, equal, median)) return `${size}, at angles of 120 degrees`;
  return undefined;
}

function bondLength({ positions: p }: Molecule, { a, b }: Bond): number {
  return Math.hypot(p[3 * a]! - p[3 * b]!, p[3 * a + 1]! - p[3 * b + 1]!);
}

/** Sum of the covalent radii of a bond's atoms, in Angstrom. */
function radii({ a, b }: Bond, elements: Uint8Array): number {
  return covalentRadius(elements[a]!) + covalentRadius(elements[b]!);
}

/**
 * Whether two of the bonds would differ in length by their elements, also when what their orders shorten is counted:
 * the double bond of C2F4 is as long as its others.
 */
function joinsUnlike(bonds: readonly Bond[], elements: Uint8Array): boolean {
  const kinds = new Map<string, readonly [single: number, ordered: number]>();
  for (const bond of bonds) {
    const single = radii(bond, elements);
    const ordered = single * ({ 2: 0.87, 3: 0.79, 4: 0.92 }[bond.order] ?? 1);
    kinds.set(`${single} ${ordered}`, [single, ordered]);
  }
  const differ = (a: number, b: number) => Math.max(a, b) > 1.03 * Math.min(a, b);
  const all = [...kinds.values()].slice(0, 100);
  return all.some((one) => all.some((other) => differ(one[0], other[0]) && differ(one[1], other[1])));
}

/** The least that a bond's length is over the sum of its atoms' covalent radii: that of N#N, of F-H, and of H-H. */
function leastRatio({ a, b }: Bond, elements: Uint8Array): number {
  return [0.72, 0.88, 1][Number(elements[a] === 1) + Number(elements[b] === 1)]!;
}

/** Whether a bond is shorter than bonds are, but not as short as in another unit. */
function isDrawnShort(ratio: number, bond: Bond, elements: Uint8Array): boolean {
  return ratio < leastRatio(bond, elements) && ratio > 0.3;
}

/** Whether a bond may be of this length: at most 1.3 sums of its atoms' covalent radii, as F-F is. */
function isPlausible(length: number, bond: Bond, elements: Uint8Array): boolean {
  const most = { 2: 0.98, 3: 0.9 }[bond.order] ?? 1.3;
  const ratio = length / radii(bond, elements);
  return ratio > leastRatio(bond, elements) && ratio < most;
}

/** Whether two single bonds of a carbon to others, which are some 112 degrees apart, are 120: a drawing's zigzag. */
function hasDrawnAngle({ elements, positions: p }: Molecule, equal: readonly Bond[], length: number): boolean {
  if (length < singleCarbons) return false;
  const first = new Map<number, number>();
  for (const { a, b } of equal) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const other = first.get(from);
      first.set(from, to);
      if (other === undefined || elements[from] !== 6 || elements[to] !== 6 || elements[other] !== 6) continue;
      const [ux, uy] = [p[3 * to]! - p[3 * from]!, p[3 * to + 1]! - p[3 * from + 1]!];
      const [vx, vy] = [p[3 * other]! - p[3 * from]!, p[3 * other + 1]! - p[3 * from + 1]!];
      const cosine = (ux * vx + uy * vy) / (length * length);
      if (Math.abs(cosine + 0.5) < 0.02) return true;
    }
  }
  return false;
}
