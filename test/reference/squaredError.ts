/** Twin of shaders/squaredError.wgsl in float64. */
export function squaredError(
  prediction: ArrayLike<number>,
  target: ArrayLike<number>,
): { sum: number; difference: Float64Array } {
  const difference = Float64Array.from(prediction, (p, i) => p - target[i]!);
  return { sum: difference.reduce((sum, d) => sum + d * d, 0), difference };
}
