/** The report of a run, report.html in its folder. */
import type { VoxelEvaluator } from "../tasks/voxels/voxelEvaluator.ts";
import type { Gpu } from "../gpu/gpu.ts";
import { skippedRemark } from "../report/format.ts";
import { renderReport } from "../report/report.ts";
import { densestSlice } from "../report/sampleSlices.ts";
import type { RunConfig } from "../training/config.ts";
import type { RunFolder } from "./runFolder.ts";

export interface RunReportOptions {
  readonly gpu: Gpu;
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly nameOf?: ((index: number) => string | undefined) | undefined;
  readonly notes: readonly string[];
}

/** The report of a run that failed: as far as its rows go. What goes wrong here would only hide the error itself. */
export async function reportFailure(
  options: RunReportOptions,
  evaluator: VoxelEvaluator | undefined,
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
  evaluator: VoxelEvaluator | undefined,
  remarks: readonly string[],
): Promise<void> {
  const { config, gpu, folder, notes } = options;
  const { grid, elements, resolution, preset } = config.training;
  const name = options.nameOf?.(0);
  const slices = evaluator && densestSlice(await evaluator.sample(0), grid, [...elements], resolution, name);
  const { vendor, architecture, device, description } = gpu.info;
  const metrics = await folder.readMetrics();
  const skipped = metrics.filter((row) => row.type === "train" && row.skipped).length;
  const html = renderReport({
    title: `voxtwirl train, preset ${preset}`,
    config: { ...config.training, data: config.data, tuning: config.tuning ?? "none" },
    adapter: { vendor, architecture, device, description },
    metrics,
    ...(slices ? { slices } : {}),
    notes: [...notes, ...(skipped > 0 ? [`${skippedRemark(skipped)}.`] : []), ...remarks],
  });
  await folder.writeReport(html);
}
