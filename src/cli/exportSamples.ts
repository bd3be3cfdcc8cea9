import type { Loss } from "../equivariance/losses.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Precision } from "../graph/graph.ts";
import type { AbortSignal } from "../hostTypes.ts";
import type { ModelMeasurement } from "../training/task.ts";
import { ExportFolder, requireCommonShape } from "./exportFolder.ts";
import type { ModelData } from "./modelData.ts";

export interface ExportSamplesOptions {
  readonly path: string;
  /** Of the cube, of each molecule. */
  readonly rotations: number;
  readonly loss: Loss;
  readonly precision: Precision;
  readonly signal: AbortSignal;
  /** Called before each molecule with how many are done, and of how many. */
  readonly onProgress: (done: number, total: number) => void;
}

/** Arrays that wait for figures, and the decomposition of their predictions. */
export interface ExportedSamples {
  readonly folder: ExportFolder;
  readonly measured: ModelMeasurement;
}

/**
 * Writes the arrays of `--export` for the molecules that a model is analysed on.
 *
 * @returns undefined where the signal was raised before the last molecule: then nothing is left of them
 * @throws VoxtwirlError as `ExportFolder.create` and `MeasurableTask.measure`
 */
export async function exportSamples(
  gpu: Gpu,
  { model, task, packed: data, chosen, seed }: ModelData,
  { path, rotations, loss, precision, signal, onProgress }: ExportSamplesOptions,
): Promise<ExportedSamples | undefined> {
  const interpolation = "catmullRom" as const;
  const given = { model, data, group: "octahedral" as const, rotations, loss, seed, precision, interpolation };
  const measurer = await task.measure(gpu, given);
  let folder: ExportFolder | undefined;
  let done = false;
  try {
    const shape = requireCommonShape(measurer.shape);
    folder = await ExportFolder.create(path, { samples: chosen.length, rotations, shape });
    for (const [at, index] of chosen.entries()) {
      if (signal.aborted) return undefined;
      onProgress(at, chosen.length);
      const sample = await measurer.add(index);
      if (sample) await folder.add(sample);
    }
    done = true;
    return { folder, measured: measurer.result() };
  } finally {
    if (!done) await folder?.discard();
    measurer.destroy();
  }
}
