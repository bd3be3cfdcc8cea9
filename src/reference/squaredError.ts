import { mapped, twin, type Twins } from "./twin.ts";

/** Twin of shaders/squaredError.wgsl in float64. */
export function squaredError(
  prediction: ArrayLike<number>,
  target: ArrayLike<number>,
): { sum: number; difference: Float64Array } {
  const difference = Float64Array.from(prediction, (p, i) => p - target[i]!);
  return { sum: difference.reduce((sum, d) => sum + d * d, 0), difference };
}

export const twins: Twins = {
  squaredError: twin<"prediction" | "target" | "loss", never>(({ prediction, target, loss }) => {
    const { sum, difference } = squaredError(prediction, target);
    return { gradPrediction: mapped(difference, (d) => 2 * 0.5 * d), loss: [loss[0]! + 1e-3 * sum] };
  }),
  sumOfSquares: twin<"x" | "out", never>(({ x, out }) => {
    return { out: [out[0]! + 1e-3 * squaredError(x, new Float64Array(x.length)).sum] };
  }),
};
