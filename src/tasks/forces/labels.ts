/** Energies and forces as the network sees them. */
import { VoxtwirlError } from "../../errors.ts";
import { ELEMENT_ROWS } from "../../models/escaipLayout.ts";
import { compositionOf, fitElementEnergies } from "../../molecules/elementEnergies.ts";
import type { Molecule } from "../../molecules/molecule.ts";

/** A molecule that can be trained on. */
export type LabelledMolecule = Molecule & { readonly energy: number; readonly forces: Float64Array };

/** What was found of the training part, by which labels become numbers around 1. It is kept with the model. */
export interface LabelScales {
  /** eV by atomic number, up to the last element that is there: least squares on the composition. */
  readonly elementEnergies: readonly number[];
  /** Standard deviation of what is left of the energies, in eV; 1 where there is none. */
  readonly energyScale: number;
  /** Root mean square of the forces' components, in eV/Angstrom; 1 where they are all 0. */
  readonly forceScale: number;
}

/** Energies of the elements by least squares, and what labels are divided by. */
export function fitLabels(molecules: readonly LabelledMolecule[]): LabelScales {
  const elementEnergies = fitElementEnergies(
    molecules.map(({ elements }) => compositionOf(elements)),
    molecules.map(({ energy }) => energy),
  );
  const rest = molecules.map((molecule) => molecule.energy - energyOf(elementEnergies, molecule.elements));
  const mean = rest.reduce((sum, e) => sum + e, 0) / rest.length;
  const deviation = Math.sqrt(rest.reduce((sum, e) => sum + (e - mean) ** 2, 0) / rest.length);
  let [squares, components] = [0, 0];
  for (const { forces } of molecules) {
    for (const f of forces) squares += f * f;
    components += forces.length;
  }
  const force = Math.sqrt(squares / components);
  // What differs by rounding alone has no scale.
  const noise = 1e-8 * molecules.reduce((most, { energy }) => Math.max(most, Math.abs(energy)), 1);
  return { elementEnergies, energyScale: deviation > noise ? deviation : 1, forceScale: force > 0 ? force : 1 };
}

/** The energy that a composition alone tells, in eV; elements that were not fitted count for nothing. */
export function energyOf(elementEnergies: readonly number[], elements: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < elements.length; i++) sum += elementEnergies[elements[i]!] ?? 0;
  return sum;
}

/** Why a molecule cannot be trained on or measured; undefined where it can. */
export function unusable(molecule: Molecule, cutoff: number): string | undefined {
  const { elements, positions, energy, forces, periodic } = molecule;
  if (elements.length < 2) return "fewer than two atoms";
  if (elements.some((z) => z < 1 || z >= ELEMENT_ROWS)) return `elements beyond number ${ELEMENT_ROWS - 1}`;
  if (!positions.every(Number.isFinite)) return "positions are not finite";
  if (periodic) return "periodic, and forces are of molecules by themselves";
  if (hasLoneAtom(positions, cutoff)) return `an atom without another within ${cutoff} A`;
  if (energy === undefined || forces === undefined) return "no energy or no forces";
  if (!Number.isFinite(energy) || !forces.every(Number.isFinite)) return "energy or forces are not finite";
  return forces.length === positions.length ? undefined : "not a force for each atom";
}

/** @throws VoxtwirlError "bad-config" unless these are the scales of a model's labels */
export function requireScales(fitted: unknown, name: string): asserts fitted is LabelScales {
  const { elementEnergies, energyScale, forceScale } = (fitted ?? {}) as Partial<LabelScales>;
  const positive = (value: unknown) => typeof value === "number" && value > 0 && Number.isFinite(value);
  const listed = Array.isArray(elementEnergies) && elementEnergies.every((energy) => Number.isFinite(energy));
  if (listed && positive(energyScale) && positive(forceScale)) return;
  const message = `${name} does not say how its energies and forces were scaled`;
  throw new VoxtwirlError("bad-config", message, "Use a model as voxtwirl train writes it.");
}

/** Whether an atom has no neighbour: its force would be zero whatever the network. */
export function hasLoneAtom(p: ArrayLike<number>, cutoff: number): boolean {
  const near = (i: number, j: number) =>
    (p[i]! - p[j]!) ** 2 + (p[i + 1]! - p[j + 1]!) ** 2 + (p[i + 2]! - p[j + 2]!) ** 2 <= cutoff ** 2;
  for (let i = 0; i < p.length; i += 3) {
    // Atoms next to each other in a file are near each other as a rule.
    let found = (i > 0 && near(i, i - 3)) || (i + 3 < p.length && near(i, i + 3));
    for (let j = 0; j < p.length && !found; j += 3) found = i !== j && near(i, j);
    if (!found) return true;
  }
  return false;
}
