/** At which steps a run keeps its model. */
import { requireArray, requireObject, requireWhole } from "../check.ts";
import { VoxtwirlError } from "../errors.ts";
import type { TrainConfig } from "./trainConfig.ts";

/** Some steps, for analyses that follow training. */
export interface KeptStepList {
  /** Step 0 and every so many steps. */
  readonly every?: number;
  /** Each of these; 0 has the initial weights. */
  readonly steps?: readonly number[];
}

/** Where a run keeps its model: at every evaluation, step 0 and the last one with them, or at stated steps. */
export type KeptSteps = "evaluations" | KeptStepList;

/** What of a run's configuration decides when it evaluates. */
type Evaluations = Pick<TrainConfig, "every" | "steps">;

/** @throws VoxtwirlError "bad-option" naming the value that cannot be */
export function checkKeptSteps(kept: unknown): asserts kept is KeptSteps {
  if (kept === "evaluations") return;
  requireObject("keepCheckpoints", kept, 'Give "evaluations" or { every, steps }.');
  const { every, steps } = kept as { every?: unknown; steps?: unknown };
  if (every === undefined && steps === undefined) {
    const message = "keepCheckpoints says neither every nor steps";
    throw new VoxtwirlError("bad-option", message, 'Give "evaluations" or { every, steps }.');
  }
  if (every !== undefined) requireWhole("keepCheckpoints.every", every, 1);
  if (steps === undefined) return;
  requireArray("keepCheckpoints.steps", steps, "Give an array of steps.");
  for (const step of steps) requireWhole("a step of keepCheckpoints", step, 0);
}

/** Whether a run keeps the model that it has after `step` updates. */
export function isKept(kept: KeptSteps | undefined, step: number, run: Evaluations): boolean {
  if (kept === undefined) return false;
  if (kept === "evaluations") return step % run.every === 0 || step === run.steps;
  return (kept.every !== undefined && step % kept.every === 0) || (kept.steps?.includes(step) ?? false);
}

/** The first stated step after `step`; Infinity where there is none. Evaluations have their own place in the loop. */
export function nextKept(kept: KeptSteps | undefined, step: number): number {
  if (kept === undefined || kept === "evaluations") return Infinity;
  const { every, steps = [] } = kept;
  const multiple = every === undefined ? Infinity : step - (step % every) + every;
  return Math.min(multiple, ...steps.filter((one) => one > step));
}

/** How many models a run keeps up to its last step. */
export function countKept(kept: KeptSteps, run: Evaluations): number {
  const { every, steps = [] } = kept === "evaluations" ? { every: run.every, steps: [run.steps] } : kept;
  const others = new Set(steps.filter((step) => step <= run.steps && (every === undefined || step % every !== 0)));
  return others.size + (every === undefined ? 0 : Math.floor(run.steps / every) + 1);
}

/** The steps up to `step` whose models a run was to keep, in order. */
export function keptUpTo(kept: KeptSteps, step: number, run: Evaluations): number[] {
  const { every, steps = [] } = kept === "evaluations" ? { every: run.every } : kept;
  const multiples =
    every === undefined ? [] : Array.from({ length: Math.floor(step / every) + 1 }, (_, i) => i * every);
  return [...new Set([...multiples, ...steps.filter((one) => one <= step)])].sort((a, b) => a - b);
}
