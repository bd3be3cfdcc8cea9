import { philox4x32 } from "../kernels/philox.ts";
import { mapped, stepOf, twin, type Twins } from "./twin.ts";

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

export const twins: Twins = {
  dropout: twin<"step" | "x", "samples" | "perSample">(({ step, x }, { samples, perSample }) => {
    const { seedLo, seedHi, step: at, sample } = stepOf(step);
    const factors = Array.from({ length: samples }, (_, n) => {
      return dropoutFactors(perSample, 0.3, 4, at, [seedLo, seedHi], sample + n);
    });
    return { y: mapped(x, (value, i) => value * factors[Math.floor(i / perSample)]![i % perSample]!) };
  }),
};
