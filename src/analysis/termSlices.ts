import { requireObject } from "../check.ts";
import { decomposeSums, type Decomposition } from "../equivariance/estimators.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { throwIfAborted, untilAborted } from "./abort.ts";
import type { Curvature } from "./curvature.ts";
import { filterDirection } from "./directions.ts";
import type { LossTerms } from "./lossTerms.ts";
import { requireTerms } from "./requireTerms.ts";
import { landscapeSlice, requireOdd, type SlicePoint } from "./slices.ts";
import { dot, norm } from "./vectors.ts";

/** Terms along whose leading eigenvectors slices go. */
export const SLICED_TERMS = ["mean", "equiv"] as const;
/** A filter-normalised random direction, or the leading eigenvector of a term. */
export type SliceDirection = "random" | (typeof SLICED_TERMS)[number];

/** Losses along one direction. */
export interface SliceLine {
  readonly direction: SliceDirection;
  /** The length of the step to 1. */
  readonly length: number;
  readonly points: readonly SlicePoint[];
}

/** Losses on the plane of two eigenvectors, each in the steps of its own line. */
export interface SlicePlane {
  readonly directions: readonly [SliceDirection, SliceDirection];
  readonly lengths: readonly [number, number];
  /** Of the angle between them: they are eigenvectors of different matrices. */
  readonly cosine: number;
  /** The first direction's place changes slowest. */
  readonly points: readonly SlicePoint[];
}

/** What `termSlices` finds. */
export interface TermSlices {
  readonly lines: readonly SliceLine[];
  /** Absent where there are not two eigenvectors, or where the signal was raised before. */
  readonly plane?: SlicePlane;
  readonly samples: number;
  readonly rotations: number;
  readonly interrupted: boolean;
}

/** Where slices have their points. */
export interface TermSlicesOptions {
  /** Points of each line, an odd number; 21 by default. */
  readonly points?: number;
  /** Points along each direction of the plane, an odd number; 11 by default. */
  readonly planePoints?: number;
  /** Of the random direction; 0 by default. */
  readonly seed?: number;
  /** The first sample, 0 by default, and the one after the last, all by default. */
  readonly from?: number;
  readonly to?: number;
  /** When raised, the points so far are the result. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each evaluation. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The curvature of each term that slices go along: of `landscape` with `vectors: 1`. */
export type SlicedCurvature = Partial<
  Readonly<Record<(typeof SLICED_TERMS)[number], Pick<Curvature, "lambdaMax" | "vectors">>>
>;

/**
 * Forward evaluations of all samples that `termSlices` takes at most.
 *
 * @throws VoxtwirlError "bad-option" for numbers that cannot be
 */
export function termSlicesCost(options: TermSlicesOptions = {}): number {
  requireObject("options", options, "Give { points, planePoints }, or nothing.");
  const { points = 21, planePoints = 11 } = options;
  requireOdd("points", points);
  requireOdd("planePoints", planePoints);
  return 1 + 3 * points + planePoints ** 2;
}

/**
 * The losses along a filter-normalised random direction, along the leading eigenvectors of L_mean and L_equiv, and on
 * the plane of these two. The random line goes to 1, where each filter has changed by its own length. The step to 1
 * along an eigenvector is sqrt(2 L_term / lambdaMax): were the term its parabola, it would be doubled there. An
 * eigenvector whose eigenvalue is not above 0 has no line, nor has one of a term that is 0.
 *
 * @throws VoxtwirlError "bad-option" for numbers that cannot be
 */
export async function termSlices(
  terms: LossTerms,
  curvature: SlicedCurvature,
  options: TermSlicesOptions = {},
): Promise<TermSlices> {
  requireTerms(terms);
  requireObject("curvature", curvature, "Give what landscape(terms, { vectors: 1 }) resolved to.");
  termSlicesCost(options);
  const { points = 21, planePoints = 11, seed = 0, from = 0, to = terms.samples, signal, onProgress } = options;
  const lines: SliceLine[] = [];
  let plane: SlicePlane | undefined;
  const finished = await untilAborted(signal, async () => {
    const here = decomposeSums(await terms.sums(terms.weights, { from, to, signal }), terms.sampling);
    const eigenvectors = SLICED_TERMS.flatMap((term) => eigenStep(term, curvature, here));
    const steps = [{ direction: "random" as const, step: filterDirection(terms, seed) }, ...eigenvectors];
    const total = 1 + steps.length * points + (eigenvectors.length === 2 ? planePoints ** 2 : 0);
    let before = 1;
    onProgress?.(before, total);
    const slice = async (directions: readonly Float64Array[], count: number) => {
      const done = before;
      before += count ** directions.length;
      const given = { from, to, signal, onProgress: onProgress && ((n: number) => onProgress(done + n, total)) };
      return landscapeSlice(terms, directions, { points: count, ...given });
    };
    for (const { direction, step } of steps) {
      const found = await slice([step], points);
      if (found.points.length > 0) lines.push({ direction, length: norm(step), points: found.points });
      if (found.interrupted) throwIfAborted(signal);
    }
    const [first, second] = eigenvectors;
    if (!first || !second) return;
    const found = await slice([first.step, second.step], planePoints);
    const lengths = [norm(first.step), norm(second.step)] as const;
    const cosine = dot(first.step, second.step) / (lengths[0] * lengths[1]);
    const directions = [first.direction, second.direction] as const;
    if (found.points.length > 0) plane = { directions, lengths, cosine, points: found.points };
    if (found.interrupted) throwIfAborted(signal);
  });
  const { rotations } = terms.sampling;
  return { lines, ...(plane && { plane }), samples: to - from, rotations, interrupted: !finished };
}

/** The leading eigenvector of a term, as long as the step to 1; nothing where there is none. */
function eigenStep(term: (typeof SLICED_TERMS)[number], curvature: SlicedCurvature, here: Decomposition) {
  const vector = curvature[term]?.vectors[0];
  const lambdaMax = curvature[term]?.lambdaMax ?? NaN;
  const loss = term === "mean" ? here.lossMean : here.lossEquiv;
  const length = Math.sqrt((2 * loss) / lambdaMax);
  if (!vector || !(length > 0 && length < Infinity && lambdaMax > 0)) return [];
  return [{ direction: term, step: vector.map((value) => length * value) }];
}
