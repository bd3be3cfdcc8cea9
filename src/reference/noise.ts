import { philox4x32, uniformFromBits } from "../kernels/philox.ts";
import { normalsFromBits } from "./random.ts";
import { mapped, stepOf, twin, type Twins } from "./twin.ts";

/** The numbers that a shader reads from `Step` for its random numbers. */
export interface RandomStep {
  seedLo: number;
  seedHi: number;
  step: number;
  sample: number;
}

/** Twin of shaders/noise.wgsl without its scale: the raw normal or uniform numbers of [samples, perSample] elements. */
export function noiseNumbers(
  kind: "normal" | "uniform",
  { samples, perSample, stream }: { samples: number; perSample: number; stream: number },
  { seedLo, seedHi, step, sample }: RandomStep,
): Float64Array {
  const out = new Float64Array(samples * perSample);
  for (let n = 0; n < samples; n++) {
    for (let e = 0; e < perSample; e += 4) {
      const bits = philox4x32([e / 4, stream, step, sample + n], [seedLo, seedHi]);
      const four = kind === "normal" ? normalsFromBits(bits) : bits.map(uniformFromBits);
      for (let k = 0; k < 4 && e + k < perSample; k++) out[n * perSample + e + k] = four[k]!;
    }
  }
  return out;
}

type Sizes = "samples" | "perSample";

export const twins: Twins = {
  addNoise: twin<"step" | "x", Sizes>(({ step, x }, shape) => {
    const numbers = noiseNumbers("normal", { ...shape, stream: 1 }, stepOf(step));
    return { y: mapped(x, (value, i) => value + 0.5 * numbers[i]!) };
  }),
  fillNormal: twin<"step", Sizes>(({ step }, shape) => {
    return { y: mapped(noiseNumbers("normal", { ...shape, stream: 2 }, stepOf(step)), (n) => 1 + 2 * n) };
  }),
  fillUniform: twin<"step", Sizes>(({ step }, shape) => {
    return { y: mapped(noiseNumbers("uniform", { ...shape, stream: 3 }, stepOf(step)), (n) => 4 * n - 1) };
  }),
};
