import type { Loss } from "../equivariance/losses.ts";
import type { ElementwiseLoss } from "../kernels/twirl/twirlGrad.ts";

/** Twisted predictions of one sample, and the term whose slopes are wanted. */
export interface TwirlSlopesOptions {
  /** [N, ...], rotated back. */
  readonly predictions: Float64Array;
  readonly target: Float64Array;
  /** An elementwise one. */
  readonly loss: Loss;
  /** As `termWeights` gives them. */
  readonly factors: readonly [number, number];
}

/**
 * The slopes of a term by the twisted predictions f_k with the mean m, as the kernel `twirlGrad` has them for grids:
 * a (f_k - y) + b (f_k - m) for the squared error, a d(f_k - y) + b (d(f_k - y) - d(m - y)) for another of slope d.
 */
export function twirlSlopes({ predictions, target, loss, factors }: TwirlSlopesOptions): Float64Array {
  const slope = slopeOf(loss.elementwise!);
  const [a, b] = factors;
  const size = target.length;
  const rotations = predictions.length / size;
  const mean = new Float64Array(size);
  predictions.forEach((value, at) => (mean[at % size]! += value / rotations));
  return predictions.map((value, at) => {
    const e = at % size;
    const own = slope(value - target[e]!);
    return a * own + b * (own - slope(mean[e]! - target[e]!));
  });
}

function slopeOf(loss: ElementwiseLoss): (error: number) => number {
  if (loss.kind === "squared") return (error) => error;
  if (loss.kind === "absolute") return Math.sign;
  const { delta } = loss;
  return (error) => Math.max(-delta, Math.min(delta, error));
}
