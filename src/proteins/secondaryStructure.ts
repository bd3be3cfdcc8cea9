import { requireNumbers } from "../check.ts";

/** H a right-handed helix, M its mirror image, E a strand, - none of these. */
export type SecondaryStructure = "H" | "M" | "E" | "-";

/** Ranges of distances in Angstrom and of dihedrals in degrees, as their middles and how far off still counts. */
const helix = { third: [5.3, 0.5], fourth: [6.4, 0.6], dihedral: [50, 20] } as const;
const strand = { second: [6.7, 0.6], third: [9.9, 0.9], fourth: [12.4, 1.1], dihedral: [-170, 45] } as const;

/**
 * The secondary structure of n C-alphas in Angstrom (n*3), a letter for each, after the ranges of P-SEA (G. Labesse, N.
 * Colloc'h, J. Pothier and J.-P. Mornon, Comput. Appl. Biosci. 13 (1997) 291).
 *
 * Five residues in a row are a helix where d(i, i+3) is 5.3 +- 0.5 A, d(i, i+4) is 6.4 +- 0.6 A, and the dihedrals of
 * the first four and of the last four are 50 +- 20 degrees; M where these are -50 +- 20, which real chains of L-amino
 * acids do not have. Of five residues in a row the middle three are a strand where all d(i, i+2) are 6.7 +- 0.6 A, both
 * d(i, i+3) 9.9 +- 0.9 A, d(i, i+4) is 12.4 +- 1.1 A and both dihedrals are -170 +- 45 degrees. Where both hold it is a
 * helix. P-SEA itself has more rules: it goes on at the ends of helices, and asks short strands for a partner.
 */
export function secondaryStructure(positions: ArrayLike<number>): string {
  requireNumbers("positions", positions);
  const n = Math.floor(positions.length / 3);
  const letters = Array.from({ length: n }, (): SecondaryStructure => "-");
  const d = (i: number, j: number) => distance(positions, i, j);
  const dihedrals = Array.from({ length: Math.max(0, n - 3) }, (_, i) => dihedral(positions, i));
  const turns = (i: number, [middle, tolerance]: readonly [number, number]) =>
    Math.abs(((dihedrals[i]! - middle + 540) % 360) - 180) <= tolerance;
  const all = (first: number, step: number, range: readonly [number, number]) => {
    for (let i = first; i + step <= first + 4; i++) if (!near(d(i, i + step), range)) return false;
    return true;
  };
  const isStrand = (i: number) => all(i, 2, strand.second) && all(i, 3, strand.third) && all(i, 4, strand.fourth);
  for (let i = 0; i + 4 < n; i++) {
    if (isStrand(i) && turns(i, strand.dihedral) && turns(i + 1, strand.dihedral)) letters.fill("E", i + 1, i + 4);
  }
  for (const [letter, sign] of [
    ["M", -1],
    ["H", 1],
  ] as const) {
    const range = [sign * helix.dihedral[0], helix.dihedral[1]] as const;
    for (let i = 0; i + 4 < n; i++) {
      if (all(i, 3, helix.third) && all(i, 4, helix.fourth) && turns(i, range) && turns(i + 1, range)) {
        letters.fill(letter, i, i + 5);
      }
    }
  }
  return letters.join("");
}

/** The dihedral angle of the C-alphas i to i + 3, in degrees from -180 to 180; a right-handed screw's is positive. */
export function dihedral(p: ArrayLike<number>, i: number): number {
  const between = (k: number) => [0, 1, 2].map((axis) => p[3 * (i + k + 1) + axis]! - p[3 * (i + k) + axis]!);
  const [a, b, c] = [between(0), between(1), between(2)] as [number[], number[], number[]];
  const [left, right] = [cross(a, b), cross(b, c)];
  return (Math.atan2(Math.sqrt(dot(b, b)) * dot(a, right), dot(left, right)) * 180) / Math.PI;
}

function near(value: number, [middle, tolerance]: readonly [number, number]): boolean {
  return Math.abs(value - middle) <= tolerance;
}

function distance(p: ArrayLike<number>, i: number, j: number): number {
  const [x, y, z] = [0, 1, 2].map((axis) => p[3 * j + axis]! - p[3 * i + axis]!) as [number, number, number];
  return Math.sqrt(x * x + y * y + z * z);
}

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1]! * b[2]! - a[2]! * b[1]!, a[2]! * b[0]! - a[0]! * b[2]!, a[0]! * b[1]! - a[1]! * b[0]!];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
}
