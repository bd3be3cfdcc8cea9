import { requireArray, requirePositive } from "../check.ts";
import { decomposeSums, type Decomposition } from "../equivariance/estimators.ts";
import { VoxtwirlError } from "../errors.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { untilAborted } from "./abort.ts";
import { fitLine, FITTED, type LineFit, type LineSums } from "./lineFit.ts";
import type { LossTerms } from "./lossTerms.ts";
import { requireTerms } from "./requireTerms.ts";
import { hasKernels, perpendicularNorms, projectWeights, type PerpendicularNorms } from "./perpendicular.ts";

/** The losses at theta(s) = P theta + s theta_perp, with their standard errors over samples. */
export interface LinePoint extends Decomposition {
  readonly s: number;
}

/** What `parameterSpace` finds. */
export interface ParameterSpace {
  readonly norms: PerpendicularNorms;
  /** From the projected weights, s = 0, to the model's own, s = 1. */
  readonly line: readonly LinePoint[];
  /** Of L_equiv; null where the signal was raised before four points were known. */
  readonly fit: LineFit | null;
  readonly samples: number;
  readonly rotations: number;
  /** True when the signal was raised before all were done. */
  readonly interrupted: boolean;
}

/** Where the line has its points, and how well a fit must do. */
export interface ParameterSpaceOptions {
  /** Values of s, ascending from 0 to 1, four or more; by default twelve, closest together near 0. */
  readonly points?: readonly number[];
  /** The fit holds where it misses at most this part of the rise of L_equiv since s = 0; 0.1 by default. */
  readonly tolerance?: number;
  /** The first sample, 0 by default, and the one after the last, all by default. */
  readonly from?: number;
  readonly to?: number;
  /** When raised, the points so far are the result. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each point. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a line costs. */
export interface ParameterSpaceCost {
  /** Forward evaluations of all samples and rotations. */
  readonly evaluations: number;
  /** Predictions in all of them. */
  readonly predictions: number;
}

const POINTS = [0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1] as const;

/**
 * What `parameterSpace` will cost with these options.
 *
 * @throws VoxtwirlError "bad-option" for points that cannot be
 */
export function parameterSpaceCost(terms: LossTerms, options: ParameterSpaceOptions = {}): ParameterSpaceCost {
  requireTerms(terms);
  const { from = 0, to = terms.samples } = options;
  const evaluations = checkedPoints(options).length;
  return { evaluations, predictions: evaluations * (to - from) * terms.sampling.rotations };
}

/**
 * The model in the space of its parameters (arXiv 2512.02303 for the terms): theta = P theta + theta_perp, where
 * P theta has kernels that are equivariant under the 24 rotations of the cube (`projectWeights`), and the losses along
 * the straight line theta(s) = P theta + s theta_perp. Biases, norms and linear layers stay as they are on it. The
 * samples, rotations and noise are the same at each s.
 *
 * @throws VoxtwirlError "bad-option" for points or a tolerance that cannot be, "unsupported" for a net without such
 *   kernels, "bad-shape" as `projectWeights`
 */
export async function parameterSpace(terms: LossTerms, options: ParameterSpaceOptions = {}): Promise<ParameterSpace> {
  requireTerms(terms);
  const { tolerance = 0.1, from, to, signal, onProgress } = options;
  requirePositive("tolerance", tolerance);
  const points = checkedPoints(options);
  const { layout, weights, sampling } = terms;
  requireKernels(layout);
  const norms = perpendicularNorms(layout, weights);
  const projected = projectWeights(layout, weights);
  const known: LineSums[] = [];
  const finished = await untilAborted(signal, async () => {
    for (const s of points) {
      known.push({ s, sums: await terms.sums(between(projected, weights, s), { from, to, signal }) });
      onProgress?.(known.length, points.length);
    }
  });
  return {
    norms,
    line: known.map(({ s, sums }) => ({ s, ...decomposeSums(sums, sampling) })),
    fit: known.length > FITTED ? fitLine(known, sampling, tolerance) : null,
    samples: known[0]?.sums.length ?? 0,
    rotations: sampling.rotations,
    interrupted: !finished,
  };
}

/** @throws VoxtwirlError "unsupported" unless the projection has something to change */
export function requireKernels(parameters: Parameters<typeof hasKernels>[0]): void {
  if (hasKernels(parameters)) return;
  const message = "the parameter space is that of convolution kernels, which rotations act on, and the net has none";
  throw new VoxtwirlError("unsupported", message, "Take the gradients, the landscape or the latents.");
}

/** The ends bitwise as they are. */
function between(projected: Float64Array, weights: Float64Array, s: number): Float64Array {
  return weights.map((value, i) => (s === 1 ? value : projected[i]! + s * (value - projected[i]!)));
}

function checkedPoints({ points = POINTS }: ParameterSpaceOptions): readonly number[] {
  requireArray("points", points, "Give values of s from 0 to 1.");
  const ascending = points.every((s, i) => (i === 0 ? s === 0 : s > points[i - 1]! && s <= 1));
  if (ascending && points.length > FITTED) return points;
  const fix = `Give 0 and at least ${FITTED} more values up to 1, each larger than the one before.`;
  throw new VoxtwirlError("bad-option", `points are ${points.join(", ")}`, fix);
}
