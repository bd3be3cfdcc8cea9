import { centre, type FlowCase } from "./flow.ts";
import { philox4x32 } from "../kernels/philox.ts";
import { normalsFromBits } from "./random.ts";
import type { RandomStep } from "./noise.ts";
import { mapped, stepOf, twin, type Twins } from "./twin.ts";

type Numbers = ArrayLike<number>;

/** The noise of chains by their numbers, [chains, side, 3]: that of shaders/flow/flowStep.wgsl in float64. */
export function chainNoise(
  { chains, side }: FlowCase,
  numbers: Numbers,
  stream: number,
  { seedLo, seedHi, step, sample }: RandomStep,
): Float64Array {
  const noise = new Float64Array(3 * chains * side);
  for (let at = 0; at < chains * side; at++) {
    const counter = [at % side, stream, step, sample + numbers[Math.floor(at / side)]!];
    noise.set(normalsFromBits(philox4x32(counter, [seedLo, seedHi])).slice(0, 3), 3 * at);
  }
  return noise;
}

export const twins: Twins = {
  flowStart: twin<"step" | "residues" | "numbers", keyof FlowCase>(({ step, residues, numbers }, shape) => {
    return { y: centre(shape, chainNoise(shape, numbers, 1, stepOf(step)), residues) };
  }),
  flowStep: twin<"step" | "residues" | "numbers" | "x" | "endpoints" | "coefficients", keyof FlowCase>(
    ({ step, residues, numbers, x, endpoints, coefficients }, shape) => {
      const noise = chainNoise(shape, numbers, 2, stepOf(step));
      const [p, q, r] = Array.from(coefficients) as [number, number, number];
      return {
        y: centre(
          shape,
          mapped(x, (from, at) => p * from + q * endpoints[at]! + r * noise[at]!),
          residues,
        ),
      };
    },
  ),
};
