/** Before anything runs: does it fit, and how long will it take. */
import type { Gpu } from "../gpu/gpu.ts";
import { train } from "../training/loop.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { Training } from "../training/training.ts";
import type { PlannedRun } from "./plannedRun.ts";

/** Timed steps; the first one compiles. */
const STEPS = 4;

/**
 * Makes an arm's training ready as its runs will, and does a few steps that are forgotten.
 *
 * @returns seconds a step
 * @throws VoxtwirlError "out-of-memory" or "too-large" where it does not fit
 */
export async function rehearse(gpu: Gpu, { material, config, data }: PlannedRun): Promise<number> {
  const training = await Training.create(gpu, material.task, config, data);
  try {
    let first: number | undefined;
    let last = 0;
    let steps = 0;
    for await (const event of train({ trainer: training.trainer }, { steps: STEPS })) {
      if (event.type !== "train") continue;
      last = performance.now();
      if (first === undefined) first = last;
      else steps += event.rows.length;
    }
    return (last - first!) / 1000 / steps;
  } finally {
    training.destroy();
  }
}

/** Steps that take about as long as an evaluation: it has forward passes alone, a step does three of each sample. */
export function evaluationCost({ heldout, twirl, batch }: TrainConfig): number {
  return (heldout * twirl) / (3 * batch);
}
