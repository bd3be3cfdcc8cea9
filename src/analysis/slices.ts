import { requireArray, requirePositive, requireWhole } from "../check.ts";
import { decomposeSums, type Decomposition } from "../equivariance/estimators.ts";
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { throwIfAborted, untilAborted } from "./abort.ts";
import type { LossTerms } from "./lossTerms.ts";
import { requireTerms } from "./requireTerms.ts";
import { add } from "./vectors.ts";

/** Where a slice has its points. */
export interface SliceOptions {
  /** Points along each direction, an odd number so that the weights themselves are among them; 21 by default. */
  readonly points?: number;
  /** The slice goes from -extent to extent times each direction; 1 by default. */
  readonly extent?: number;
  /** The first sample, 0 by default, and the one after the last, all by default. */
  readonly from?: number;
  readonly to?: number;
  /** When raised, the points so far are the result. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each point. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The losses at weights + sum of at[i] directions[i], with their standard errors over samples. */
export interface SlicePoint extends Decomposition {
  readonly at: readonly number[];
}

/** Losses around the weights. */
export interface LandscapeSlice {
  /** The first direction's place changes slowest. */
  readonly points: readonly SlicePoint[];
  /** True when the signal was raised before all were done. */
  readonly interrupted: boolean;
}

/**
 * The loss and its two terms along one direction, or on the plane of two: 21 or 441 forward evaluations of all samples
 * by default. Directions: `filterDirection`, or eigenvectors that `curvature` gives, whose length is 1.
 *
 * @throws VoxtwirlError "bad-option" for numbers or directions that cannot be, "bad-shape" for a direction that is not
 *   as long as the weights
 */
export async function landscapeSlice(
  terms: LossTerms,
  directions: readonly Float64Array[],
  options: SliceOptions = {},
): Promise<LandscapeSlice> {
  const { points: count = 21, extent = 1, from, to, signal, onProgress } = options;
  requireTerms(terms);
  requireDirections(directions, terms.weights.length);
  requireOdd("points", count);
  requirePositive("extent", extent);
  const line = Array.from({ length: count }, (_, i) => extent * ((2 * i) / (count - 1) - 1));
  const places = directions.length === 1 ? line.map((a) => [a]) : line.flatMap((a) => line.map((b) => [a, b]));
  const points: SlicePoint[] = [];
  const finished = await untilAborted(signal, async () => {
    for (const at of places) {
      throwIfAborted(signal);
      const weights = Float64Array.from(terms.weights);
      at.forEach((factor, i) => add(weights, factor, directions[i]!));
      const sums = await terms.sums(weights, { from, to, signal });
      points.push({ at, ...decomposeSums(sums, terms.sampling) });
      onProgress?.(points.length, places.length);
    }
  });
  return { points, interrupted: !finished };
}

/** @throws VoxtwirlError "bad-option" unless `count` is an odd number from 3 */
export function requireOdd(name: string, count: number): void {
  requireWhole(name, count, 3);
  if (count % 2 === 0) throw new VoxtwirlError("bad-option", `${name} is ${count}`, "Give an odd number.");
}

function requireDirections(directions: unknown, length: number): void {
  requireArray("directions", directions, "Give one or two vectors as long as the weights.");
  if (directions.length !== 1 && directions.length !== 2) {
    throw new VoxtwirlError("bad-option", `there are ${directions.length} directions`, "Give one or two.");
  }
  directions.forEach((direction, i) => {
    const found = (direction as Float64Array | undefined)?.length;
    if (found === length) return;
    throw new VoxtwirlError("bad-shape", `direction ${i} has ${found} numbers`, `Give as many as weights: ${length}.`);
  });
}
