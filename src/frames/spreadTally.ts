/** How far predictions for copies are from their mean: by angle and degree, and where farthest. */
import type { Rotation, RotationGroup } from "../equivariance/groups.ts";
import type { Composition } from "../molecules/elementEnergies.ts";
import { AngleBins, angleOf, type AngleSums } from "./angleBins.ts";
import { degreeRecord, DegreeTally, type DegreeRecord, type DegreeSample, type LossParts } from "./degreeTally.ts";
import type { StructureCopy } from "./structureTerm.ts";
import type { FrameTermResult, WorstCopy } from "./termResult.ts";

/** Predictions for the copies of one structure, turned back. */
export interface TurnedPredictions {
  /** Number of the original frame. */
  readonly frame: number;
  readonly composition: Composition;
  readonly copies: readonly { readonly copy: number; readonly rotation: Rotation; readonly values: Float64Array }[];
  readonly target: Float64Array | undefined;
  readonly perAtom: boolean;
  /** What the rotations are drawn from; all of it where it has weights. */
  readonly group: RotationGroup;
}

/** What is known of their spread. */
interface Spread {
  readonly mean: Float64Array;
  /** What frees squared distances from the mean of its bias. */
  readonly unbiased: number;
  /** Numbers that have one length together. */
  readonly size: number;
  readonly sample: DegreeSample;
}

interface FarCopy extends WorstCopy {
  /** How far. */
  readonly far: number;
}

/** What one structure adds: data, so that it can be kept and added elsewhere, to the last bit. */
export interface SpreadRecord {
  readonly degrees: DegreeRecord;
  readonly angles: readonly AngleSums[];
  readonly worst: FarCopy | null;
}

/** What one structure adds, and what there is to know of each copy. */
export function spreadRecord(
  turned: TurnedPredictions,
  { mean, unbiased, size, sample }: Spread,
): { readonly record: SpreadRecord; readonly copies: StructureCopy[] } {
  const angles = new AngleBins();
  let worst: FarCopy | null = null;
  const copies = turned.copies.map(({ copy, rotation, values }) => {
    const { length } = values;
    const angle = angleOf(rotation);
    const error = turned.target && squaredDistance(values, turned.target);
    const far = unbiased * squaredDistance(values, mean);
    angles.add(angle, length, far, error);
    worst = farther(worst, turned, { copy, rotation, angle }, { values, mean, size });
    return { copy, rotation, angle, loss: (error ?? NaN) / length, spread: far / length };
  });
  return { record: { degrees: degreeRecord(sample), angles: angles.sums, worst }, copies };
}

function farther(
  before: FarCopy | null,
  { frame, composition, perAtom }: TurnedPredictions,
  copy: Pick<WorstCopy, "copy" | "rotation" | "angle">,
  { values, mean, size }: Pick<Spread, "mean" | "size"> & { readonly values: Float64Array },
): FarCopy | null {
  const atoms = [...composition.values()].reduce((sum, count) => sum + count, 0);
  let worst = before;
  for (let at = 0; at < values.length; at += size) {
    const far = Math.sqrt(squaredDistance(values, mean, at, at + size));
    if (!(far > (worst?.far ?? 0))) continue;
    const atom = perAtom ? 1 + Math.floor(at / (values.length / atoms)) : null;
    worst = { far, frame, atom, ...copy };
  }
  return worst;
}

/** Collects structure by structure, and keeps sums and the worst: they depend on the order of structures alone. */
export class SpreadTally {
  readonly #degrees = new DegreeTally();
  readonly #bins = new AngleBins();
  #worst: FarCopy | null = null;

  /** Where a prediction is farthest from the mean so far. */
  get worst(): WorstCopy | null {
    if (this.#worst === null) return null;
    const { far: _, ...worst } = this.#worst;
    return worst;
  }

  /** @param elements numbers of the structure */
  take(elements: number, { degrees, angles, worst }: SpreadRecord): void {
    this.#degrees.take(elements, degrees);
    this.#bins.take(angles);
    if (worst !== null && worst.far > (this.#worst?.far ?? 0)) this.#worst = worst;
  }

  /** @param rounding of lossEquiv, as of `DegreeTally` */
  result(rounding: number): Pick<FrameTermResult, "spreadMax" | "worst" | "byAngle"> & LossParts {
    const byAngle = this.#bins.result();
    return { spreadMax: this.#worst?.far ?? 0, worst: this.worst, byAngle, ...this.#degrees.result(rounding) };
  }
}

/** |a - b|^2 over a range. */
export function squaredDistance(a: Float64Array, b: Float64Array, from = 0, to = a.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
