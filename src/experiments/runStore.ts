/** What a laboratory's run folders hold, and how runs get there. */
import { join } from "node:path";
import { VoxtwirlError } from "../errors.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { AbortSignal } from "../hostTypes.ts";
import { readText } from "../node/files.ts";
import { list } from "../node/folders.ts";
import { readRunConfig } from "../runs/earlierRun.ts";
import type { RunEvent } from "../runs/folderRun.ts";
import { keptModels } from "../runs/keptModels.ts";
import { RunFolder } from "../runs/runFolder.ts";
import { lookAtRun, RUN_FILES } from "../runs/runStage.ts";
import { withSafetensors } from "../runs/safetensorsFile.ts";
import { trainingRun } from "../runs/trainingRun.ts";
import { parseMetrics, type EvalRow } from "../training/metrics.ts";
import type { Reading } from "./experiment.ts";
import { figure } from "./figure.ts";
import { absoluteSource } from "./laboratory.ts";
import { evaluatedSteps, keptBy, keptSteps, type PlannedRun } from "./plannedRun.ts";

/** The figures of an evaluation. */
const FIGURES = ["lossTotal", "lossMean", "lossEquiv", "lossZero", "percentEquiv"] as const;

/** How far a run has come: the step of its checkpoint, and whether all is there that an experiment reads. */
export interface Progress {
  readonly step: number;
  readonly complete: boolean;
}

export async function progressOf({ path, config }: PlannedRun): Promise<Progress> {
  if ((await lookAtRun(path)) !== "saved") return { step: 0, complete: false };
  const step = Number(await withSafetensors(join(path, RUN_FILES.state), ({ metadata }) => metadata.step));
  const rows = new Set((await evaluations(path)).map((row) => row.step));
  const models = new Set((await keptModels(path)).map((kept) => kept.step));
  const complete =
    step >= config.steps &&
    evaluatedSteps(config).every((one) => rows.has(one)) &&
    keptSteps(config.steps).every((one) => models.has(one));
  return { step, complete };
}

/** Trains a run up to the steps that are asked for, from its last checkpoint where it has one. */
export async function* continueRun(
  { gpu, signal }: { gpu: Gpu; signal?: AbortSignal | undefined },
  run: PlannedRun,
  onRemark: (text: string) => void,
): AsyncGenerator<RunEvent, void, undefined> {
  const { path, file, material } = run;
  const { task } = material;
  const folder = await RunFolder.open(path, { onRemark });
  try {
    const { step } = await progressOf(run);
    // A run that has gone further only writes what a kill kept it from.
    const config = { ...run.config, steps: Math.max(run.config.steps, step) };
    const keepCheckpoints = keptBy(config.steps);
    const source = absoluteSource(material.source);
    yield* trainingRun({ gpu, task, folder, config, file, source, keepCheckpoints, signal });
  } finally {
    folder.close();
  }
}

/** @throws VoxtwirlError "bad-option" where a run that has gone further has nothing at one of the steps */
export async function evaluationReadings({ path, config }: PlannedRun): Promise<Reading[]> {
  const rows = new Map((await evaluations(path)).map((row) => [row.step, row]));
  return evaluatedSteps(config).map((step) => {
    const row = rows.get(step);
    if (!row) throw notThere(path, `evaluated at step ${step}`, config.every);
    const errors: Partial<Record<string, number>> = { percentEquiv: row.percentEquivStdErr };
    const figures = FIGURES.map((name) => [name, figure(row[name], errors[name])] as const);
    return { step, figures: Object.fromEntries(figures) };
  });
}

/** The file of the model that a run kept at a step. @throws as `evaluationReadings` */
export async function keptModel({ path, config }: PlannedRun, step: number): Promise<string> {
  const found = (await keptModels(path)).find((kept) => kept.step === step);
  if (found) return found.path;
  throw notThere(path, `kept the model of step ${step}`, config.every);
}

/** What a run's folder says of where it was trained. */
export async function adapterOf({ path }: PlannedRun): Promise<string> {
  return (await readRunConfig(path)).adapter;
}

async function evaluations(path: string): Promise<EvalRow[]> {
  if (!(await list(path)).includes(RUN_FILES.metrics)) return [];
  const file = join(path, RUN_FILES.metrics);
  return parseMetrics(await readText(file), file).filter((row): row is EvalRow => row.type === "eval");
}

function notThere(path: string, what: string, every: number): VoxtwirlError {
  const fix = `Give --steps a multiple of ${every}, or another --out.`;
  return new VoxtwirlError("bad-option", `${path} has gone on without having ${what}`, fix);
}
