import { createHash } from "node:crypto";
import { join } from "node:path";
import { partOf, type DataFile } from "../node/dataFile.ts";
import { prepareRunData } from "../runs/runData.ts";
import type { KeptSteps } from "../training/keptSteps.ts";
import type { TaskData } from "../training/task.ts";
import type { TrainConfig } from "../training/trainConfig.ts";
import { changesOf } from "./arms.ts";
import type { Arm, Experiment } from "./experiment.ts";
import type { Settings } from "./laboratory.ts";
import type { Material, Materials } from "./material.ts";

/** One of an experiment's runs: an arm with a seed. */
export interface PlannedRun {
  readonly arm: string;
  readonly seed: number;
  readonly config: TrainConfig;
  readonly material: Material;
  /** What the arm is trained on: all that was given, or a part of it. */
  readonly file: DataFile;
  readonly data: TaskData;
  /** Of its run folder; of what is the same it is the same. */
  readonly name: string;
  readonly path: string;
}

/** What an experiment's runs are made of. */
export interface PlanOptions {
  readonly experiment: Experiment;
  readonly materials: Materials;
  readonly settings: Pick<Settings, "preset" | "seeds" | "steps">;
  /** The folder of the laboratory. */
  readonly out: string;
}

/**
 * Steps at which every run keeps its model, so that any experiment finds them in runs that another one made; and the
 * last one.
 */
const KEPT = [0, 50, 100, 200, 300, 500, 1000, 1500, 2000, 3000, 5000, 7000, 10_000];

export function keptSteps(steps: number): number[] {
  const kept = KEPT.filter((step) => step <= steps);
  return kept.includes(steps) ? kept : [...kept, steps];
}

/** The same as a run's folder has it. */
export const keptBy = (steps: number): KeptSteps => ({ steps: keptSteps(steps) });

/** Steps of a run's evaluations. */
export function evaluatedSteps({ every, steps }: TrainConfig): number[] {
  const all = Array.from({ length: Math.floor(steps / every) + 1 }, (_, i) => i * every);
  return steps % every === 0 ? all : [...all, steps];
}

/**
 * The runs of an experiment, arm by arm, each with the seeds 1, 2, ...
 *
 * @throws VoxtwirlError as `Task.check` and `Task.open`: for an arm that cannot be, or too few molecules
 */
export async function planRuns({ experiment, materials, settings, out }: PlanOptions): Promise<PlannedRun[]> {
  const runs: PlannedRun[] = [];
  const { preset, seeds, steps } = settings;
  for (const arm of experiment.arms) {
    const material = materials[arm.preset ?? preset]!;
    for (let seed = 1; seed <= seeds; seed++) {
      const config = configOf(arm, material, steps, seed);
      const { file, data } = await dataOf(arm, material, config);
      const name = runName(material.task.name, config, file.sha256);
      runs.push({ arm: arm.name, seed, config, material, file, data, name, path: join(out, "runs", name) });
    }
  }
  return runs;
}

function configOf(arm: Arm, { task, base }: Material, steps: number, seed: number): TrainConfig {
  const changed = { ...base, ...changesOf(arm, base) };
  const { every } = changed;
  const { stepShare = 1 } = arm;
  const own = stepShare === 1 ? steps : every * Math.max(1, Math.round((stepShare * steps) / every));
  return task.check({ ...changed, seed, steps: own });
}

/** Of a part, the held-out molecules are those of the whole, and the others the first of a random order. */
async function dataOf({ share = 1 }: Arm, { task, file }: Material, config: TrainConfig) {
  const data = await prepareRunData(task, file, config);
  if (share === 1) return { file, data };
  const count = Math.max(1, Math.round(share * data.train.count));
  const chosen = [...data.heldout.sourceIndex, ...data.train.sourceIndex.subarray(0, count)].sort((a, b) => a - b);
  const part = partOf(file, chosen, hash([file.sha256, ...chosen]));
  return { file: part, data: await prepareRunData(task, part, config) };
}

/** The same for all that decides what is computed; more steps go on with the same run. */
function runName(task: string, { steps: _, ...config }: TrainConfig, sha256: string): string {
  return `${config.preset}-${hash([task, sorted(config), sha256]).slice(0, 12)}`;
}

const hash = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

const sorted = (config: object): [string, unknown][] => Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
