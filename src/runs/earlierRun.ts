/** What the folder of an earlier run says, read without opening it for writing. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { isKept } from "../training/keptSteps.ts";
import { parseRunConfig, type RunConfig } from "../training/runConfig.ts";
import { parseMetrics } from "../training/metrics.ts";
import { taskNamed } from "../tasks/list.ts";
import { readJson, readText } from "../node/files.ts";
import { keptModels } from "./keptModels.ts";
import { withSafetensors } from "./safetensorsFile.ts";
import { RUN_FILES } from "./runStage.ts";

/** The configuration of the run that a folder holds, checked. */
export async function readRunConfig(path: string): Promise<RunConfig> {
  const file = join(path, RUN_FILES.config);
  return parseRunConfig(await readJson(file), taskNamed, file);
}

/** Whether a folder's run has reached its last step and everything that follows from it is there. */
export async function isFinished(path: string, { training, keepCheckpoints }: RunConfig): Promise<boolean> {
  const { steps } = training;
  try {
    for (const name of [RUN_FILES.state, RUN_FILES.model]) {
      const step = await withSafetensors(join(path, name), ({ metadata }) => metadata.step);
      if (step !== String(steps)) return false;
    }
    const metrics = join(path, RUN_FILES.metrics);
    const rows = parseMetrics(await readText(metrics), metrics);
    if (!rows.some(({ type, step }) => type === "eval" && step === steps)) return false;
    const kept = async () => (await keptModels(path)).some(({ step }) => step === steps);
    if (isKept(keepCheckpoints, steps, training) && !(await kept())) return false;
    // The report comes last: one from before the model is that of an interruption.
    const model = await stat(join(path, RUN_FILES.model));
    return (await stat(join(path, RUN_FILES.report))).mtimeMs >= model.mtimeMs;
  } catch {
    // What is missing or damaged is told, or made anew, when the run is resumed.
    return false;
  }
}
