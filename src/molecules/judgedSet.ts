/** A set of molecules with what there is to count of each: is it valid, which one is it, how stable, which features. */
import { FeatureSpace, type Features } from "./features.ts";
import type { Bond, Molecule } from "./molecule.ts";
import { perceiveBonds } from "./perceiveBonds.ts";
import { isStable, valences } from "./valences.ts";

/** What a library of chemistry says of a molecule. */
export interface Judgement {
  /** Why its largest part is no valid molecule; undefined where it is one. */
  readonly invalid?: string;
  /** The canonical code of its largest part, without stereo; undefined where that is invalid. */
  readonly code?: string;
  /** Parts that do not hang together. */
  readonly parts: number;
  /** The bonds, of which those found aromatic have order 4. */
  readonly bonds: readonly Bond[];
}

/** Judges molecules by their bonds. */
export type MoleculeJudge = (molecule: Pick<Molecule, "elements">, bonds: readonly Bond[]) => Judgement;

/** One molecule of a set. */
export interface Judged {
  readonly invalid: string | undefined;
  readonly code: string | undefined;
  readonly parts: number;
  readonly atoms: number;
  readonly stableAtoms: number;
  readonly features: Features;
}

/** Molecules judged one after another, and compared in the bins of one space. */
export class JudgedSet {
  readonly molecules: Judged[] = [];
  /** How many had no bonds of their own, so that these were found by distance. */
  perceived = 0;
  readonly #judge: MoleculeJudge;
  readonly #judgePerceived: MoleculeJudge;
  readonly #space: FeatureSpace;

  /**
   * @param judge of bonds that a file has
   * @param judgePerceived of those found by distance
   */
  constructor(space: FeatureSpace, judge: MoleculeJudge, judgePerceived: MoleculeJudge) {
    this.#space = space;
    this.#judge = judge;
    this.#judgePerceived = judgePerceived;
  }

  add(molecule: Molecule): void {
    const own = molecule.bonds;
    const known = own !== undefined;
    if (!known) this.perceived++;
    const given = known ? plainBonds(own) : perceiveBonds(molecule);
    const { invalid, code, parts, bonds } = (known ? this.#judge : this.#judgePerceived)(molecule, given);
    const atoms = molecule.elements.length;
    // By the bonds as they were: aromatic ones of one and a half are none that EDM's rule knows.
    const sums = valences(atoms, given);
    const stableAtoms = molecule.elements.reduce((sum, element, i) => sum + Number(isStable(element, sums[i]!)), 0);
    const features = this.#space.features(molecule, bonds);
    this.molecules.push({ invalid, code, parts, atoms, stableAtoms, features });
  }
}

/** Bonds of no known order and dative ones as single; without hydrogen bonds. */
function plainBonds(bonds: readonly Bond[]): Bond[] {
  return bonds
    .filter(({ order }) => order !== 10)
    .map((bond) => (bond.order >= 1 && bond.order <= 4 ? bond : { ...bond, order: 1 }));
}
