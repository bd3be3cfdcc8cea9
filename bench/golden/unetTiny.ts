import type { Expected } from "../case.ts";
import { expectedSamples } from "./samples.ts";
import golden from "./unetTiny.json" with { type: "json" };

/** Samples of what PyTorch computes in float64 for a training step of the preset tiny: "loss" and the gradients. */
export function expectedUnetTiny(): Expected[] {
  return expectedSamples(golden.tensors, () => true);
}
