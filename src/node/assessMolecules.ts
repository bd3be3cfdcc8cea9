import { requireArray, requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import { assess, type Assessment } from "../molecules/assess.ts";
import { FeatureSpace } from "../molecules/features.ts";
import { JudgedSet } from "../molecules/judgedSet.ts";
import type { Molecule } from "../molecules/molecule.ts";
import { openChemLibJudge } from "./moleculeJudge.ts";

/** How molecules are assessed. */
export interface AssessMoleculesOptions {
  /** Molecules to compare with, such as those that a model was trained on. */
  readonly reference?: readonly Molecule[] | undefined;
  /** Seed of the bootstrap's draws; 0 by default. */
  readonly seed?: number;
  /** Draws of the bootstrap; 100 by default. */
  readonly draws?: number;
}

const GIVE = "Give molecules: { elements, positions }, and bonds where they are known.";

/** A set to which molecules of a file are added, for `assess`. */
export async function judgedSet(space: FeatureSpace): Promise<JudgedSet> {
  return new JudgedSet(space, await openChemLibJudge(true), await openChemLibJudge(false));
}

/**
 * Assesses molecules as papers on generated ones do: which are valid, different and new, how many atoms have a usual
 * number of bonds, and how far their distributions are from a reference's. Bonds are the molecules' own, else found by
 * distance (`perceiveBonds`); OpenChemLib says which are valid and which are the same.
 *
 * @throws VoxtwirlError "bad-option" for no molecules, or where a value cannot be used
 */
export async function assessMolecules(
  molecules: readonly Molecule[],
  options: AssessMoleculesOptions = {},
): Promise<Assessment> {
  requireArray("molecules", molecules, GIVE);
  requireObject("options", options, "Give { reference, seed, draws }, or leave it out.");
  const { reference, seed = 0, draws = 100 } = options;
  if (reference !== undefined) requireArray("reference", reference, GIVE);
  requireWhole("seed", seed, 0);
  requireWhole("draws", draws, 2, 100_000);
  const space = new FeatureSpace();
  const judged = async (all: readonly Molecule[]) => {
    if (all.length === 0) throw new VoxtwirlError("bad-option", "there are no molecules", GIVE);
    const set = await judgedSet(space);
    for (const molecule of all) {
      requireObject("a molecule", molecule, GIVE);
      set.add(molecule);
    }
    return set.molecules;
  };
  const sample = await judged(molecules);
  return assess(sample, reference && (await judged(reference)), space, { seed, draws });
}
