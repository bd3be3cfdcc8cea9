/** The report of a run, report.html in its folder. */
import type { Gpu } from "../gpu/gpu.ts";
import { skippedRemark } from "../report/format.ts";
import { renderReport } from "../report/report.ts";
import type { RunConfig } from "../training/runConfig.ts";
import type { Task, TaskEvaluator } from "../training/task.ts";
import type { RunFolder } from "./runFolder.ts";

export interface RunReportOptions {
  readonly gpu: Gpu;
  readonly task: Task;
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly nameOf?: ((index: number) => string | undefined) | undefined;
  readonly notes: readonly string[];
}

/** The report of a run that failed: as far as its rows go. What goes wrong here would only hide the error itself. */
export async function reportFailure(
  options: RunReportOptions,
  evaluator: TaskEvaluator | undefined,
  error: unknown,
): Promise<void> {
  const notes = [`Stopped by an error: ${error instanceof Error ? error.message : String(error)}.`];
  try {
    if ((await options.folder.readMetrics()).length === 0) return;
    // Without the pictures where the device is what failed.
    await writeReport(options, evaluator, notes).catch(() => writeReport(options, undefined, notes));
  } catch {
    return;
  }
}

export async function writeReport(
  options: RunReportOptions,
  evaluator: TaskEvaluator | undefined,
  remarks: readonly string[],
): Promise<void> {
  const { config, gpu, task, folder, notes } = options;
  const parts = evaluator && (await task.report(evaluator, config.training, options.nameOf?.(0)));
  const { vendor, architecture, device, description } = gpu.info;
  const metrics = await folder.readMetrics();
  const skipped = metrics.filter((row) => row.type === "train" && row.skipped).length;
  const html = renderReport({
    title: `voxtwirl train, preset ${config.training.preset}`,
    config: { ...config.training, data: config.data, tuning: config.tuning ?? "none" },
    adapter: { vendor, architecture, device, description },
    metrics,
    ...parts,
    notes: [...notes, ...(skipped > 0 ? [`${skippedRemark(skipped)}.`] : []), ...remarks],
  });
  await folder.writeReport(html);
}
