import type { ArmCost } from "../../src/experiments/costs.ts";
import type { Experiment, Figures, Outcome } from "../../src/experiments/experiment.ts";

/** An outcome with figures made up by a function of the arm, the seed and the step. */
export function synthetic(
  { arms }: Experiment,
  of: { readonly steps: number; readonly every: number; readonly seeds: number },
  figures: (arm: string, seed: number, step: number) => Record<string, number>,
  costs?: (arm: string) => ArmCost,
): Outcome {
  const steps = Array.from({ length: Math.floor(of.steps / of.every) + 1 }, (_, i) => i * of.every);
  const asFigures = (values: Record<string, number>): Figures =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, stdErr: null }]));
  return {
    steps: of.steps,
    arms: arms.map(({ name }) => ({
      name,
      ...(costs && { cost: costs(name) }),
      runs: Array.from({ length: of.seeds }, (_, i) => ({
        seed: i + 1,
        readings: steps.map((step) => ({ step, figures: asFigures(figures(name, i + 1, step)) })),
      })),
    })),
  };
}

/** A little above and below 1, so that three seeds have a narrow interval around 1. */
export const jitter = (seed: number, by = 0.01): number => 1 + by * (seed - 2);

/** What an evaluation gives, of a share in percent. */
export const losses = (percent: number, total = 0.5) => ({
  percentEquiv: percent,
  lossTotal: total,
  lossEquiv: (percent / 100) * total,
  lossMean: (1 - percent / 100) * total,
  lossZero: 1,
});

/** The fewest seeds and steps that verdicts take. */
export const three = { steps: 1000, every: 100, seeds: 3 };
