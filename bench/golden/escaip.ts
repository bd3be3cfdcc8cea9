import type { Expected } from "../case.ts";
import { expectedSamples } from "./samples.ts";
import golden from "./escaip.json" with { type: "json" };

/** Samples of what PyTorch computes in float64 for a training step of forces-small: "loss" and the gradients. */
export function expectedForceStep(): Expected[] {
  // The gradient of the keys' bias is zero by symmetry: what stands there is rounding.
  return expectedSamples(golden.tensors, (name) => name !== "terms");
}

/** The terms of its evaluation. */
export function expectedForceEvaluation(): Expected[] {
  return expectedSamples(golden.tensors, (name) => name === "terms");
}
