import { philox4x32, uniformFromBits } from "../kernels/philox.ts";
import type { RandomStep } from "./noise.ts";
import { stepOf, twin, type Twins } from "./twin.ts";

type Numbers = ArrayLike<number>;

/** Twin of shaders/flow/chainWindows.wgsl. */
export function chainWindows(
  { places, stream }: { readonly places: number; readonly stream: number },
  { offsets, chosen }: { readonly offsets: Numbers; readonly chosen: Numbers },
  { seedLo, seedHi, step, sample }: RandomStep,
): number[] {
  return Array.from(chosen).flatMap((chain, b) => {
    const [first, next] = [offsets[chain]!, offsets[chain + 1]!];
    const length = Math.min(next - first, places);
    const uniform = uniformFromBits(philox4x32([0, stream, step, sample + b], [seedLo, seedHi])[0]);
    return [first + Math.floor(uniform * (next - first - length + 1)), length];
  });
}

export const twins: Twins = {
  chainWindows: twin<"step" | "offsets" | "chosen", "places">(({ step, ...chains }, { places }) => ({
    windows: chainWindows({ places, stream: 6 }, chains, stepOf(step)),
  })),
};
