/** How far predictions for copies are from their mean: by angle and degree, and where farthest. */
import type { Rotation, RotationGroup } from "../equivariance/groups.ts";
import type { Composition } from "../molecules/elementEnergies.ts";
import { AngleBins, angleOf } from "./angleBins.ts";
import { DegreeTally, type DegreeSample, type LossParts } from "./degreeTally.ts";
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

/** Collects structure by structure, and keeps sums and the worst. */
export class SpreadTally {
  readonly #degrees = new DegreeTally();
  readonly #bins = new AngleBins();
  #largest = 0;
  #worst: WorstCopy | null = null;

  /** Where a prediction is farthest from the mean so far. */
  get worst(): WorstCopy | null {
    return this.#worst;
  }

  /** @returns what there is to know of each copy */
  add(turned: TurnedPredictions, { mean, unbiased, size, sample }: Spread): StructureCopy[] {
    const { copies, target } = turned;
    this.#degrees.add(sample);
    return copies.map(({ copy, rotation, values }) => {
      const { length } = values;
      const angle = angleOf(rotation);
      const error = target && squaredDistance(values, target);
      const far = unbiased * squaredDistance(values, mean);
      this.#bins.add(angle, length, far, error);
      this.#findWorst(turned, { copy, rotation, angle }, { values, mean, size });
      return { copy, rotation, angle, loss: (error ?? NaN) / length, spread: far / length };
    });
  }

  #findWorst(
    { frame, composition, perAtom }: TurnedPredictions,
    copy: Pick<WorstCopy, "copy" | "rotation" | "angle">,
    { values, mean, size }: Pick<Spread, "mean" | "size"> & { readonly values: Float64Array },
  ): void {
    const atoms = [...composition.values()].reduce((sum, count) => sum + count, 0);
    for (let at = 0; at < values.length; at += size) {
      const far = Math.sqrt(squaredDistance(values, mean, at, at + size));
      if (!(far > this.#largest)) continue;
      this.#largest = far;
      const atom = perAtom ? 1 + Math.floor(at / (values.length / atoms)) : null;
      this.#worst = { frame, atom, ...copy };
    }
  }

  result(): Pick<FrameTermResult, "spreadMax" | "worst" | "byAngle"> & LossParts {
    const byAngle = this.#bins.result();
    return { spreadMax: this.#largest, worst: this.#worst, byAngle, ...this.#degrees.result() };
  }
}

/** |a - b|^2 over a range. */
export function squaredDistance(a: Float64Array, b: Float64Array, from = 0, to = a.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
