import type { Expected } from "../case.ts";
import { expectedSamples } from "./samples.ts";
import golden from "./flow.json" with { type: "json" };

/** Samples of what PyTorch computes in float64 for a step of sampling with flow-small: "x1" and "endpoints". */
export function expectedSamplingStep(): Expected[] {
  return expectedSamples(golden.tensors, () => true);
}
