/** Energies and forces as the network sees them. */
import { VoxtwirlError } from "../../errors.ts";
import { ELEMENT_ROWS } from "../../models/escaipLayout.ts";
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

/** Relative to the mean diagonal: what makes compositions of too few kinds solvable, towards small energies. */
const RIDGE = 1e-10;

/** Energies of the elements by least squares, and what labels are divided by. */
export function fitLabels(molecules: readonly LabelledMolecule[]): LabelScales {
  const rows = 1 + molecules.reduce((most, { elements }) => Math.max(most, ...elements), 0);
  const counts = molecules.map(({ elements }) => countsOf(elements, rows));
  const used = Array.from({ length: rows }, (_, z) => z).filter((z) => counts.some((row) => row[z]! > 0));
  const columns = counts.map((row) => used.map((z) => row[z]!));
  const fitted = leastSquares(
    columns,
    molecules.map(({ energy }) => energy),
  );
  const elementEnergies = new Array<number>(rows).fill(0);
  used.forEach((z, i) => (elementEnergies[z] = fitted[i]!));
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

function countsOf(elements: Uint8Array, rows: number): number[] {
  const counts = new Array<number>(rows).fill(0);
  for (const z of elements) counts[z]!++;
  return counts;
}

/** x of the smallest |A x - b|^2, by the normal equations with a ridge and Cholesky's factors. */
function leastSquares(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const n = a[0]!.length;
  const normal = Array.from({ length: n }, () => new Float64Array(n));
  const right = new Float64Array(n);
  a.forEach((row, r) => {
    for (let i = 0; i < n; i++) {
      right[i]! += row[i]! * b[r]!;
      for (let j = 0; j < n; j++) normal[i]![j]! += row[i]! * row[j]!;
    }
  });
  const trace = normal.reduce((sum, row, i) => sum + row[i]!, 0);
  normal.forEach((row, i) => (row[i]! += (RIDGE * trace) / n));
  // In place: normal becomes the lower factor.
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = normal[i]![j]!;
      for (let k = 0; k < j; k++) sum -= normal[i]![k]! * normal[j]![k]!;
      normal[i]![j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / normal[j]![j]!;
    }
  }
  const x = Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= normal[i]![k]! * x[k]!;
    x[i]! /= normal[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= normal[k]![i]! * x[k]!;
    x[i]! /= normal[i]![i]!;
  }
  return x;
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
