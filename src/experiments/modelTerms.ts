import type { TrainConfig } from "../training/trainConfig.ts";
import type { ModelTerms } from "../training/task.ts";
import type { ModelContext } from "./experiment.ts";

/** How many held-out samples, the first ones, and rotations of each the terms of the loss are taken over. */
export interface TermsSize {
  readonly samples: number;
  readonly rotations: number;
}

/** Gives `use` the terms of a kept model's loss, and frees them. */
export async function withTerms<T>(
  { gpu, task, model, heldout, seed }: ModelContext,
  { samples, rotations }: TermsSize,
  use: (terms: ModelTerms) => Promise<T>,
): Promise<T> {
  const chosen = Uint32Array.from({ length: Math.min(samples, heldout.count) }, (_, i) => i);
  const terms = await task.terms(gpu, { model, data: heldout, chosen, rotations, seed });
  try {
    return await use(terms);
  } finally {
    terms.destroy();
  }
}

/** Training steps that take about as long as a gradient of a term: each sample has a forward and a backward pass. */
export function gradientCost({ batch }: TrainConfig, { samples, rotations }: TermsSize): number {
  return (samples * rotations) / batch;
}
