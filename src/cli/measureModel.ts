import { VoxtwirlError } from "../errors.ts";
import { OCTAHEDRAL_ORDER } from "../equivariance/octahedral.ts";
import type { Precision } from "../graph/graph.ts";
import type { DataFile } from "../node/dataFile.ts";
import { MODEL_ADVICE, zeroRemarks } from "../report/measureRemarks.ts";
import type { ModelMeasurement, ModelMeasurer } from "../training/task.ts";
import { requireNewFolder } from "./arrayFolder.ts";
import { ExportFolder, requireCommonShape } from "./exportFolder.ts";
import { openCliGpu } from "./gpu.ts";
import { printJson } from "./json.ts";
import { deltaOf, modelLoss, type LossChoice } from "./losses.ts";
import {
  decompositionLines,
  gainLines,
  lossLines,
  poseGainLines,
  poseLines,
  remarkLines,
  termLines,
} from "./measureOutput.ts";
import { dataLines, openModelData, shownData, type ModelDataOptions } from "./modelData.ts";
import { print } from "./stdout.ts";
import { nothingKnown, partLines, sweep, type Swept } from "./sweep.ts";

export interface MeasureModelOptions extends ModelDataOptions, LossChoice {
  readonly group: "octahedral" | "so3";
  readonly twirl: number;
  /** How predictions are rotated back under so3. */
  readonly interpolation: "catmull-rom" | "trilinear";
  /** That of the model's training by default. */
  readonly precision: Precision | undefined;
  readonly adapter: string | undefined;
  readonly tuned: boolean;
  /** The folder to make, for the arrays and figures. */
  readonly exportTo: string | undefined;
  readonly json: boolean;
}

/** Measures a model that `voxtwirl train` wrote. @returns the exit code */
export async function measureModel(options: MeasureModelOptions): Promise<number> {
  const loss = modelLoss(options, options.group);
  if (options.exportTo !== undefined) await requireNewFolder(options.exportTo);
  const of = await openModelData(options);
  const { model, task, file, packed, chosen, seed } = of;
  const gpu = await openCliGpu(options.adapter, options.tuned);
  try {
    const precision = options.precision ?? model.config.training.precision;
    const shown = { ...shownData(of, options.data), precision };
    const measurer = await task.measure(gpu, {
      ...{ model, data: packed, group: options.group, rotations: options.twirl, loss, seed, precision },
      interpolation: options.interpolation === "trilinear" ? "trilinear" : "catmullRom",
    });
    try {
      const noises = measurer.noises > 1 ? `, ${measurer.noises} noises a rotation` : "";
      const rotations = `${options.twirl} rotations each${noises}`;
      if (!options.json) print(dataLines(of, options.data, precision === "f16", rotations));
      const exported = await beginExport(options, chosen.length, measurer);
      try {
        const swept = await eachSample(task.takes, chosen, async (index) => {
          const sample = await measurer.add(index);
          if (sample) await exported?.add(sample);
        });
        if (swept.done === 0) return nothingKnown(task.takes, swept);
        const { figures, lines } = shownResult(measurer.result(), { options, swept, file, shown, what: task.takes });
        try {
          await exported?.finish(figures, model.path);
        } finally {
          if (options.json) printJson(figures);
          else print(lines);
        }
        return swept.code;
      } finally {
        await exported?.discard();
      }
    } finally {
      measurer.destroy();
    }
  } finally {
    gpu.destroy();
  }
}

async function beginExport(
  { exportTo, twirl: rotations }: MeasureModelOptions,
  samples: number,
  { shape }: ModelMeasurer,
): Promise<ExportFolder | undefined> {
  if (exportTo === undefined) return undefined;
  return ExportFolder.create(exportTo, { samples, rotations, shape: requireCommonShape(shape) });
}

interface Shown {
  readonly options: MeasureModelOptions;
  readonly swept: Swept;
  readonly file: DataFile;
  /** What its samples are, one of them. */
  readonly what: string;
  /** What the JSON says of the model and the data. */
  readonly shown: object;
}

/** A result for programs and for people. */
interface Result {
  readonly figures: object;
  readonly lines: readonly string[];
}

function shownResult(measured: ModelMeasurement, shown: Shown): Result {
  return measured.kind === "pose" ? poseResult(measured, shown) : decompositionResult(measured, shown);
}

function poseResult(measured: Extract<ModelMeasurement, { kind: "pose" }>, of: Shown): Result {
  const { options, swept, file, shown, what } = of;
  const { kind: _, group, gains, ...result } = measured;
  const { interpolation } = options;
  const names = ["lossTotalPose", "lossZeroPose"] as const;
  const remarks = zeroRemarks(result.lossTotalPose, result.lossZeroPose, MODEL_ADVICE, names);
  const found = { ...result, gains, remarks: [...file.remarks, ...remarks], interrupted: swept.interrupted };
  return {
    figures: { type: "measure", group, ...found, interpolation, ...shown },
    lines: [
      ...partLines(swept, `${what}s`),
      ...poseLines(result),
      "",
      ...remarkLines(remarks),
      `Predictions rotated back by ${interpolation}; compared within the grid's ball.`,
      "",
      ...poseGainLines(gains, result.samples),
    ],
  };
}

function decompositionResult(measured: Extract<ModelMeasurement, { kind: "decomposition" }>, of: Shown): Result {
  const { options, swept, file, shown, what } = of;
  const { kind: _, group, gains, samples, terms, ...result } = measured;
  const remarks = zeroRemarks(result.lossTotal, result.lossZero, MODEL_ADVICE);
  const { interrupted } = swept;
  const delta = deltaOf(options);
  const found = {
    ...result,
    ...(terms && { terms }),
    delta,
    samples,
    gains,
    remarks: [...file.remarks, ...remarks],
    interrupted,
  };
  const order = group === "so3" ? Infinity : OCTAHEDRAL_ORDER;
  const loss = lossLines(result, { delta, estimated: result.rotations < order });
  const lines = [
    ...decompositionLines(result),
    ...termLines(terms),
    "",
    ...remarkLines(remarks),
    ...gainLines(measured),
  ];
  return {
    figures: { type: "measure", group, ...found, ...shown },
    lines: [...partLines(swept, `${what}s`), ...loss, ...lines],
  };
}

/** One after another, until all are done or somebody stops it. */
async function eachSample(
  what: string,
  chosen: Uint32Array,
  measure: (index: number) => Promise<void>,
): Promise<Swept> {
  try {
    return await sweep(what, chosen.length, (at) => measure(chosen[at]!));
  } catch (error) {
    // Tallies know samples by their turn only.
    if (!(error instanceof VoxtwirlError) || error.code !== "not-finite") throw error;
    throw new VoxtwirlError(
      "not-finite",
      "the model predicts numbers that are not finite",
      "Use an earlier checkpoint.",
      { cause: error },
    );
  }
}
