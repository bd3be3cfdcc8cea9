import { join } from "node:path";
import { beforeAll, expect } from "vitest";
import type { BuiltCommand } from "./built.ts";
import { SMALL_STEPS } from "./smallRun.ts";

export const LOSSES = ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv", "percentEquivStdErr"] as const;
type Losses = Record<(typeof LOSSES)[number], number>;

/** What the tests look into; the pose's are there for `--group so3`. */
export interface Found extends Losses {
  [name: string]: unknown;
  lossTotalStdErr: number;
  gains: { count: number; percentPredictedPose: number; percentGainNoisyPose: number }[];
  percentPose: number;
  lossPose: number;
  lossPoseFloor: number;
  lossTotalPose: number;
  betterReading: { reading: object; lossTotal: number };
}

/** What `measure --json` finds. */
export async function measure(command: BuiltCommand, args: readonly string[]): Promise<Found> {
  const result = await command.run(["measure", ...args, "--json"]);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout.trimEnd()).not.toContain("\n");
  return JSON.parse(result.stdout) as Found;
}

/** A run of two steps with six held-out molecules, made once for the tests of a file. */
export function useTrainedRun(command: BuiltCommand, folder: string): { run: string; model: string } {
  const run = join(folder, "run");
  beforeAll(async () => {
    const quick = [...SMALL_STEPS, "--heldout", "6", "--steps", "2", "--every", "2"];
    const result = await command.run(["train", ...quick, "--seed", "4", "--out", run, "--quiet"]);
    expect(result.code, result.stderr).toBe(0);
  });
  return { run, model: join(run, "model.safetensors") };
}
