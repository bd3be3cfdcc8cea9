import { decomposeTerms, type Decomposition, type SampleTerms } from "../../equivariance/estimators.ts";
import type { Rotation } from "../../equivariance/groups.ts";
import { squaredError } from "../../equivariance/losses.ts";
import { OCTAHEDRAL_ORDER } from "../../equivariance/octahedral.ts";
import { sampleTerms } from "../../equivariance/sampleTerms.ts";
import type { EvalRow } from "../../training/metrics.ts";

/** What was found of one structure, in eV and Angstrom. */
export interface StructureResult {
  readonly atoms: number;
  /** Atomic numbers. */
  readonly elements: Uint8Array;
  readonly rotations: readonly Rotation[];
  /** T^-1 f(T x), [K, n, 3], rotated back. */
  readonly predictions: Float64Array;
  readonly target: Float64Array;
  /** [K], less what the composition tells, as the target. */
  readonly energies: Float64Array;
  readonly energyTarget: number;
  /** Forces averaged over all rotations, [n, 3], and the sum over atoms of what is lost: from the closed form. */
  readonly closed: { readonly mean: Float64Array; readonly equiv: number };
}

/** Which rotations structures were predicted under, and how many each. */
export interface TallySampling {
  readonly group: "octahedral" | "so3";
  readonly rotations: number;
}

/** What was found of the atoms of one element. */
export interface ElementResult {
  readonly element: number;
  readonly atoms: number;
  /** Means per component, in (eV/Angstrom)^2, over the structures that have the element. */
  readonly lossTotal: number;
  readonly lossZero: number;
  readonly percentEquiv: number;
  readonly percentEquivStdErr: number;
}

/** Components of some atoms among those of all, for each of K rows one after another. */
function componentsOf(rows: ArrayLike<number>, atoms: number, chosen: readonly number[]): Float64Array {
  const count = rows.length / (3 * atoms);
  const part = new Float64Array(3 * chosen.length * count);
  for (let k = 0; k < count; k++) {
    chosen.forEach((i, at) => {
      for (let a = 0; a < 3; a++) part[3 * (k * chosen.length + at) + a] = rows[3 * (k * atoms + i) + a]!;
    });
  }
  return part;
}

/** Adds up what was found of structures. */
export class ForceTally {
  readonly #options: TallySampling;
  readonly #forces: SampleTerms[] = [];
  readonly #energies: SampleTerms[] = [];
  readonly #exact: SampleTerms[] = [];
  readonly #elements = new Map<number, { readonly terms: SampleTerms[]; atoms: number }>();
  #components = 0;
  #forceErrors = 0;
  #energyErrors = 0;

  constructor(options: TallySampling) {
    this.#options = options;
  }

  get #groupOrder(): number {
    return this.#options.group === "octahedral" ? OCTAHEDRAL_ORDER : Infinity;
  }

  /** @throws VoxtwirlError "not-finite" where a prediction is not */
  add({ atoms, elements, predictions, target, energies, energyTarget, closed }: StructureResult): void {
    const { rotations } = this.#options;
    const which = this.#forces.length;
    const given = { rotations, groupOrder: this.#groupOrder };
    this.#forces.push(sampleTerms(squaredError, { predictions, target, ...given }, which));
    this.#energies.push(sampleTerms(squaredError, { predictions: energies, target: [energyTarget], ...given }, which));
    const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
    const meanError = squares(closed.mean.map((value, at) => value - target[at]!));
    this.#exact.push({ total: meanError + closed.equiv, equiv: closed.equiv, zero: squares(target) });
    this.#components += 3 * atoms;
    for (let at = 0; at < predictions.length; at++) {
      this.#forceErrors += Math.abs(predictions[at]! - target[at % target.length]!) / rotations;
    }
    for (const element of new Set(elements)) {
      const own = Array.from(elements.keys()).filter((i) => elements[i] === element);
      const of = this.#elements.get(element) ?? { terms: [], atoms: 0 };
      this.#elements.set(element, of);
      of.atoms += own.length;
      const parts = {
        predictions: componentsOf(predictions, atoms, own),
        target: componentsOf(target, atoms, own),
      };
      of.terms.push(sampleTerms(squaredError, { ...parts, ...given }, which));
    }
    for (const energy of energies) this.#energyErrors += Math.abs(energy - energyTarget) / rotations;
  }

  get samples(): number {
    return this.#forces.length;
  }

  /** Of the forces' squared error, of the energies', and of the forces from the closed form. */
  decompositions(): Record<"forces" | "energy" | "exact", Decomposition> {
    const { rotations } = this.#options;
    const groupOrder = this.#groupOrder;
    const elements = this.#components / Math.max(1, this.samples);
    return {
      forces: decomposeTerms(this.#forces, { rotations, groupOrder, elements }),
      energy: decomposeTerms(this.#energies, { rotations, groupOrder, elements: 1 }),
      exact: decomposeTerms(this.#exact, { rotations, groupOrder, elements }),
    };
  }

  /** In the order of their numbers. */
  byElement(): ElementResult[] {
    const { rotations } = this.#options;
    return [...this.#elements]
      .sort(([a], [b]) => a - b)
      .map(([element, { terms, atoms }]) => {
        const sampling = { rotations, groupOrder: this.#groupOrder, elements: (3 * atoms) / terms.length };
        const { lossTotal, lossZero, percentEquiv, percentEquivStdErr } = decomposeTerms(terms, sampling);
        return { element, atoms, lossTotal, lossZero, percentEquiv, percentEquivStdErr };
      });
  }

  /** A row of metrics.jsonl: losses in (eV/Angstrom)^2 per component, errors in meV and meV/Angstrom. */
  row(): Omit<EvalRow, "type" | "step" | "seconds"> {
    const { forces, energy, exact } = this.decompositions();
    const { lossTotal, lossMean, lossEquiv, lossZero, percentEquiv, percentEquivStdErr } = forces;
    return {
      ...{ lossTotal, lossMean, lossEquiv, lossZero, percentEquiv, percentEquivStdErr },
      energyMae: (1000 * this.#energyErrors) / this.samples,
      forceMae: (1000 * this.#forceErrors) / this.#components,
      percentEquivEnergy: energy.percentEquiv,
      percentEquivExact: exact.percentEquiv,
    };
  }
}
