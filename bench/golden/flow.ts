import type { Expected } from "../case.ts";
import { expectedSamples } from "./samples.ts";
import golden from "./flow.json" with { type: "json" };

/** Samples of what PyTorch computes in float64 for a step of sampling with flow-small: "x1" and "endpoints". */
export function expectedSamplingStep(): Expected[] {
  return expectedSamples(golden.sampling, () => true);
}

/**
 * Of a training step: "loss" and the gradients. Where on their ways chains are is drawn anew in float32, which is 1e-6
 * off, and puts a few of 65,536 distances into the next bin: the gradients of what begins with bins feel that most.
 */
export function expectedTrainingStep(conditioned: boolean): Expected[] {
  const tensors = conditioned ? golden.conditioned : golden.unconditioned;
  // One number added to all keys' scores changes no attention: what stands there is rounding.
  const samples = expectedSamples(tensors, (name) => !/(kNorm|pairNorm)\.bias$/.test(name));
  return samples.map((one) => (one.output.startsWith("grad/pair.") ? { ...one, tolerance: 1e-2 } : one));
}
