import { requireNumbers } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { BREAK_DISTANCE, neighbourDistances } from "./chain.ts";
import { secondaryStructure, type SecondaryStructure } from "./secondaryStructure.ts";

/** Distance of neighbouring C-alphas across a trans peptide bond, and how far off still counts, in Angstrom. */
const bond = 3.8;
const bondTolerance = 0.1;
/** The same across a cis peptide bond: a cis proline's. */
const cisBond = 2.95;
const cisTolerance = 0.15;
/** C-alphas nearer than this, in Angstrom, that are not neighbours clash. */
const clashDistance = 3.5;

/** What the geometry of a chain of C-alphas says of it; lengths in Angstrom. */
export interface ChainGeometry {
  /** Pairs of neighbours: one less than there are residues. */
  neighbours: number;
  /** Of these, those 3.7 to 3.9 A apart, as across a trans peptide bond. */
  trans: number;
  /** Those 2.8 to 3.1 A apart, as across a cis peptide bond. */
  cis: number;
  /** Those more than 4 A apart. */
  breaks: number;
  /** Mean of the distances between neighbours; NaN for one residue. */
  meanNeighbour: number;
  /** Pairs of other residues nearer than 3.5 A. */
  clashes: number;
  /** Root mean square distance of the C-alphas from their centroid. */
  radiusOfGyration: number;
  /** That of a folded protein of so many residues: 2.2 n^0.38. */
  expectedRadius: number;
  /** A letter for each residue: see `secondaryStructure`. */
  structure: string;
  /** Residues of each letter. */
  counts: Record<SecondaryStructure, number>;
}

/**
 * The geometry of a chain of n C-alphas in Angstrom (n*3), in double precision.
 *
 * Neighbours are 3.8 A apart where the peptide bond between them is trans, as nearly all are, and some 2.95 where it is
 * cis (bond lengths and angles of R. Engh and R. Huber, Acta Cryst. A47 (1991) 392, fix both). 2.2 n^0.38 is the radius
 * of gyration of folded proteins by J. Skolnick, A. Kolinski and A. R. Ortiz, J. Mol. Biol. 265 (1997) 217. That others
 * keep 3.5 A off is a rule of thumb of this library, from which crystal structures hardly ever stray.
 *
 * Throws "bad-shape" for no residues and positions that are not three to a residue.
 */
export function chainGeometry(positions: ArrayLike<number>): ChainGeometry {
  requireNumbers("positions", positions);
  const n = positions.length / 3;
  if (n < 1 || !Number.isInteger(n)) {
    throw new VoxtwirlError(
      "bad-shape",
      `${positions.length} coordinates`,
      "Give three for each of one or more residues.",
    );
  }
  const distances = neighbourDistances(positions);
  const within = (middle: number, tolerance: number) =>
    distances.filter((distance) => Math.abs(distance - middle) <= tolerance).length;
  const structure = secondaryStructure(positions);
  const counts: Record<SecondaryStructure, number> = { H: 0, M: 0, E: 0, "-": 0 };
  for (const letter of structure) counts[letter as SecondaryStructure]++;
  return {
    neighbours: n - 1,
    trans: within(bond, bondTolerance),
    cis: within(cisBond, cisTolerance),
    breaks: distances.filter((distance) => distance > BREAK_DISTANCE).length,
    meanNeighbour: distances.reduce((sum, distance) => sum + distance, 0) / distances.length,
    clashes: countClashes(positions),
    radiusOfGyration: radiusOfGyration(positions),
    expectedRadius: 2.2 * n ** 0.38,
    structure,
    counts,
  };
}

function countClashes(p: ArrayLike<number>): number {
  let clashes = 0;
  for (let j = 6; j < p.length; j += 3) {
    for (let i = 0; i < j - 3; i += 3) {
      const [x, y, z] = [p[j]! - p[i]!, p[j + 1]! - p[i + 1]!, p[j + 2]! - p[i + 2]!];
      if (x * x + y * y + z * z < clashDistance ** 2) clashes++;
    }
  }
  return clashes;
}

function radiusOfGyration(p: ArrayLike<number>): number {
  const n = p.length / 3;
  const sum = [0, 0, 0];
  for (let i = 0; i < p.length; i++) sum[i % 3]! += p[i]!;
  let squares = 0;
  for (let i = 0; i < p.length; i++) squares += (p[i]! - sum[i % 3]! / n) ** 2;
  return Math.sqrt(squares / n);
}
