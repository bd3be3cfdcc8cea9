import type { Rotation } from "./groups.ts";
import { MATRIX_READINGS, readMatrix } from "./rotationReadings.ts";

/** What one sample shows of its rotations: squared errors |f_i - T y|^2 of its predictions. */
export interface ReadingErrors {
  /** Means over predictions, under what each of `MATRIX_READINGS` makes of their rotations. */
  readonly readings: readonly number[];
  /** Their mean where predictions are left as they are. */
  readonly back: number;
  /** Of prediction i under the rotation of prediction j, at [j][i]. */
  readonly rows: readonly (readonly number[])[];
  /** As given, of each prediction. */
  readonly rotations: readonly Rotation[];
  /** |y|^2 */
  readonly zeroError: number;
  /** How many a target holds. */
  readonly numbers: number;
}

const IDENTITY: Rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/**
 * Compares a sample's raw predictions with its target under every reading of their rotations.
 *
 * @param predictions one after another, each as long as the target
 * @param turn the target under a rotation
 */
export function readingErrors(
  predictions: ArrayLike<number>,
  target: Float64Array,
  rotations: readonly Rotation[],
  turn: (rotation: Rotation) => ArrayLike<number>,
): ReadingErrors {
  const all = rotations.map((_, i) => i);
  const asked: Asked[] = [
    ...MATRIX_READINGS.flatMap((reading) =>
      rotations.map((rotation, i) => ({ rotation: readMatrix(rotation, reading), of: [i] })),
    ),
    { rotation: IDENTITY, of: all },
    ...rotations.map((rotation) => ({ rotation, of: all })),
  ];
  const errors = errorsOf(asked, turn, (i, turned) => squaredDistance(predictions, i * target.length, turned));
  const read = MATRIX_READINGS.length * rotations.length;
  return {
    readings: MATRIX_READINGS.map((_, r) => mean(all.map((i) => errors[r * rotations.length + i]![0]!))),
    back: mean(errors[read]!),
    rows: errors.slice(read + 1),
    rotations,
    zeroError: target.reduce((sum, value) => sum + value ** 2, 0),
    numbers: target.length,
  };
}

/** A rotation of the target, and the predictions to compare with it. */
interface Asked {
  readonly rotation: Rotation;
  readonly of: readonly number[];
}

/** The errors that are asked for. Grids are large and readings of few rotations alike: each turns the target once. */
function errorsOf(
  asked: readonly Asked[],
  turn: (rotation: Rotation) => ArrayLike<number>,
  errorOf: (prediction: number, turned: ArrayLike<number>) => number,
): number[][] {
  const alike = new Map<string, number[]>();
  asked.forEach(({ rotation }, at) => {
    const key = rotation.join();
    const places = alike.get(key);
    if (places) places.push(at);
    else alike.set(key, [at]);
  });
  const errors = new Array<number[]>(asked.length);
  for (const places of alike.values()) {
    const turned = turn(asked[places[0]!]!.rotation);
    const known = new Map<number, number>();
    for (const at of places) {
      errors[at] = asked[at]!.of.map((i) => {
        const error = known.get(i) ?? errorOf(i, turned);
        known.set(i, error);
        return error;
      });
    }
  }
  return errors;
}

function squaredDistance(values: ArrayLike<number>, start: number, others: ArrayLike<number>): number {
  let sum = 0;
  for (let e = 0; e < others.length; e++) sum += (values[start + e]! - others[e]!) ** 2;
  return sum;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
