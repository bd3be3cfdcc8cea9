import { axisAngle } from "../equivariance/axisAngle.ts";
import type { Rotation } from "../equivariance/groups.ts";
import { determinant } from "../equivariance/matrices.ts";
import type { AngleBin } from "./termResult.ts";

const binDegrees = 30;
const bins = 180 / binDegrees;

/** Of a rotation, in degrees; of -R where R is a reflection. */
export function angleOf(rotation: Rotation): number {
  return axisAngle(determinant(rotation) < 0 ? rotation.map((value) => -value) : rotation).angle;
}

/** Sums over the copies whose angle is in one range. */
export interface AngleSums {
  readonly copies: number;
  readonly elements: number;
  readonly errors: number;
  readonly labels: number;
  readonly spreads: number;
}

/** Sums of errors and spreads by the angle of the rotation. */
export class AngleBins {
  readonly #sums = Array.from({ length: bins }, () => ({ copies: 0, elements: 0, errors: 0, labels: 0, spreads: 0 }));

  /** By rising angle. */
  get sums(): readonly AngleSums[] {
    return this.#sums;
  }

  /** Adds what was summed apart. */
  take(others: readonly AngleSums[]): void {
    others.forEach((other, i) => {
      const sums = this.#sums[i]!;
      for (const key of Object.keys(sums) as (keyof AngleSums)[]) sums[key] += other[key];
    });
  }

  /**
   * Adds a copy: squares summed over its numbers.
   *
   * @param error of its predictions; undefined without labels
   */
  add(angle: number, elements: number, spread: number, error: number | undefined): void {
    // What is 90 degrees up to rounding counts as such.
    const sums = this.#sums[Math.min(bins - 1, Math.floor(angle / binDegrees + 1e-6))]!;
    sums.copies++;
    sums.elements += elements;
    sums.spreads += spread;
    if (error === undefined) return;
    sums.errors += error;
    sums.labels += elements;
  }

  result(): AngleBin[] {
    return this.#sums.map(({ copies, elements, errors, labels, spreads }, i) => ({
      from: i * binDegrees,
      to: (i + 1) * binDegrees,
      copies,
      rmse: labels === 0 ? null : Math.sqrt(errors / labels),
      spreadRms: elements === 0 ? null : Math.sqrt(spreads / elements),
    }));
  }
}
