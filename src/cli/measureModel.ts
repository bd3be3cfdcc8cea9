import { VoxtwirlError } from "../errors.ts";
import { TWIRL_COUNTS } from "../equivariance/gain.ts";
import { PoseEvaluator } from "../equivariance/poseEvaluator.ts";
import { poseResult } from "../equivariance/poseEstimator.ts";
import { poseGains } from "../equivariance/poseGain.ts";
import { Tally } from "../equivariance/tally.ts";
import { VoxelEvaluator } from "../equivariance/voxelEvaluator.ts";
import type { Gpu } from "../gpu/gpu.ts";
import type { Precision } from "../graph/graph.ts";
import type { PackedMolecules } from "../molecules/dataset.ts";
import { readModelFile } from "../node/modelFile.ts";
import { readingLines } from "../molecules/records.ts";
import { readMoleculeFile } from "../node/molecules.ts";
import { measurableMolecules } from "../node/runData.ts";
import { Random } from "../random.ts";
import { formatCount } from "../report/format.ts";
import { MODEL_ADVICE, zeroRemarks } from "../report/measureRemarks.ts";
import type { ModelFile } from "../training/modelFile.ts";
import { streams } from "../training/streams.ts";
import { VoxelDenoiser } from "../training/voxelDenoiser.ts";
import { openCliGpu } from "./gpu.ts";
import {
  decompositionLines,
  gainLines,
  poseGainLines,
  poseLines,
  print,
  printJson,
  remarkLines,
} from "./measureOutput.ts";
import { nothingKnown, partLines, sweep, type Swept } from "./sweep.ts";

export interface MeasureModelOptions {
  readonly model: string;
  readonly data: string;
  /** Whether a record that cannot be used is an error. */
  readonly strict: boolean;
  readonly group: "octahedral" | "so3";
  readonly twirl: number;
  readonly limit: number;
  /** The run's by default: then molecules have the poses and noise of its evaluations. */
  readonly seed: number | undefined;
  /** How predictions are rotated back under so3. */
  readonly interpolation: "catmull-rom" | "trilinear";
  /** That of the model's training by default. */
  readonly precision: Precision | undefined;
  readonly adapter: string | undefined;
  readonly tuned: boolean;
  readonly json: boolean;
}

/** Noises of each rotation under so3: the fewest that tell noise from pose. */
const NOISES = 2;

/** Measures a model that `voxtwirl train` wrote. @returns the exit code */
export async function measureModel(options: MeasureModelOptions): Promise<number> {
  const model = await readModelFile(options.model);
  const gpu = await openCliGpu(options.adapter, options.tuned);
  try {
    const { config } = model;
    const seed = options.seed ?? config.training.seed;
    const precision = options.precision ?? config.training.precision;
    const file = await readMoleculeFile(options.data, { strict: options.strict });
    const { packed, skipped, heldoutOnly } = await measurableMolecules(file, config);
    const left = skipped.unknownElement + skipped.doesNotFit;
    const order = new Random(seed).shuffle(Uint32Array.from({ length: packed.count }, (_, i) => i));
    const chosen = order.slice(0, options.limit);
    const shown = {
      model: model.path,
      step: model.step,
      data: options.data,
      dataSha256: file.sha256,
      records: file.records,
      recordsLeftOut: Object.fromEntries(file.leftOut.map(({ reason, count }) => [reason, count])),
      heldoutOnly,
      candidates: packed.count,
      seed,
      precision,
    };
    const what = heldoutOnly ? `held-out molecules of ${options.data}` : `molecules of ${options.data}`;
    const half = precision === "f16" ? ", in f16" : "";
    const noises = options.group === "so3" ? `, ${NOISES} noises a rotation` : "";
    const head = [
      `${model.path}, preset ${config.training.preset}, step ${formatCount(model.step)}${half}`,
      `${chosen.length} of ${formatCount(packed.count)} ${what}, ${options.twirl} rotations each${noises}`,
      heldoutOnly
        ? "The model was trained on this file: only its held-out part is used."
        : "The model was trained on another file: molecules that both hold are not left out.",
      ...readingLines(file),
      ...(left > 0
        ? [`${formatCount(left)} molecules left out: too large for the grid, or elements without a channel`]
        : []),
      "",
    ];
    if (!options.json) print(head);
    return await withModel(gpu, model, precision, async (network) => {
      const job = { gpu, model, network, packed, chosen, seed, precision, options };
      const { swept, measured } = await (options.group === "so3" ? poses(job) : twirl(job));
      if (measured === undefined) return nothingKnown("molecule", swept);
      const { interrupted } = swept;
      if ("noises" in measured) {
        const { gains, ...result } = measured;
        const { interpolation } = options;
        const names = ["lossTotalPose", "lossZeroPose"] as const;
        const remarks = zeroRemarks(result.lossTotalPose, result.lossZeroPose, MODEL_ADVICE, names);
        const found = { ...result, gains, remarks: [...file.remarks, ...remarks], interrupted };
        if (options.json) printJson({ type: "measure", group: "so3", ...found, interpolation, ...shown });
        else {
          print([
            ...partLines(swept, "molecules"),
            ...poseLines(result),
            "",
            ...remarkLines(remarks),
            `Predictions rotated back by ${interpolation}; compared within the grid's ball.`,
            "",
            ...poseGainLines(gains, result.samples),
          ]);
        }
      } else {
        const { gains, samples, ...result } = measured;
        const remarks = zeroRemarks(result.lossTotal, result.lossZero, MODEL_ADVICE);
        const found = { ...result, samples, gains, remarks: [...file.remarks, ...remarks], interrupted };
        if (options.json) printJson({ type: "measure", group: "octahedral", ...found, ...shown });
        else {
          const lines = [...decompositionLines(result), "", ...remarkLines(remarks), ...gainLines(gains, samples)];
          print([...partLines(swept, "molecules"), ...lines]);
        }
      }
      return swept.code;
    });
  } finally {
    gpu.destroy();
  }
}

async function withModel<T>(
  gpu: Gpu,
  file: ModelFile,
  precision: Precision,
  use: (network: VoxelDenoiser) => Promise<T>,
): Promise<T> {
  const network = await VoxelDenoiser.load(gpu, file, { precision });
  try {
    return await use(network);
  } finally {
    network.destroy();
  }
}

interface Job {
  readonly gpu: Gpu;
  readonly model: ModelFile;
  readonly network: VoxelDenoiser;
  readonly packed: PackedMolecules;
  /** Which of the packed molecules. */
  readonly chosen: Uint32Array;
  readonly seed: number;
  readonly precision: Precision;
  readonly options: MeasureModelOptions;
}

function evaluatorOptions({ model, packed, seed, precision }: Job) {
  const { grid, resolution, sigma, shift, elements } = model.config.training;
  return { molecules: packed, grid, channels: elements.length, resolution, sigma, shift, seed, precision };
}

async function twirl(job: Job) {
  const { gpu, network, chosen, seed, options } = job;
  const given = {
    ...evaluatorOptions(job),
    twirl: options.twirl,
    streams: { pose: streams.heldoutPose, noise: streams.heldoutNoise },
    keepPredictions: true,
  };
  const evaluator = await VoxelEvaluator.create(gpu, given, (graph, x) => network.forward(graph, x));
  try {
    const tally = new Tally({ rotations: options.twirl, seed });
    const swept = await eachMolecule(chosen, async (index) => {
      const { predictions, clean } = await evaluator.twisted(index);
      const all = new Float32Array(predictions.length * clean.length);
      predictions.forEach((values, i) => all.set(values, i * clean.length));
      tally.add(all, clean);
    });
    return { swept, measured: swept.done > 0 ? tally.result() : undefined };
  } finally {
    evaluator.destroy();
  }
}

async function poses(job: Job) {
  const { gpu, network, chosen, options } = job;
  const given = {
    ...evaluatorOptions(job),
    rotations: options.twirl,
    noises: NOISES,
    method: options.interpolation === "trilinear" ? ("trilinear" as const) : ("catmullRom" as const),
    stream: streams.heldoutNoise,
  };
  const evaluator = await PoseEvaluator.create(gpu, given, (graph, x) => network.forward(graph, x));
  try {
    const counts = TWIRL_COUNTS.filter((count) => count <= options.twirl);
    const found: Awaited<ReturnType<typeof evaluator.measure>>[] = [];
    const swept = await eachMolecule(chosen, async (index) => void found.push(await evaluator.measure(index, counts)));
    if (found.length === 0) return { swept, measured: undefined };
    const averages = found.map((molecule) => molecule.averages);
    const measured = {
      ...poseResult(found, evaluator.elements),
      samples: found.length,
      rotations: options.twirl,
      noises: NOISES,
      gains: poseGains(found, averages, counts),
    };
    return { swept, measured };
  } finally {
    evaluator.destroy();
  }
}

/** One after another, until all are done or somebody stops it. */
async function eachMolecule(chosen: Uint32Array, measure: (index: number) => Promise<void>): Promise<Swept> {
  try {
    return await sweep("molecule", chosen.length, (at) => measure(chosen[at]!));
  } catch (error) {
    // Tallies know molecules by their turn only.
    if (!(error instanceof VoxtwirlError) || error.code !== "not-finite") throw error;
    throw new VoxtwirlError(
      "not-finite",
      "the model predicts numbers that are not finite",
      "Use an earlier checkpoint.",
      { cause: error },
    );
  }
}
