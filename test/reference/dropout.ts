import { philox4x32 } from "./philox.ts";

/** Twin of shaders/dropout.wgsl: the factor of each of `count` elements of one sample, 0 or 1 / (1 - rate). */
export function dropoutFactors(
  count: number,
  rate: number,
  stream: number,
  step: number,
  seed: readonly [number, number],
  sample = 0,
): Float64Array {
  const threshold = Math.round(rate * 2 ** 32);
  return Float64Array.from({ length: count }, (_, i) => {
    const word = philox4x32([i >>> 2, stream, step, sample], seed)[i % 4]!;
    return word >= threshold ? 1 / (1 - rate) : 0;
  });
}
