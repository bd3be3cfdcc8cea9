import { degreeParts, hasIrreps } from "../equivariance/degrees.ts";
import { ratioOfSums } from "../equivariance/estimators.ts";
import type { Rotation, RotationGroup } from "../equivariance/groups.ts";
import { determinant } from "../equivariance/matrices.ts";
import { parityParts } from "../equivariance/parity.ts";

/** One part of lossEquiv, with its standard error over structures. */
export interface LossPart {
  /** As of `DegreePart`; "remainder" is what lies above the highest degree that rotations tell apart. */
  readonly name: string;
  readonly loss: number;
  readonly lossStdErr: number;
  /** Of lossEquiv. */
  readonly percent: number;
}

/** lossEquiv in parts that add up to it. */
export interface LossParts {
  /**
   * By irreducible representation, those of so3 by degree; empty where structures differ in their rotations, of
   * `matrixGroup`, and where lossEquiv is but the rounding of what it is a difference of.
   */
  readonly byDegree: readonly LossPart[];
  /** "rotation" and "parity", of groups with reflections; null of others. */
  readonly byParity: readonly LossPart[] | null;
}

/** Predictions for one structure, turned back, one after another, and what they should be. */
export interface DegreeSample {
  readonly predictions: Float64Array;
  readonly target: Float64Array;
  readonly group: RotationGroup;
  readonly rotations: readonly Rotation[];
}

type Part = readonly [name: string, value: number];
type NamedParts = readonly Part[];

/** The parts of one structure's L_equiv. */
export interface DegreeRecord {
  readonly degrees: NamedParts;
  /** Empty without reflections. */
  readonly parity: NamedParts;
}

export function degreeRecord(sample: DegreeSample): DegreeRecord {
  const { predictions, target, group, rotations } = sample;
  const degrees = hasIrreps(group) ? byDegree(sample) : [];
  const improper = rotations.filter((rotation) => determinant(rotation) < 0).length;
  if (improper < 2 || rotations.length - improper < 2) return { degrees, parity: [] };
  const { rotation, parity } = parityParts(predictions, target, { group, rotations });
  return {
    degrees,
    parity: [
      ["rotation", rotation],
      ["parity", parity],
    ],
  };
}

/** Collects the parts of L_equiv structure by structure. */
export class DegreeTally {
  readonly #elements: number[] = [];
  readonly #degrees = new Parts();
  readonly #parity = new Parts();

  /** @param elements numbers of the structure */
  take(elements: number, { degrees, parity }: DegreeRecord): void {
    this.#elements.push(elements);
    this.#degrees.add(degrees);
    this.#parity.add(parity);
  }

  /** @param rounding of lossEquiv, summed over structures: of less than that there are no parts */
  result(rounding: number): LossParts {
    if (!(Math.max(this.#degrees.sum, this.#parity.sum) > rounding)) return { byDegree: [], byParity: null };
    const byParity = this.#parity.result(this.#elements);
    return { byDegree: this.#degrees.result(this.#elements), byParity: byParity.length > 0 ? byParity : null };
  }
}

function byDegree({ predictions, target, group, rotations }: DegreeSample): readonly Part[] {
  const { parts, remainder } = degreeParts(predictions, target, { group, rotations });
  const named = parts.map(({ name, value }): Part => [name, value]);
  // Finite groups have nothing above.
  const left = parts.some(({ degree }) => degree !== undefined) || parts.length === 0;
  return [...named, ...(left ? [["remainder", remainder] as const] : [])];
}

/** Values by name, the same names for all structures. */
class Parts {
  #names: readonly string[] | undefined;
  #same = true;
  readonly #values: number[][] = [];

  add(parts: NamedParts): void {
    const names = parts.map(([name]) => name);
    this.#names ??= names;
    this.#same &&= names.join() === this.#names.join();
    this.#values.push(parts.map(([, value]) => value));
  }

  get sum(): number {
    return this.#values.reduce((sum, values) => sum + values.reduce((own, value) => own + value, 0), 0);
  }

  result(elements: readonly number[]): LossPart[] {
    if (!this.#same) return [];
    const all = this.sum;
    return (this.#names ?? []).map((name, k) => {
      const values = this.#values.map((one) => one[k]!);
      const { value: loss, stdErr: lossStdErr } = ratioOfSums(values, elements);
      return { name, loss, lossStdErr, percent: (100 * values.reduce((sum, value) => sum + value, 0)) / all };
    });
  }
}
